"""Recording answers, whatever channel they come through. Functions flush and never commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.events import AnswersRecorded, ResponseStateChanged, publish
from hcrm.survey import queries
from hcrm.survey.domain import (
    Answers,
    AnswerValue,
    InvalidAnswer,
    Mode,
    Respondent,
    ResponseState,
    SurveyAlreadyClosed,
    checked_value,
    completeness,
    may_become,
    state_by_answers,
    stopped,
)
from hcrm.survey.models import SurveyAnswer, SurveyResponse
from hcrm.survey.queries.given import as_value
from hcrm.survey.service.responses import locked


class WebOutcome(StrEnum):
    """What became of an answer sent from a page."""

    SAVED = "saved"
    CONFLICT = "conflict"
    """Another phone has answered this question since the page was shown; nothing was saved."""


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """``others``: another phone or a text message has answered something since the page was shown."""

    outcome: WebOutcome
    others: bool
    stop: bool = False


def record_answer(
    session: Session,
    *,
    response_id: int,
    question_code: str,
    value: object,
    mode: Mode,
    now: datetime,
    respondent: Respondent | None = None,
    actor_user_id: int | None = None,
    device: str | None = None,
) -> AnswerValue:
    """Record an answer; an earlier one to the same question is superseded and kept. Returns the value as stored.

    After the response's time it is recorded too, marked late, and the state stays. The same answer again through the
    same channel changes nothing. ``respondent`` None = who the response says answers.
    Raises ``UnknownResponse``, ``InvalidAnswer``, and ``SurveyAlreadyClosed`` for a refused or ineligible response.
    """
    row = locked(session, response_id)
    source = _Source(mode, respondent, actor_user_id, device)
    return _record(session, row, {question_code: value}, source, now)[question_code]


def record_answers(
    session: Session,
    *,
    response_id: int,
    values: Mapping[str, object],
    mode: Mode,
    now: datetime,
    respondent: Respondent | None = None,
    actor_user_id: int | None = None,
) -> dict[str, AnswerValue]:
    """Record several answers at once, all or none; they are told of in one event. Otherwise as ``record_answer``."""
    row = locked(session, response_id)
    return _record(session, row, values, _Source(mode, respondent, actor_user_id, None), now)


def record_reply(
    session: Session, *, row: SurveyResponse, sheet: queries.Sheet, answer: tuple[str, object], now: datetime
) -> None:
    """Record what a text answered in a response that the caller has locked and read; otherwise as ``record_answer``."""
    code, value = answer
    _record(session, row, {code: value}, _Source(Mode.SMS, None, None, None), now, sheet)


def clear_answer(session: Session, *, response_id: int, question_code: str, now: datetime) -> None:
    """Take an answer back; it stays in the history. Raises ``UnknownResponse`` and ``SurveyAlreadyClosed``."""
    row = locked(session, response_id)
    _check_open(row)
    current = _current(session, response_id).get(question_code)
    if current is not None:
        current.superseded_at = now
        _after_answers(session, row, (question_code,), now)


def choose_respondent(
    session: Session, *, response_id: int, respondent: Respondent, language: str, now: datetime
) -> None:
    """Keep who answers and in which language, as chosen on the first page."""
    row = locked(session, response_id)
    if row.closed_at is None and now <= row.expires_at:
        row.respondent = respondent
        row.language = language
        session.flush()


def answer_on_web(
    session: Session,
    *,
    response_id: int,
    question_code: str,
    value: object,
    language: str,
    device: str,
    seen_answer_id: int,
    now: datetime,
) -> WebAnswer:
    """Record an answer from a page that was made when ``seen_answer_id`` was the newest answer.

    Two phones may answer one response. When the other one has answered this very question since, with another value,
    nothing is saved and the person is told; when it has answered other questions, this answer is saved and the person
    is told as well. Raises what ``record_answer`` raises.
    """
    row = locked(session, response_id)
    newer = queries.answered_since(session, response_id, seen_answer_id, device)
    sheet = queries.sheet(session, response_id, now)
    if question_code in newer and newer[question_code] != _checked(sheet, question_code, value):
        return WebAnswer(WebOutcome.CONFLICT, others=True)
    row.language = language
    stored = _record(session, row, {question_code: value}, _Source(Mode.WEB, None, None, device), now, sheet)
    stop = stopped(sheet.questionnaire, stored, sheet.context)
    return WebAnswer(WebOutcome.SAVED, others=bool(newer), stop=stop)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where answers come from."""

    mode: Mode
    respondent: Respondent | None
    actor_user_id: int | None
    device: str | None


