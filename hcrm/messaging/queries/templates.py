"""Reads the wording of messages: what is in force, its versions, and a draft beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.messaging.domain import Purpose, TemplateStatus
from hcrm.messaging.models import MessageTemplate


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a text in one language."""

    code: str
    kind: Purpose
    language: str
    version: int
    status: TemplateStatus
    body: str
    registrations: Mapping[str, str]
    created_at: datetime
    created_by: int | None


@dataclass(frozen=True, slots=True)
class Editing:
    """A text as it is edited: by language what is in force, and the draft, if there is one; all versions, newest
    first.
    """

    code: str
    kind: Purpose
    in_force: Mapping[str, Version]
    drafts: Mapping[str, Version]
    versions: tuple[Version, ...]

    @property
    def newest(self) -> Mapping[str, Version]:
        """By language the draft, where there is one, else what is in force."""
        return {**self.in_force, **self.drafts}


def editing(session: Session, code: str) -> Editing | None:
    """One text with all its versions; None when there is none with this code."""
    return _together(session).get(code) if code else None


def all_texts(session: Session) -> list[Editing]:
    """All texts, by code."""
    return [text for _, text in sorted(_together(session).items())]


def _together(session: Session) -> dict[str, Editing]:
    versions: dict[str, list[Version]] = {}
    rows = session.scalars(select(MessageTemplate).order_by(MessageTemplate.version.desc(), MessageTemplate.language))
    for row in rows:
        versions.setdefault(row.code, []).append(
            Version(
                row.code, row.kind, row.language, row.version, row.status, row.body, row.registrations, row.created_at,
                row.created_by,
            )
        )  # fmt: skip
    return {code: _editing(code, found) for code, found in versions.items()}


def _editing(code: str, versions: list[Version]) -> Editing:
    by_status: dict[TemplateStatus, dict[str, Version]] = {status: {} for status in TemplateStatus}
    for each in versions:
        by_status[each.status].setdefault(each.language, each)
    return Editing(
        code=code,
        kind=versions[0].kind,
        in_force=by_status[TemplateStatus.PUBLISHED],
        drafts=by_status[TemplateStatus.DRAFT],
        versions=tuple(versions),
    )
