"""Questionnaires being written: drafts, publishing, retiring. Functions flush and never commit.

A questionnaire has at most one draft. Whoever changes it names the revision they saw, so that two people at one draft
never undo each other's work unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.messaging.queries.outbox import published_wordings
from hcrm.survey.domain import UnknownQuestionnaire, VersionStatus
from hcrm.survey.domain.definition import questionnaire_from
from hcrm.survey.domain.drafts import tidied
from hcrm.survey.domain.review import Flaw, review
from hcrm.survey.models import Questionnaire, QuestionnaireVersion

_SMS_PREFIX, _FRAME = "q_", "own"
"""Texts of questions are called ``q_`` and their code; ``q_own`` frames the wording that a question has itself."""


class DraftChanged(Exception):
    """Somebody else has changed the draft since it was shown, or it is gone."""


class NotPublishable(Exception):
    """The draft has flaws; the argument is all of them."""

    def __init__(self, flaws: tuple[Flaw, ...]) -> None:
        super().__init__(flaws)
        self.flaws = flaws


class NotInUse(Exception):
    """The questionnaire has no published version; the argument is its code."""


class CodeTaken(ValueError):
    """There is a questionnaire of this code; the argument is the code."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes, where and when."""

    user_id: int
    facility_id: int | None
    now: datetime


def begin_draft(session: Session, *, code: str, author: Author) -> None:
    """A draft made of the newest version; one that is there stays. Raises ``UnknownQuestionnaire``."""
    owner = _owner(session, code)
    if _draft(session, owner.id) is not None:
        return
    newest = session.scalars(
        select(QuestionnaireVersion)
        .where(QuestionnaireVersion.questionnaire_id == owner.id)
        .order_by(QuestionnaireVersion.version.desc())
        .limit(1)
    ).one()
    _add_draft(session, owner, tidied(newest.definition, newest.version + 1), author)


def begin_questionnaire(
    session: Session, *, definition: Mapping[str, Any], author: Author, facility_id: int | None = None
) -> str:
    """A new questionnaire whose first version is a draft; its code. ``facility_id`` is whose it is, None: that of all.

    Raises ``NotADraft`` and ``CodeTaken``.
    """
    draft = tidied(definition)
    made = session.scalars(
        insert(Questionnaire)
        .values(code=draft["code"], facility_id=facility_id, name_en=draft["name"]["en"], name_zh=draft["name"]["zh"])
        .on_conflict_do_nothing(index_elements=["code"])
        .returning(Questionnaire.id)
    ).one_or_none()
    if made is None:
        raise CodeTaken(draft["code"])
    _add_draft(session, session.get_one(Questionnaire, made), draft, author)
    return str(draft["code"])


def take_in(session: Session, *, definition: object, author: Author, facility_id: int | None = None) -> str:
    """A questionnaire from a file becomes a draft, of a new questionnaire or of the one that has its code.

    A draft that is there is replaced. Returns the code; raises ``NotADraft``.
    """
    draft = tidied(definition)
    try:
        return begin_questionnaire(session, definition=draft, author=author, facility_id=facility_id)
    except CodeTaken:
        begin_draft(session, code=draft["code"], author=author)
        row = _locked_draft(session, draft["code"])
        _store(session, row, {**draft, "version": row.version}, author)
        _note(session, "questionnaire.drafted", row, author)
        return str(draft["code"])


def change_draft(
    session: Session, *, code: str, revision: int, change: Callable[[dict[str, Any]], dict[str, Any]], author: Author
) -> int:
    """Put ``change`` of the draft in its place; its new revision.

    Raises ``DraftChanged`` when the draft is not at ``revision`` any more, and what ``change`` raises.
    """
    row = _locked_draft(session, code)
    if row.revision != revision:
        raise DraftChanged(code)
    _store(session, row, change(tidied(row.definition, row.version)), author)
    _note(session, "questionnaire.drafted", row, author)
    return row.revision


def discard_draft(session: Session, *, code: str, revision: int, author: Author) -> None:
    """Throw a draft away; a questionnaire without any other version goes with it. Raises ``DraftChanged``."""
    row = _locked_draft(session, code)
    if row.revision != revision:
        raise DraftChanged(code)
    _note(session, "questionnaire.discarded", row, author)
    owner_id = row.questionnaire_id
    session.delete(row)
    session.flush()
    others = select(func.count()).where(QuestionnaireVersion.questionnaire_id == owner_id)
    if session.scalar(others) == 0:
        session.execute(delete(Questionnaire).where(Questionnaire.id == owner_id))


