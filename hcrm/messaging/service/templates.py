"""Installing the wording that the program ships with."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from hcrm.messaging.domain import TemplateStatus
from hcrm.messaging.models import MessageTemplate
from hcrm.messaging.readers import shipped_templates

SHIPPED_VERSION = 1


def install_default_templates(session: Session, now: datetime) -> int:
    """Store shipped texts that are not there yet; how many were. What a hospital has changed stays as it is.

    A corrected shipped text replaces the stored first version while the hospital has made none of its own.
    """
    newest = {
        (code, language): version
        for code, language, version in session.execute(
            select(MessageTemplate.code, MessageTemplate.language, func.max(MessageTemplate.version)).group_by(
                MessageTemplate.code, MessageTemplate.language
            )
        )
    }
    added = 0
    for shipped in shipped_templates():
        version = newest.get((shipped.code, shipped.language))
        if version == SHIPPED_VERSION:
            session.execute(
                update(MessageTemplate)
                .where(
                    MessageTemplate.code == shipped.code,
                    MessageTemplate.language == shipped.language,
                    MessageTemplate.version == SHIPPED_VERSION,
                )
                .values(body=shipped.body, kind=shipped.kind)
            )
        elif version is None:
            added += 1
            session.add(
                MessageTemplate(
                    code=shipped.code,
                    language=shipped.language,
                    version=SHIPPED_VERSION,
                    kind=shipped.kind,
                    body=shipped.body,
                    status=TemplateStatus.PUBLISHED,
                    created_at=now,
                )
            )
    session.flush()
    return added
