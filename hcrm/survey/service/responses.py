"""Responses: inviting, delivery, closing and expiry. Functions flush and never commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.events import ResponseStateChanged, publish
from hcrm.ids import patient_token, token_hash
from hcrm.messaging.domain import LinkBuilder
from hcrm.messaging.service import finish_conversations_about
from hcrm.organization import queries as organization
from hcrm.patients.domain import Proof, age_in_years, is_proof
from hcrm.patients.queries import patient_snapshots
from hcrm.patients.queries.people import birth_date_of
from hcrm.survey.domain import (
    Respondent,
    ResponseState,
    UnknownQuestionnaire,
    UnknownResponse,
    VersionStatus,
    check_move,
    may_become,
    state_at_expiry,
)
from hcrm.survey.models import Questionnaire, QuestionnaireVersion, SurveyResponse

TOPIC = "survey"
"""Topic of survey conversations and links; their subject is the response."""

CHILD_BELOW_YEARS = 14

MOST_FAILED_CHECKS = 5


def survey_link(base_url: str, secret: str, response_id: int, generation: int = 0) -> str:
    """The address of a response's pages. The token in it is the whole key to them; a new generation ends the old."""
    return f"{base_url.rstrip('/')}/s/{patient_token(secret, TOPIC, response_id, generation)}"


def ensure_response(
    session: Session,
    *,
    facility_id: int,
    questionnaire_code: str,
    patient_id: int,
    encounter_id: int | None,
    task_id: int | None,
    department_id: int | None,
    expires_at: datetime,
    now: datetime,
) -> int:
    """The response of this task, made when there is none yet; without a task a new one each time.

    A child's stay is answered by a parent. Raises ``UnknownQuestionnaire``.
    """
    facts = _facts_of_new(session, questionnaire_code, patient_id)
    values = {
        "id": facts.id,
        "facility_id": facility_id,
        "questionnaire_version_id": facts.version_id,
        "patient_id": patient_id,
        "encounter_id": encounter_id,
        "task_id": task_id,
        "department_id": department_id,
        "state": ResponseState.INVITED,
        "token_generation": 0,
        "token_hash": token_hash(_token_of(session, facts.id, 0)),
        "respondent": _respondent(session, facility_id, facts.birth_date, now),
        "invited_at": now,
        "expires_at": expires_at,
        "help_sent": False,
    }
    made = session.scalars(
        insert(SurveyResponse).values(values).on_conflict_do_nothing().returning(SurveyResponse.id)
    ).one_or_none()
    if made is None:
        return session.scalars(select(SurveyResponse.id).where(SurveyResponse.task_id == task_id)).one()
    return made


def close_response(
    session: Session, *, response_id: int, now: datetime, state: ResponseState | None = None
) -> ResponseState:
    """End a response: nothing more is asked, by text neither. Without ``state`` the answers decide on it.

    Closing what is closed changes nothing. Raises ``UnknownResponse``, and ``SurveyAlreadyClosed`` for a ``state``
    that cannot follow the present one.
    """
    row = locked(session, response_id)
    changed = row.closed_at is None
    if state is not None and state is not row.state:
        check_move(row.state, state)
        row.state = state
        changed = True
    if changed:
        row.closed_at = row.closed_at or now
        session.flush()
        finish_conversations_about(session, topic=TOPIC, subject_id=row.id, now=now)
        publish(session, ResponseStateChanged(now=now, response_id=row.id, state=row.state.value))
    return row.state


def revoke_link(session: Session, *, response_id: int, now: datetime) -> int:
    """End the link that is out; the next message carries a new one. The new generation. Raises ``UnknownResponse``."""
    row = locked(session, response_id)
    row.token_generation += 1
    row.link_revoked_at = now
    row.failed_checks = 0
    row.token_hash = token_hash(_token_of(session, row.id, row.token_generation))
    session.flush()
    return row.token_generation


