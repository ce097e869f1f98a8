"""Alerts in the scope of a person, the ones with the least time left first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, case, exists, false, func, or_, select
from sqlalchemy.orm import Session

from hcrm.accounts.domain import Action, Actor, Scope, scope_of
from hcrm.accounts.queries import user_names
from hcrm.followup.domain.alerts import ON_CALL, QUALITY, AlertAction, AlertStatus, Rung
from hcrm.followup.models import AlertNoticeRow, AlertRow, EnrolmentRow, TaskRow
from hcrm.organization.domain import DepartmentSnapshot
from hcrm.organization.queries import departments
from hcrm.patients.domain import ContactSnapshot, EncounterSnapshot, PatientSnapshot
from hcrm.patients.models import EncounterLocation
from hcrm.patients.queries import contacts, encounter_snapshots, patient_snapshots
from hcrm.survey import queries as surveys
from hcrm.survey.domain import AnswerSnapshot, Cause, Question, Severity


class Whose(StrEnum):
    """Which alerts of the list somebody wants to see."""

    ALL = "all"
    MINE = "mine"
    PASSED = "passed"
    UNCLAIMED = "unclaimed"


@dataclass(frozen=True, slots=True)
class AlertFilters:
    """What the list is narrowed to."""

    whose: Whose = Whose.ALL
    cause: Cause | None = None
    rows: int = 50


class AlertCounts(NamedTuple):
    """How many alerts of the scope are past their time, unclaimed, being dealt with, and were resolved today.

    ``passed``: open ones that were passed up to this very person.
    """

    late: int
    unclaimed: int
    in_hand: int
    resolved_today: int
    mine: int
    urgent: int
    passed: int

    @property
    def unresolved(self) -> int:
        return self.unclaimed + self.in_hand


class Asked(NamedTuple):
    """A question with the answer that raised an alert; ``now`` is the answer today, None when it was taken back."""

    question: Question
    answer: AnswerSnapshot
    now: AnswerSnapshot | None


class Notice(NamedTuple):
    """Who was told on a rung of the ladder: the names of those with the role, none when nobody has it.

    ``by_text``: the duty phone got a text message as well.
    """

    role: str
    told_at: datetime
    names: tuple[str, ...]
    by_text: bool


@dataclass(frozen=True, slots=True)
class AlertItem:
    """One alert with what its row says: patient, stay, the answers that raised it, who has it."""

    alert: AlertRow
    patient: PatientSnapshot
    stay: EncounterSnapshot | None
    department: DepartmentSnapshot | None
    raised_by: tuple[Asked, ...]
    owner: str | None
    resolved_by: str | None
    risk: str | None
    contact: ContactSnapshot | None
    notices: Mapping[Rung, Notice]


def in_scope(scope: Scope) -> ColumnElement[bool]:
    """Alerts of the departments (any ward of the stay) and facilities of a scope; none about a ward's own calls for
    those who see single wards.
    """
    return or_(false(), *(_in_facility(facility_id, wards) for facility_id, wards in scope.departments.items()))


def _in_facility(facility_id: int, wards: frozenset[int] | None) -> ColumnElement[bool]:
    here = AlertRow.facility_id == facility_id
    if wards is None:
        return here
    touched = exists().where(
        EncounterLocation.encounter_id == AlertRow.encounter_id, EncounterLocation.department_id.in_(wards)
    )
    return and_(here, AlertRow.owner_role != QUALITY, or_(AlertRow.department_id.in_(wards), touched))


def _unresolved() -> ColumnElement[bool]:
    return AlertRow.status != AlertStatus.RESOLVED


def _passed_to(actor: Actor) -> ColumnElement[bool]:
    """Open alerts that this person was told of because nobody below acknowledged them."""
    told = exists().where(
        AlertNoticeRow.alert_id == AlertRow.id,
        AlertNoticeRow.user_id == actor.user_id,
        AlertNoticeRow.rung > Rung.OWNER,
    )
    return and_(AlertRow.status == AlertStatus.OPEN, told)


def open_alert_count(session: Session, scope: Scope) -> tuple[int, int]:
    """How many alerts of the scope nobody has claimed, and how many of them are urgent."""
    total, urgent = session.execute(
        select(func.count(), func.count().filter(AlertRow.severity == Severity.URGENT)).where(
            AlertRow.status == AlertStatus.OPEN, in_scope(scope)
        )
    ).one()
    return total, urgent


def alert_counts(session: Session, actor: Actor, *, now: datetime, day_begins: datetime) -> AlertCounts:
    """The counts at the head of the list."""
    unresolved, claimed = _unresolved(), AlertRow.status != AlertStatus.OPEN
    row = session.execute(
        select(
            func.count().filter(unresolved, AlertRow.due_at < now),
            func.count().filter(unresolved, ~claimed),
            func.count().filter(unresolved, claimed),
            func.count().filter(~unresolved, AlertRow.action_code != AlertAction.JOINED),
            func.count().filter(unresolved, AlertRow.owner_user_id == actor.user_id),
            func.count().filter(unresolved, AlertRow.severity == Severity.URGENT),
            func.count().filter(_passed_to(actor)),
        ).where(
            in_scope(scope_of(actor, Action.VIEW_ALERTS)),
            or_(unresolved, AlertRow.resolved_at >= day_begins),
        )
    ).one()
    return AlertCounts(*row)


def alert_list(session: Session, actor: Actor, filters: AlertFilters) -> list[AlertItem]:
    """Alerts that are not resolved: one more than ``filters.rows`` when there are more."""
    conditions = [in_scope(scope_of(actor, Action.VIEW_ALERTS)), _unresolved()]
    if filters.whose is Whose.MINE:
        conditions.append(AlertRow.owner_user_id == actor.user_id)
    elif filters.whose is Whose.PASSED:
        conditions.append(_passed_to(actor))
    elif filters.whose is Whose.UNCLAIMED:
        conditions.append(AlertRow.status == AlertStatus.OPEN)
    if filters.cause is not None:
        conditions.append(AlertRow.cause == filters.cause)
    rows = session.scalars(
        select(AlertRow).where(*conditions).order_by(AlertRow.due_at, AlertRow.id).limit(filters.rows + 1)
    )
    return alert_items(session, list(rows))


def urgent_alerts(session: Session, actor: Actor, limit: int = 20) -> list[AlertItem]:
    """Urgent alerts that wait: the head of the day's work list."""
    rows = session.scalars(
        select(AlertRow)
        .where(in_scope(scope_of(actor, Action.VIEW_ALERTS)), _unresolved(), AlertRow.severity == Severity.URGENT)
        .order_by(AlertRow.due_at, AlertRow.id)
        .limit(limit)
    )
    return alert_items(session, list(rows))


