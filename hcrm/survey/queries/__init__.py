"""Reading questionnaires, responses and answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, or_, select
from sqlalchemy.orm import Session

from hcrm.ids import token_hash
from hcrm.organization import queries as organization
from hcrm.organization.domain import FacilitySettings, FacilitySnapshot
from hcrm.organization.models import Facility
from hcrm.patients.domain import TimelineEntry
from hcrm.patients.models import Encounter, Patient
from hcrm.survey import models
from hcrm.survey.domain import (
    AnswerSnapshot,
    AnswerValue,
    AskContext,
    Purpose,
    Questionnaire,
    Respondent,
    ResponseState,
    UnknownQuestionnaire,
    UnknownResponse,
    VersionStatus,
)
from hcrm.survey.domain.questionnaire import SHIPPED
from hcrm.survey.queries.given import answers_of, as_value, given, version_of


@dataclass(frozen=True, slots=True)
class ResponseSnapshot:
    """A response as it was when read."""

    id: int
    facility_id: int
    questionnaire_code: str
    patient_id: int
    encounter_id: int | None
    task_id: int | None
    department_id: int | None
    state: ResponseState
    language: str | None
    respondent: Respondent
    invited_at: datetime
    delivered_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    expires_at: datetime
    closed_at: datetime | None

    @property
    def ended_without_answers(self) -> bool:
        """Refused or ineligible: nothing is asked any more."""
        return self.state in (ResponseState.REFUSED, ResponseState.INELIGIBLE)

    def is_late(self, now: datetime) -> bool:
        """Whether an answer given at ``now`` comes after the time it was asked for."""
        return now > self.expires_at or self.state is ResponseState.EXPIRED


@dataclass(frozen=True, slots=True)
class Sheet:
    """A response with everything that rules look at, read in one statement."""

    response: ResponseSnapshot
    questionnaire: Questionnaire
    snapshots: tuple[AnswerSnapshot, ...]
    context: AskContext

    @property
    def answers(self) -> dict[str, AnswerValue]:
        """Current answers by question code."""
        return {entry.question_code: entry.value for entry in self.snapshots}


@dataclass(frozen=True, slots=True)
class WebSurvey:
    """All that a page of the patient's web survey needs. ``last_answer_id`` is 0 without answers."""

    response: ResponseSnapshot
    questionnaire: Questionnaire
    answers: dict[str, AnswerValue]
    context: AskContext
    facility: FacilitySnapshot
    language: str
    ended_on: date | None
    last_answer_id: int
    birth_date: date | None
    failed_checks: int

    @property
    def needs_check(self) -> bool:
        """Whether the pages are about somebody's health: who holds the phone proves first that it is their business."""
        return self.questionnaire.purpose is not Purpose.SATISFACTION


def questionnaire(session: Session, code: str) -> Questionnaire:
    """The published version of a questionnaire; of one that was retired the last, which plans that run still ask.

    Raises ``UnknownQuestionnaire``.
    """
    version = models.QuestionnaireVersion
    newest = (
        _versions()
        .where(models.Questionnaire.code == code, version.status != VersionStatus.DRAFT)
        .order_by((version.status == VersionStatus.PUBLISHED).desc(), version.version.desc())
        .limit(1)
    )
    row = session.execute(newest).one_or_none()
    if row is None:
        raise UnknownQuestionnaire(code)
    return version_of(session, row.version_id, row.digest)


def questionnaire_of_response(session: Session, response_id: int) -> Questionnaire:
    """The version that this response answers. Raises ``UnknownResponse``."""
    row = session.execute(
        _versions()
        .join(
            models.SurveyResponse,
            models.SurveyResponse.questionnaire_version_id == models.QuestionnaireVersion.id,
        )
        .where(models.SurveyResponse.id == response_id)
    ).one_or_none()
    if row is None:
        raise UnknownResponse(response_id)
    return version_of(session, row.version_id, row.digest)


def questionnaires(session: Session, facility_id: int | None = None) -> list[Questionnaire]:
    """The published questionnaires, by code; with ``facility_id`` those that this hospital may ask."""
    where = [models.QuestionnaireVersion.status == VersionStatus.PUBLISHED]
    if facility_id is not None:
        owner = models.Questionnaire.facility_id
        where.append(or_(owner.is_(None), owner == facility_id))
    rows = session.execute(_versions().where(*where).order_by(models.Questionnaire.code)).all()
    return [version_of(session, row.version_id, row.digest) for row in rows]


def answers(session: Session, response_id: int) -> dict[str, AnswerValue]:
    """Current answers by question code."""
    return {entry.question_code: entry.value for entry in answer_snapshots(session, response_id)}