def publish_draft(session: Session, *, code: str, revision: int, author: Author) -> int:
    """The draft becomes what is asked from now on; invitations that are out keep their version. Its version.

    Raises ``DraftChanged`` and ``NotPublishable``.
    """
    row = _locked_draft(session, code)
    if row.revision != revision:
        raise DraftChanged(code)
    draft = tidied(row.definition, row.version)
    flaws = review(draft, sms_codes=sms_codes(session))
    if flaws:
        raise NotPublishable(flaws)
    published = questionnaire_from(draft)
    session.execute(
        update(QuestionnaireVersion)
        .where(
            QuestionnaireVersion.questionnaire_id == row.questionnaire_id,
            QuestionnaireVersion.status == VersionStatus.PUBLISHED,
        )
        .values(status=VersionStatus.RETIRED, retired_at=author.now)
    )
    row.definition, row.status, row.published_at = draft, VersionStatus.PUBLISHED, author.now
    owner = session.get_one(Questionnaire, row.questionnaire_id)
    owner.name_en, owner.name_zh = published.name.en, published.name.zh
    session.flush()
    _note(session, "questionnaire.published", row, author)
    return row.version


def copy_questionnaire(session: Session, *, code: str, new_code: str, facility_id: int, author: Author) -> str:
    """A questionnaire of a hospital's own, begun from the newest version of another one that is no draft; its code.

    Raises ``UnknownQuestionnaire``, ``NotADraft`` for a code that cannot be one, and ``CodeTaken``.
    """
    newest = session.scalars(
        select(QuestionnaireVersion)
        .join(Questionnaire)
        .where(Questionnaire.code == code, QuestionnaireVersion.status != VersionStatus.DRAFT)
        .order_by(QuestionnaireVersion.version.desc())
        .limit(1)
    ).one_or_none()
    if newest is None:
        raise UnknownQuestionnaire(code)
    definition = {**tidied(newest.definition, newest.version), "code": new_code, "version": 1}
    return begin_questionnaire(session, definition=definition, author=author, facility_id=facility_id)


def retire(session: Session, *, code: str, author: Author) -> int:
    """Take a questionnaire out of use without a successor; its last version. What is asked already goes on.

    A draft of it stays and can be published, which takes it up again. Raises ``UnknownQuestionnaire`` and
    ``NotInUse``.
    """
    owner = _owner(session, code)
    row = session.scalars(
        select(QuestionnaireVersion).where(
            QuestionnaireVersion.questionnaire_id == owner.id,
            QuestionnaireVersion.status == VersionStatus.PUBLISHED,
        )
    ).one_or_none()
    if row is None:
        raise NotInUse(code)
    row.status, row.retired_at = VersionStatus.RETIRED, author.now
    session.flush()
    _note(session, "questionnaire.retired", row, author)
    return row.version


def sms_codes(session: Session) -> frozenset[str]:
    """Codes of questions for which messaging has a text of its own."""
    wordings = published_wordings(session)
    found = (code.removeprefix(_SMS_PREFIX) for code, _ in wordings if code.startswith(_SMS_PREFIX))
    return frozenset(found) - {_FRAME}


def _owner(session: Session, code: str) -> Questionnaire:
    found = session.scalars(select(Questionnaire).where(Questionnaire.code == code).with_for_update()).one_or_none()
    if found is None:
        raise UnknownQuestionnaire(code)
    return found


def _draft(session: Session, owner_id: int) -> QuestionnaireVersion | None:
    return session.scalars(
        select(QuestionnaireVersion)
        .where(
            QuestionnaireVersion.questionnaire_id == owner_id,
            QuestionnaireVersion.status == VersionStatus.DRAFT,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def _locked_draft(session: Session, code: str) -> QuestionnaireVersion:
    row = _draft(session, _owner(session, code).id)
    if row is None:
        raise DraftChanged(code)
    return row


def _add_draft(session: Session, owner: Questionnaire, definition: dict[str, Any], author: Author) -> None:
    row = QuestionnaireVersion(
        questionnaire_id=owner.id,
        version=definition["version"],
        status=VersionStatus.DRAFT,
        definition=definition,
        changed_at=author.now,
        changed_by_user_id=author.user_id,
        revision=1,
    )
    session.add(row)
    session.flush()
    _note(session, "questionnaire.drafted", row, author)


def _store(session: Session, row: QuestionnaireVersion, draft: dict[str, Any], author: Author) -> None:
    row.definition = draft
    row.revision += 1
    row.changed_at, row.changed_by_user_id = author.now, author.user_id
    session.flush()


def _note(session: Session, action: str, row: QuestionnaireVersion, author: Author) -> None:
    record(
        session,
        now=author.now,
        action=action,
        actor_user_id=author.user_id,
        facility_id=author.facility_id,
        object_kind="questionnaire_version",
        object_id=row.id,
        details={"version": row.version},
    )