def resolved_today(session: Session, actor: Actor, *, day_begins: datetime, limit: int = 20) -> list[AlertItem]:
    """Alerts resolved by people since the day began, the latest first."""
    rows = session.scalars(
        select(AlertRow)
        .where(
            in_scope(scope_of(actor, Action.VIEW_ALERTS)),
            AlertRow.status == AlertStatus.RESOLVED,
            AlertRow.resolved_at >= day_begins,
            AlertRow.action_code != AlertAction.JOINED,
        )
        .order_by(AlertRow.resolved_at.desc())
        .limit(limit)
    )
    return alert_items(session, list(rows))


def one_alert(session: Session, alert_id: int) -> AlertItem | None:
    """One alert, if it exists."""
    row = session.get(AlertRow, alert_id, populate_existing=True)
    return None if row is None else alert_items(session, [row])[0]


def alert_items(session: Session, rows: Sequence[AlertRow]) -> list[AlertItem]:
    """Alerts with what their rows say, in the same order."""
    if not rows:
        return []
    people = patient_snapshots(session, {each.patient_id for each in rows})
    numbers = contacts(session, {each.patient_id for each in rows})
    stays = encounter_snapshots(session, [each.encounter_id for each in rows if each.encounter_id is not None])
    by_stay = {each.id: each for each in stays}
    wards = {
        ward.id: ward
        for facility_id in {each.facility_id for each in rows}
        for ward in departments(session, facility_id).values()
    }
    names = user_names(session, {one for each in rows for one in (each.owner_user_id, each.resolved_by) if one})
    asked, notices, risks = _asked(session, rows), _notices(session, rows), _risks(session, rows)
    return [
        AlertItem(
            alert=each,
            patient=people[each.patient_id],
            stay=by_stay.get(each.encounter_id or 0),
            department=wards.get(each.department_id or 0),
            raised_by=asked[each.id],
            owner=names.get(each.owner_user_id or 0),
            resolved_by=names.get(each.resolved_by or 0),
            risk=risks.get(each.encounter_id or 0),
            contact=next((one for one in numbers.get(each.patient_id, []) if one.usable), None),
            notices=notices.get(each.id, {}),
        )
        for each in rows
    ]