def answer_snapshots(session: Session, response_id: int) -> list[AnswerSnapshot]:
    """Current answers with how they came, in the order in which they were given."""
    rows = session.scalars(
        select(models.SurveyAnswer)
        .where(models.SurveyAnswer.response_id == response_id, models.SurveyAnswer.superseded_at.is_(None))
        .order_by(models.SurveyAnswer.id)
    )
    return [_answer(row) for row in rows]


def current_answer_ids(session: Session, response_id: int) -> dict[str, int]:
    """Ids of the current answers by question code."""
    rows = session.execute(
        select(models.SurveyAnswer.question_code, models.SurveyAnswer.id).where(
            models.SurveyAnswer.response_id == response_id, models.SurveyAnswer.superseded_at.is_(None)
        )
    )
    return dict(rows.tuples().all())


def answers_by_id(session: Session, answer_ids: Iterable[int]) -> dict[int, AnswerSnapshot]:
    """Answers by id, also those that were changed since."""
    rows = session.scalars(select(models.SurveyAnswer).where(models.SurveyAnswer.id.in_(set(answer_ids))))
    return {row.id: _answer(row) for row in rows}


def _answer(row: models.SurveyAnswer) -> AnswerSnapshot:
    return AnswerSnapshot(row.question_code, as_value(row.value), row.mode, row.respondent, row.answered_at, row.late)


def response(session: Session, response_id: int) -> ResponseSnapshot:
    """Raises ``UnknownResponse``."""
    found = responses(session, [response_id])
    if response_id not in found:
        raise UnknownResponse(response_id)
    return found[response_id]


def responses(session: Session, response_ids: Iterable[int]) -> dict[int, ResponseSnapshot]:
    """Responses by id; unknown ids are left out."""
    return {entry.id: entry for entry in _snapshots(session, models.SurveyResponse.id.in_(list(response_ids)))}


def response_of_task(session: Session, task_id: int) -> ResponseSnapshot | None:
    """The response that a follow-up task asked for, if it has begun one."""
    return responses_of_tasks(session, [task_id]).get(task_id)


def responses_of_tasks(session: Session, task_ids: Iterable[int]) -> dict[int, ResponseSnapshot]:
    """Responses by the follow-up task that asked for them."""
    found = _snapshots(session, models.SurveyResponse.task_id.in_(list(task_ids)))
    return {entry.task_id: entry for entry in found if entry.task_id is not None}


def sheet(session: Session, response_id: int, now: datetime) -> Sheet:
    """The response, its questionnaire, its current answers and what is known at ``now``. Raises ``UnknownResponse``."""
    row = session.execute(_sheet_by_id(), {"wanted": response_id}).one_or_none()
    if row is None:
        raise UnknownResponse(response_id)
    return _sheet(session, row, now)


def sheet_of_task(session: Session, task_id: int, now: datetime) -> Sheet | None:
    """The sheet of the response that a follow-up task asked for, if it has begun one."""
    row = session.execute(_sheet_by_task(), {"wanted": task_id}).one_or_none()
    return None if row is None else _sheet(session, row, now)


def _sheet(session: Session, row: Row[Any], now: datetime) -> Sheet:
    return Sheet(
        response=_snapshot(row.SurveyResponse, row.code),
        questionnaire=version_of(session, row.version_id, row.digest),
        snapshots=answers_of(row.given),
        context=_context(row, now),
    )


def web_survey(session: Session, token: str, now: datetime) -> WebSurvey | None:
    """What the holder of a link may see; ``None`` for a token that belongs to no response."""
    row = session.execute(_by_token(), {"wanted": token_hash(token)}).one_or_none()
    if row is None:
        return None
    entry = _snapshot(row.SurveyResponse, row.code)
    current = session.execute(_current_answers(), {"response": entry.id}).all()
    return WebSurvey(
        response=entry,
        questionnaire=version_of(session, row.version_id, row.digest),
        answers={code: as_value(value) for code, value, _ in current},
        context=_context(row, now),
        facility=organization.snapshot(row.Facility),
        language=entry.language or row.patient_language.value,
        ended_on=row.discharged_on or row.admitted_on,
        last_answer_id=max((answer_id for _, _, answer_id in current), default=0),
        birth_date=row.birth_date,
        failed_checks=row.SurveyResponse.failed_checks,
    )


def answered_since(session: Session, response_id: int, answer_id: int, device: str) -> dict[str, AnswerValue]:
    """Current answers newer than ``answer_id`` that came from another device or channel, by question code."""
    rows = session.execute(
        select(models.SurveyAnswer.question_code, models.SurveyAnswer.value).where(
            models.SurveyAnswer.response_id == response_id,
            models.SurveyAnswer.id > answer_id,
            models.SurveyAnswer.superseded_at.is_(None),
            models.SurveyAnswer.device.is_distinct_from(device),
        )
    )
    return {code: as_value(value) for code, value in rows}