def _record(
    session: Session,
    row: SurveyResponse,
    values: Mapping[str, object],
    source: _Source,
    now: datetime,
    sheet: queries.Sheet | None = None,
) -> dict[str, AnswerValue]:
    """Record ``values`` in the locked response; the values as they are stored."""
    _check_open(row)
    sheet = sheet or queries.sheet(session, row.id, now)
    checked = {code: _checked(sheet, code, value) for code, value in values.items()}
    current = _current(session, row.id) if sheet.snapshots else {}
    who = source.respondent or row.respondent
    new = {
        code: value
        for code, value in checked.items()
        if code not in current or _differs(current[code], value, source.mode, who)
    }
    if not new:
        return checked
    for code in new:
        if code in current:
            current[code].superseded_at = now
    session.flush()
    session.add_all(
        SurveyAnswer(
            facility_id=row.facility_id,
            response_id=row.id,
            question_code=code,
            value=list(value) if isinstance(value, tuple) else value,
            mode=source.mode,
            respondent=who,
            answered_at=now,
            late=_is_late(row, now),
            actor_user_id=source.actor_user_id,
            device=source.device,
        )
        for code, value in new.items()
    )
    _after_answers(session, row, tuple(new), now, {**sheet.answers, **new}, sheet)
    return checked


def _checked(sheet: queries.Sheet, code: str, value: object) -> AnswerValue:
    if code not in sheet.questionnaire.by_code:
        raise InvalidAnswer(code)
    return checked_value(sheet.questionnaire.question(code), value)


def _check_open(row: SurveyResponse) -> None:
    if row.state in (ResponseState.REFUSED, ResponseState.INELIGIBLE):
        raise SurveyAlreadyClosed(row.state.value)


def _current(session: Session, response_id: int) -> dict[str, SurveyAnswer]:
    rows = session.scalars(
        select(SurveyAnswer).where(SurveyAnswer.response_id == response_id, SurveyAnswer.superseded_at.is_(None))
    )
    return {row.question_code: row for row in rows}


def _differs(row: SurveyAnswer, value: AnswerValue, mode: Mode, respondent: Respondent) -> bool:
    return (as_value(row.value), row.mode, row.respondent) != (value, mode, respondent)


def _is_late(row: SurveyResponse, now: datetime) -> bool:
    return now > row.expires_at or row.state is ResponseState.EXPIRED


def _after_answers(
    session: Session,
    row: SurveyResponse,
    codes: tuple[str, ...],
    now: datetime,
    answers: Answers | None = None,
    sheet: queries.Sheet | None = None,
) -> None:
    """Bring the state up to the answers and tell the others, in this order: answers, then the state."""
    session.flush()
    sheet = sheet or queries.sheet(session, row.id, now)
    given = sheet.answers if answers is None else answers
    changed = not _is_late(row, now) and _follow_answers(row, sheet, given, now)
    session.flush()
    publish(session, AnswersRecorded(now=now, response_id=row.id, question_codes=codes))
    if changed:
        publish(session, ResponseStateChanged(now=now, response_id=row.id, state=row.state.value))


def _follow_answers(row: SurveyResponse, sheet: queries.Sheet, answers: Answers, now: datetime) -> bool:
    """Whether the answers brought the response into another state."""
    reached = state_by_answers(completeness(sheet.questionnaire, answers, sheet.context))
    row.started_at = row.started_at or now
    if reached is None or reached is row.state or not may_become(row.state, reached):
        return False
    row.state = reached
    row.completed_at = now if reached is ResponseState.COMPLETED else None
    return True