def _asked(session: Session, rows: Sequence[AlertRow]) -> dict[int, tuple[Asked, ...]]:
    """The answers that raised each alert, with their questions, by alert."""
    given = surveys.answers_by_id(session, {one for each in rows for one in each.answer_ids})
    of_response = {each.response_id for each in rows if each.response_id is not None}
    questions = {one: surveys.questionnaire_of_response(session, one).by_code for one in of_response}
    corrected = {each.response_id for each in rows if each.response_id is not None and each.corrected_at is not None}
    today = {one: {each.question_code: each for each in surveys.answer_snapshots(session, one)} for one in corrected}
    found: dict[int, tuple[Asked, ...]] = {}
    for row in rows:
        known, current = questions.get(row.response_id or 0, {}), today.get(row.response_id or 0, {})
        answers = [given[one] for one in row.answer_ids if one in given and given[one].question_code in known]
        found[row.id] = tuple(
            Asked(known[each.question_code], each, current.get(each.question_code)) for each in answers
        )
    return found


def _notices(session: Session, rows: Sequence[AlertRow]) -> dict[int, dict[Rung, Notice]]:
    """Who was told of each alert, by rung."""
    told = session.scalars(
        select(AlertNoticeRow)
        .where(AlertNoticeRow.alert_id.in_([each.id for each in rows]))
        .order_by(AlertNoticeRow.alert_id, AlertNoticeRow.rung, AlertNoticeRow.id)
    ).all()
    names = user_names(session, {each.user_id for each in told if each.user_id is not None})
    found: dict[int, dict[Rung, Notice]] = defaultdict(dict)
    for (alert_id, rung), group in groupby(told, key=lambda each: (each.alert_id, each.rung)):
        notices = list(group)
        people = [each for each in notices if each.role != ON_CALL]
        found[alert_id][Rung(rung)] = Notice(
            role=people[0].role if people else ON_CALL,
            told_at=notices[0].told_at,
            names=tuple(names[each.user_id] for each in people if each.user_id is not None),
            by_text=len(people) < len(notices),
        )
    return found


def _risks(session: Session, rows: Sequence[AlertRow]) -> dict[int, str]:
    ids = [each.encounter_id for each in rows if each.encounter_id is not None]
    found = session.execute(
        select(EnrolmentRow.encounter_id, EnrolmentRow.risk).where(EnrolmentRow.encounter_id.in_(ids))
    )
    return {encounter_id: risk.value for encounter_id, risk in found}


def task_to_call(session: Session, alert: AlertRow) -> int | None:
    """A task of the alert's stay by which the patient can be phoned now: the alert's own, else an open call."""
    if alert.encounter_id is None:
        return None
    return session.scalar(
        select(TaskRow.id)
        .where(
            TaskRow.encounter_id == alert.encounter_id,
            TaskRow.enrolment_id.in_(select(EnrolmentRow.id).where(EnrolmentRow.encounter_id == alert.encounter_id)),
            TaskRow.channel == "phone",
            TaskRow.status == "open",
        )
        .order_by(case((TaskRow.id == (alert.task_id or 0), 0), else_=1), TaskRow.due_at)
        .limit(1)
    )