def timeline(session: Session, patient_ids: Sequence[int]) -> list[TimelineEntry]:
    """What the timeline of these patient records shows of surveys: one entry per response, at its latest step."""
    found = _snapshots(session, models.SurveyResponse.patient_id.in_(list(patient_ids)))
    counts = _answer_counts(session, [entry.id for entry in found])
    return [
        TimelineEntry(
            at=entry.completed_at or entry.started_at or entry.closed_at or entry.invited_at,
            kind="survey",
            title_code=f"survey.{entry.questionnaire_code if entry.questionnaire_code in SHIPPED else 'other'}",
            params={"answers": counts.get(entry.id, 0)},
            state=f"survey.{entry.state.value}",
            object_kind="survey_response",
            object_id=entry.id,
            encounter_id=entry.encounter_id,
        )
        for entry in found
    ]


def _answer_counts(session: Session, response_ids: Sequence[int]) -> dict[int, int]:
    if not response_ids:
        return {}
    rows = session.execute(
        select(models.SurveyAnswer.response_id, func.count())
        .where(models.SurveyAnswer.response_id.in_(response_ids), models.SurveyAnswer.superseded_at.is_(None))
        .group_by(models.SurveyAnswer.response_id)
    )
    return dict(rows.tuples().all())


def _snapshots(session: Session, condition: ColumnElement[bool]) -> list[ResponseSnapshot]:
    rows = session.execute(
        select(models.SurveyResponse, models.Questionnaire.code)
        .join(
            models.QuestionnaireVersion,
            models.QuestionnaireVersion.id == models.SurveyResponse.questionnaire_version_id,
        )
        .join(models.Questionnaire)
        .where(condition)
        .order_by(models.SurveyResponse.id)
    )
    return [_snapshot(row, code) for row, code in rows]


def _snapshot(row: models.SurveyResponse, code: str) -> ResponseSnapshot:
    return ResponseSnapshot(
        id=row.id,
        facility_id=row.facility_id,
        questionnaire_code=code,
        patient_id=row.patient_id,
        encounter_id=row.encounter_id,
        task_id=row.task_id,
        department_id=row.department_id,
        state=row.state,
        language=row.language,
        respondent=row.respondent,
        invited_at=row.invited_at,
        delivered_at=row.delivered_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
        expires_at=row.expires_at,
        closed_at=row.closed_at,
    )


# Put together once: these are asked for on every page of a survey.
@cache
def _sheet_by_id() -> Select[Any]:
    return _facts(models.SurveyResponse.id == bindparam("wanted")).add_columns(given())


@cache
def _sheet_by_task() -> Select[Any]:
    return _facts(models.SurveyResponse.task_id == bindparam("wanted")).add_columns(given())


@cache
def _by_token() -> Select[Any]:
    return _facts(models.SurveyResponse.token_hash == bindparam("wanted"))


@cache
def _current_answers() -> Select[Any]:
    answer = models.SurveyAnswer
    return (
        select(answer.question_code, answer.value, answer.id)
        .where(answer.response_id == bindparam("response"), answer.superseded_at.is_(None))
        .order_by(answer.id)
    )


def _facts(condition: ColumnElement[bool]) -> Select[Any]:
    """A response with its version, and what is known of the patient, the stay and the facility, in one statement."""
    return (
        select(
            models.SurveyResponse,
            models.Questionnaire.code,
            models.QuestionnaireVersion.id.label("version_id"),
            models.QuestionnaireVersion.digest,
            Patient.birth_date,
            Patient.language.label("patient_language"),
            Encounter.admitted_on,
            Encounter.discharged_on,
            Encounter.disposition,
            Facility,
        )
        .join(
            models.QuestionnaireVersion,
            models.QuestionnaireVersion.id == models.SurveyResponse.questionnaire_version_id,
        )
        .join(models.Questionnaire, models.Questionnaire.id == models.QuestionnaireVersion.questionnaire_id)
        .join(Patient, Patient.id == models.SurveyResponse.patient_id)
        .join(Facility, Facility.id == models.SurveyResponse.facility_id)
        .outerjoin(Encounter, Encounter.id == models.SurveyResponse.encounter_id)
        .where(condition)
    )


def _context(row: Row[Any], now: datetime) -> AskContext:
    today = now.astimezone(ZoneInfo(row.Facility.timezone)).date()
    modules = (name.strip() for name in FacilitySettings.from_json(row.Facility.settings).survey_modules.split(","))
    return AskContext(
        respondent=row.SurveyResponse.respondent,
        age_days=(today - row.birth_date).days if row.birth_date is not None else None,
        days_since=(today - row.discharged_on).days if row.discharged_on is not None else None,
        disposition=row.disposition.value if row.disposition is not None else "",
        modules=frozenset(name for name in modules if name),
    )


def _versions() -> Select[Any]:
    return select(models.QuestionnaireVersion.id.label("version_id"), models.QuestionnaireVersion.digest).join(
        models.Questionnaire
    )
