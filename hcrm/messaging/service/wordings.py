"""New versions of texts: a draft may wait, a published one is sent from the next message on; old ones are kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.messaging.domain import LANGUAGES, SAMPLE, WITH_A_YES, Remark, TemplateStatus, remarks_on
from hcrm.messaging.models import MessageTemplate
from hcrm.messaging.queries import Editing, editing


class UnknownText(LookupError):
    """There is no text with this code."""


class NotPublishable(ValueError):
    """The wording has flaws, or doubts that nobody has said yes to; ``remarks`` says which."""

    def __init__(self, remarks: list[Remark]) -> None:
        super().__init__([each.flaw for each in remarks])
        self.remarks = remarks


def remarks_on_text(text: Editing, bodies: Mapping[str, str]) -> list[Remark]:
    """What is to be said about new wordings (by language) of a text; a language that is missing counts as empty."""
    return [
        remark
        for language in LANGUAGES
        for remark in remarks_on(
            bodies.get(language, ""),
            text.in_force[language].body if language in text.in_force else "",
            language,
            SAMPLE,
        )
    ]


def save_wording(
    session: Session,
    code: str,
    *,
    bodies: Mapping[str, str],
    registrations: Mapping[str, Mapping[str, str]],
    publish: bool,
    sure: bool,
    actor_user_id: int,
    facility_id: int | None,
    now: datetime,
) -> int:
    """Store new wordings of a text in all languages as one version; its number.

    A draft replaces the draft before it. ``registrations`` are template numbers by language and provider. ``sure``: a
    person has said yes to what is longer or may reveal something. Raises ``UnknownText``; ``NotPublishable`` when it
    is to be published and must not be.
    """
    text = editing(session, code)
    if text is None:
        raise UnknownText(code)
    remarks = remarks_on_text(text, bodies)
    if publish and any(remark.flaw not in WITH_A_YES or not sure for remark in remarks):
        raise NotPublishable(remarks)
    version = _version(session, code)
    for language in LANGUAGES:
        _store(session, text, language, version, bodies.get(language, ""), registrations.get(language, {}), now)
    session.flush()
    rows = session.scalars(select(MessageTemplate).where(MessageTemplate.code == code).with_for_update()).all()
    for row in rows:
        if row.version == version:
            row.status = TemplateStatus.PUBLISHED if publish else TemplateStatus.DRAFT
            row.created_by = actor_user_id
        elif publish:
            row.status = TemplateStatus.RETIRED
    session.flush()
    record(
        session,
        now=now,
        action="template.published" if publish else "template.drafted",
        actor_user_id=actor_user_id,
        facility_id=facility_id,
        object_kind="message_template",
        object_id=max(row.id for row in rows),
    )
    return version


def _version(session: Session, code: str) -> int:
    """The version being written: the draft's, else a new one."""
    draft = session.scalars(
        select(func.max(MessageTemplate.version)).where(
            MessageTemplate.code == code, MessageTemplate.status == TemplateStatus.DRAFT
        )
    ).one()
    newest = session.scalars(select(func.max(MessageTemplate.version)).where(MessageTemplate.code == code)).one()
    return int(draft or newest + 1)


def _store(
    session: Session,
    text: Editing,
    language: str,
    version: int,
    body: str,
    registrations: Mapping[str, str],
    now: datetime,
) -> None:
    row = session.scalars(
        select(MessageTemplate).where(
            MessageTemplate.code == text.code, MessageTemplate.language == language, MessageTemplate.version == version
        )
    ).one_or_none()
    if row is None:
        row = MessageTemplate(
            code=text.code, language=language, version=version, kind=text.kind, status=TemplateStatus.DRAFT,
            created_at=now,
        )  # fmt: skip
        session.add(row)
    row.body = body
    row.registrations = {name: number for name, number in registrations.items() if number}
