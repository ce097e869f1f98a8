"""Reading questionnaires for whoever writes them: all of them, their versions, one version, the draft."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.accounts.models import UserAccount
from hcrm.survey.domain import Purpose, UnknownQuestionnaire, VersionStatus
from hcrm.survey.domain.drafts import Definition, tidied
from hcrm.survey.models import Questionnaire, QuestionnaireVersion


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version as a list shows it; ``at`` is when it was last changed, published or retired."""

    version: int
    status: VersionStatus
    questions: int
    by_text: int
    at: datetime | None
    by: str


@dataclass(frozen=True, slots=True)
class QuestionnaireRow:
    """A questionnaire with its versions, the newest first; ``facility_id`` is whose it is, None: that of all."""

    code: str
    name_en: str
    name_zh: str
    purpose: Purpose
    facility_id: int | None
    versions: tuple[VersionRow, ...]

    def of(self, status: VersionStatus) -> VersionRow | None:
        """The newest version of a state."""
        return next((entry for entry in self.versions if entry.status is status), None)

    @property
    def published(self) -> VersionRow | None:
        return self.of(VersionStatus.PUBLISHED)

    @property
    def draft(self) -> VersionRow | None:
        return self.of(VersionStatus.DRAFT)


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft with the revision that a change of it has to name."""

    definition: dict[str, Any]
    revision: int
    changed_at: datetime | None
    changed_by: str


def questionnaire_rows(session: Session, codes: Iterable[str] | None = None) -> list[QuestionnaireRow]:
    """All questionnaires, or those of ``codes``, by code."""
    statement = (
        select(Questionnaire, QuestionnaireVersion, UserAccount.display_name)
        .join(QuestionnaireVersion, QuestionnaireVersion.questionnaire_id == Questionnaire.id)
        .outerjoin(UserAccount, UserAccount.id == QuestionnaireVersion.changed_by_user_id)
        .order_by(Questionnaire.code, QuestionnaireVersion.version.desc())
    )
    if codes is not None:
        statement = statement.where(Questionnaire.code.in_(list(codes)))
    found: dict[str, QuestionnaireRow] = {}
    for owner, version, by in session.execute(statement):
        before = found.get(owner.code)
        versions = (*(before.versions if before else ()), _version_row(version, by))
        purpose = before.purpose if before else Purpose(version.definition["purpose"])
        found[owner.code] = QuestionnaireRow(
            owner.code, owner.name_en, owner.name_zh, purpose, owner.facility_id, versions
        )
    return list(found.values())


def questionnaire_row(session: Session, code: str) -> QuestionnaireRow:
    """Raises ``UnknownQuestionnaire``."""
    found = questionnaire_rows(session, [code])
    if not found:
        raise UnknownQuestionnaire(code)
    return found[0]


def definition_of(session: Session, code: str, version: int) -> dict[str, Any]:
    """One version as data. Raises ``UnknownQuestionnaire``."""
    row = session.scalars(
        select(QuestionnaireVersion)
        .join(Questionnaire)
        .where(Questionnaire.code == code, QuestionnaireVersion.version == version)
    ).one_or_none()
    if row is None:
        raise UnknownQuestionnaire(code)
    return tidied(row.definition, row.version)


def draft_of(session: Session, code: str) -> Draft | None:
    """The draft of a questionnaire, if there is one."""
    row = session.execute(
        select(QuestionnaireVersion, UserAccount.display_name)
        .join(Questionnaire)
        .outerjoin(UserAccount, UserAccount.id == QuestionnaireVersion.changed_by_user_id)
        .where(Questionnaire.code == code, QuestionnaireVersion.status == VersionStatus.DRAFT)
    ).one_or_none()
    if row is None:
        return None
    version = row.QuestionnaireVersion
    definition = tidied(version.definition, version.version)
    return Draft(definition, version.revision, version.changed_at, row.display_name or "")


def _version_row(row: QuestionnaireVersion, by: str | None) -> VersionRow:
    definition: Definition = row.definition
    at = {
        VersionStatus.DRAFT: row.changed_at,
        VersionStatus.PUBLISHED: row.published_at,
        VersionStatus.RETIRED: row.retired_at or row.published_at,
    }[row.status]
    return VersionRow(
        version=row.version,
        status=row.status,
        questions=len(definition["question"]),
        by_text=len(definition.get("sms_form", ())),
        at=at,
        by=by or "",
    )