def check_who(session: Session, *, response_id: int, given: Proof) -> bool:
    """Whether ``given`` is the patient's birth date, or the end of the record number where no birth date is on record.

    A wrong one is counted; after ``MOST_FAILED_CHECKS`` nothing is right any more, until a new link is sent. Raises
    ``UnknownResponse``.
    """
    row = locked(session, response_id)
    if row.failed_checks >= MOST_FAILED_CHECKS:
        return False
    patient = patient_snapshots(session, [row.patient_id])[row.patient_id]
    right = is_proof(given, birth_date=patient.birth_date, mrn=patient.mrn)
    if not right:
        row.failed_checks += 1
        session.flush()
    return right


def mark_delivered(session: Session, response_ids: Iterable[int], now: datetime) -> None:
    """The invitation reached the phone; what has begun already stays as it is."""
    _after_sending(session, response_ids, ResponseState.DELIVERED, now)


def mark_undeliverable(session: Session, response_ids: Iterable[int], now: datetime) -> None:
    """The invitation will not reach the phone; it may still be answered another way."""
    _after_sending(session, response_ids, ResponseState.FAILED, now)


def _after_sending(session: Session, response_ids: Iterable[int], state: ResponseState, now: datetime) -> None:
    rows = session.scalars(
        select(SurveyResponse)
        .where(
            SurveyResponse.id.in_(sorted(set(response_ids))),
            SurveyResponse.state.in_((ResponseState.INVITED, ResponseState.FAILED)),
        )
        .order_by(SurveyResponse.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for row in rows:
        if not may_become(row.state, state):
            continue
        row.state = state
        if state is ResponseState.DELIVERED:
            row.delivered_at = now
        session.flush()
        publish(session, ResponseStateChanged(now=now, response_id=row.id, state=state.value))


def expire_due(session: Session, now: datetime, limit: int = 200) -> int:
    """Close responses whose time is over, at most ``limit`` of them; returns how many.

    Partial and completed ones stay what they are. Rows that somebody else works on are left for the next time.
    """
    rows = session.scalars(
        select(SurveyResponse)
        .where(SurveyResponse.closed_at.is_(None), SurveyResponse.expires_at <= now)
        .order_by(SurveyResponse.expires_at, SurveyResponse.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.state = state_at_expiry(row.state)
        row.closed_at = now
    session.flush()
    for row in rows:
        publish(session, ResponseStateChanged(now=now, response_id=row.id, state=row.state.value))
    return len(rows)


def locked(session: Session, response_id: int) -> SurveyResponse:
    """The response, locked until the end of the transaction. Raises ``UnknownResponse``."""
    row = session.scalars(
        select(SurveyResponse)
        .where(SurveyResponse.id == response_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise UnknownResponse(response_id)
    return row


class _New(NamedTuple):
    """What is needed for a new response: its id, the version that it answers, and the patient's birth date."""

    id: int
    version_id: int
    birth_date: date | None


def _facts_of_new(session: Session, code: str, patient_id: int) -> _New:
    """Its version is what is asked now; of a questionnaire that was retired the last one, for plans that run on."""
    row = session.execute(
        select(
            func.nextval("survey_response_id_seq"),
            QuestionnaireVersion.id,
            birth_date_of(patient_id),
        )
        .join(Questionnaire)
        .where(Questionnaire.code == code, QuestionnaireVersion.status != VersionStatus.DRAFT)
        .order_by((QuestionnaireVersion.status == VersionStatus.PUBLISHED).desc(), QuestionnaireVersion.version.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise UnknownQuestionnaire(code)
    return _New(*row)


def _respondent(session: Session, facility_id: int, born: date | None, now: datetime) -> Respondent:
    today: date = now.astimezone(organization.facility(session, facility_id).zone).date()
    age = age_in_years(born, today)
    return Respondent.PARENT if age is not None and age < CHILD_BELOW_YEARS else Respondent.PATIENT


def _token_of(session: Session, response_id: int, generation: int) -> str:
    links: Mapping[str, LinkBuilder] = session.info["links"]
    return links[TOPIC](response_id, generation).rsplit("/", 1)[1]
