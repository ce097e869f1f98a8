"""Alerts: raised by answers, corrected with them, acknowledged, taken, resolved with a coded cause and action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.followup.domain.alerts import (
    AlertAction,
    AlertClock,
    AlertInvalid,
    AlertStatus,
    CoverHours,
    Rung,
    check_move,
    owner_role,
)
from hcrm.followup.models import AlertRow
from hcrm.followup.queries.alert_people import receivers
from hcrm.followup.service.ladder import start_again, start_ladder
from hcrm.organization.queries import calendar, facility
from hcrm.survey import queries as surveys
from hcrm.survey.domain import AlertRaised, Cause, alerts_for

_NO_SYNC = {"synchronize_session": False}
Key = tuple[str, str]
"""Question code and rule: what an alert of a response is known by."""


class UnknownAlert(LookupError):
    """There is no alert with this id."""


@dataclass(frozen=True, slots=True)
class AlertAbout:
    """Whom and what an alert is about; ``said`` is what the patient said where no answer to a question raised it."""

    facility_id: int
    patient_id: int
    encounter_id: int | None
    department_id: int | None
    task_id: int | None
    response_id: int | None
    said: str = ""


def raise_alerts(session: Session, *, sheet: surveys.Sheet, now: datetime) -> list[int]:
    """Open the alerts that the answers on a sheet call for; ids of the new ones.

    An alert that is there already keeps its clock. One whose answer was corrected, so that it would not be raised any
    more, stays and is marked: a person closes it. One that was closed opens again when another answer raises it.
    Routine alerts that are joined into a higher one are closed by it.
    """
    response_id = sheet.response.id
    raised = alerts_for(sheet.questionnaire, sheet.answers, sheet.context)
    standing = _standing(session, response_id)
    if not raised and not standing:
        return []
    answers = surveys.current_answer_ids(session, response_id)
    response = sheet.response
    about = AlertAbout(
        facility_id=response.facility_id,
        patient_id=response.patient_id,
        encounter_id=response.encounter_id,
        department_id=response.department_id,
        task_id=response.task_id,
        response_id=response_id,
    )
    _follow_answers(session, standing, raised, answers, now)
    new = [each for each in raised if _is_new(each, standing, answers)]
    return open_alerts(session, about=about, raised=new, now=now, answers=answers)


def _key(each: AlertRaised) -> Key:
    return each.question_code, each.rule


def _answers_behind(each: AlertRaised, answers: Mapping[str, int]) -> list[int]:
    """The answers that raise it: several where it joins routine ones."""
    codes = dict.fromkeys(code for code, _ in each.joined) if each.joined else [each.question_code]
    return [answers[code] for code in codes if code in answers]


def _standing(session: Session, response_id: int) -> dict[Key, AlertRow]:
    """The newest alert of each rule that this response has raised."""
    rows = session.scalars(
        select(AlertRow)
        .where(AlertRow.response_id == response_id)
        .order_by(AlertRow.id)
        .execution_options(populate_existing=True)
    )
    return {(row.question_code, row.rule): row for row in rows}


def _is_new(each: AlertRaised, standing: Mapping[Key, AlertRow], answers: Mapping[str, int]) -> bool:
    known = standing.get(_key(each))
    if known is None:
        return True
    return known.status is AlertStatus.RESOLVED and not set(_answers_behind(each, answers)) <= set(known.answer_ids)


def _follow_answers(
    session: Session,
    standing: Mapping[Key, AlertRow],
    raised: Sequence[AlertRaised],
    answers: Mapping[str, int],
    now: datetime,
) -> None:
    """Mark unresolved alerts whose answers were corrected; take the mark back when they are raised again."""
    again = {_key(each): each for each in raised}
    for key, row in standing.items():
        if row.status is AlertStatus.RESOLVED:
            continue
        if key in again:
            row.answer_ids, row.corrected_at = _answers_behind(again[key], answers), None
        elif row.corrected_at is None:
            row.corrected_at = now
            _audit(session, row, "alert.answer_corrected", None, now)
    session.flush()


def open_alerts(
    session: Session,
    *,
    about: AlertAbout,
    raised: Sequence[AlertRaised],
    now: datetime,
    answers: Mapping[str, int] | None = None,
) -> list[int]:
    """Open these alerts with their clocks and owners, and tell the owners; ids of those that were not there yet.

    ``answers``: ids of the answers by question code, where answers raised them.
    """
    if not raised:
        return []
    clock = _clock(session, about.facility_id)
    opened: list[int] = []
    for each in raised:
        alert_id = session.scalar(
            insert(AlertRow)
            .values(
                facility_id=about.facility_id,
                patient_id=about.patient_id,
                encounter_id=about.encounter_id,
                department_id=about.department_id,
                task_id=about.task_id,
                response_id=about.response_id,
                question_code=each.question_code,
                rule=each.rule,
                answer_ids=_answers_behind(each, answers or {}),
                severity=each.severity,
                cause=each.cause,
                status=AlertStatus.OPEN,
                owner_role=owner_role(each.rule, each.cause),
                opened_at=now,
                due_at=clock.due_at(each.severity, now),
                rung=Rung.OWNER,
                next_rung_at=clock.head_told_at(each.severity, now),
                note="",
                said=about.said or None,
            )
            .on_conflict_do_nothing()
            .returning(AlertRow.id)
        )
        if alert_id is not None:
            opened.append(alert_id)
            _close_joined(session, about, each, now)
            start_ladder(session, alert_id=alert_id, now=now)
    return opened


def _close_joined(session: Session, about: AlertAbout, joining: AlertRaised, now: datetime) -> None:
    """The routine alerts that a joined one stands for need nobody of their own, if nobody has begun with them."""
    if not joining.joined:
        return
    session.execute(
        update(AlertRow)
        .where(
            AlertRow.response_id == about.response_id,
            AlertRow.status == AlertStatus.OPEN,
            tuple_(AlertRow.question_code, AlertRow.rule).in_(joining.joined),
        )
        .values(
            status=AlertStatus.RESOLVED,
            action_code=AlertAction.JOINED,
            resolved_at=now,
            next_rung_at=None,
            corrected_at=None,
        ),
        execution_options=_NO_SYNC,
    )


def _locked(session: Session, alert_id: int) -> AlertRow:
    row = session.scalar(
        select(AlertRow).where(AlertRow.id == alert_id).with_for_update().execution_options(populate_existing=True)
    )
    if row is None:
        raise UnknownAlert(alert_id)
    return row


def _audit(session: Session, row: AlertRow, action: str, user_id: int | None, now: datetime) -> None:
    session.flush()
    record(
        session,
        now=now,
        action=action,
        actor_user_id=user_id,
        facility_id=row.facility_id,
        object_kind="alert",
        object_id=row.id,
        patient_id=row.patient_id,
    )


def acknowledge_alert(session: Session, *, alert_id: int, user_id: int, now: datetime) -> None:
    """Somebody has seen it: it is theirs now, and the ladder stops. Doing it twice changes nothing.

    Raises ``UnknownAlert``, and ``AlertInvalid`` when it is resolved or somebody else's already.
    """
    row = _locked(session, alert_id)
    if row.status is AlertStatus.ACKNOWLEDGED and row.owner_user_id == user_id:
        return
    if row.status in (AlertStatus.ACKNOWLEDGED, AlertStatus.IN_PROGRESS):
        raise AlertInvalid("somebody_has_it")
    check_move(row.status, AlertStatus.ACKNOWLEDGED)
    row.status = AlertStatus.ACKNOWLEDGED
    if row.acknowledged_at is None:
        row.acknowledged_at, row.acknowledged_by = now, user_id
    row.owner_user_id, row.next_rung_at = user_id, None
    _audit(session, row, "alert.acknowledged", user_id, now)


def take_alert(session: Session, *, alert_id: int, user_id: int, now: datetime) -> None:
    """Work on it, or take it over from whoever has it; acknowledges it too.

    Raises ``UnknownAlert`` and, when it is resolved, ``AlertInvalid``.
    """
    row = _locked(session, alert_id)
    if row.status is not AlertStatus.IN_PROGRESS:
        check_move(row.status, AlertStatus.IN_PROGRESS)
    row.status = AlertStatus.IN_PROGRESS
    if row.acknowledged_at is None:
        row.acknowledged_at, row.acknowledged_by = now, user_id
    row.owner_user_id, row.next_rung_at = user_id, None
    _audit(session, row, "alert.taken", user_id, now)


def hand_over_alert(session: Session, *, alert_id: int, to_user_id: int, user_id: int, now: datetime) -> None:
    """Give it to a colleague, who has to acknowledge it: until then it is open and the ladder runs again from now.

    When it was first acknowledged stays, and so does the time it has to be answered by. Raises ``UnknownAlert``, and
    ``AlertInvalid`` when it is resolved or the colleague may not have it.
    """
    row = _locked(session, alert_id)
    if row.status is AlertStatus.RESOLVED:
        raise AlertInvalid("already_resolved")
    if to_user_id not in {each.user_id for each in receivers(session, row)}:
        raise AlertInvalid("not_for_this_person")
    if row.acknowledged_at is None:
        row.acknowledged_at, row.acknowledged_by = now, user_id
    row.status, row.owner_user_id, row.rung = AlertStatus.OPEN, to_user_id, Rung.OWNER
    row.next_rung_at = _clock(session, row.facility_id).head_told_at(row.severity, now)
    session.flush()
    start_again(session, alert_id=row.id, to_user_id=to_user_id, role=row.owner_role, now=now)
    _audit(session, row, "alert.handed_over", user_id, now)


def _clock(session: Session, facility_id: int) -> AlertClock:
    at, workdays = facility(session, facility_id), calendar(session, facility_id)
    return AlertClock(at.zone, CoverHours(at.settings.alert_cover_from, at.settings.alert_cover_to), workdays)


def resolve_alert(
    session: Session, *, alert_id: int, user_id: int, cause: Cause, action: AlertAction, note: str, now: datetime
) -> None:
    """Close it with what was found and done. Raises ``UnknownAlert``, and ``AlertInvalid`` when nobody acknowledged it,
    what was done is not said, or the answer is said to be corrected and was not.
    """
    row = _locked(session, alert_id)
    check_move(row.status, AlertStatus.RESOLVED)
    if not note.strip():
        raise AlertInvalid("note_missing")
    if action is AlertAction.JOINED:
        raise AlertInvalid("action_missing")
    if action is AlertAction.ANSWER_CORRECTED and row.corrected_at is None:
        raise AlertInvalid("not_corrected")
    row.status = AlertStatus.RESOLVED
    row.cause, row.action_code, row.note = cause, action, note.strip()
    row.resolved_at, row.resolved_by = now, user_id
    _audit(session, row, "alert.resolved", user_id, now)
