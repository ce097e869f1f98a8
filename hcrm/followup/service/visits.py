"""Return visits in the plan: a booked one has a step of reminders, a missed one a call, which the next booking ends.

A missed visit brings a call whatever plan the patient has, and without one: where no plan of the stay has a step for
it, the call stands by itself. A visit that was booked without a stay belongs to the last one of the person.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from hcrm.appointments.domain.reminders import reminders_of
from hcrm.appointments.domain.snapshots import AppointmentSnapshot
from hcrm.appointments.domain.states import AppointmentState, CancelReason
from hcrm.appointments.queries import appointments
from hcrm.appointments.service import link_task
from hcrm.events import TasksChanged, publish
from hcrm.followup.domain.expansion import PlannedTask, plan_step
from hcrm.followup.domain.plan import HolidayRule, PerformerRole, RiskLevel, Step, StepChannel, Trigger
from hcrm.followup.domain.task import EnrolmentStatus, TaskReason, TaskStatus
from hcrm.followup.models import EnrolmentRow, TaskRow
from hcrm.followup.queries.plans import plans_of_versions
from hcrm.followup.service.steps import after_end, create_step
from hcrm.followup.service.tasks import Ending, end_open
from hcrm.organization.queries import calendar, facility
from hcrm.patients.domain import DeceasedState, EncounterStatus
from hcrm.patients.queries import encounter_snapshots, encounters_of_persons, patient_snapshots

MISSED_VISIT = Step(
    code="missed_visit_call",
    name_en="Call after a missed visit",
    name_zh="未按时复诊电话",
    tier=2,
    channel=StepChannel.PHONE,
    performer=PerformerRole.SERVICE_AGENT,
    from_day=0,
    from_time=time(8, 0),
    target_day=1,
    until_day=3,
    holiday_rule=HolidayRule.POSTPONE,
    trigger=Trigger.VISIT_MISSED,
    questionnaires=(("*", "CLIN_GEN"),),
)
"""The call where no plan of the stay has one of its own."""

_NO_SYNC = {"synchronize_session": False}
_SUPERSEDED = Ending(TaskStatus.CANCELLED, TaskReason.SUPERSEDED)


def follow_booked(session: Session, *, appointment_ids: Collection[int], now: datetime) -> None:
    """Visits were booked or moved: the reminders become a step of the plan, and calls about a visit end."""
    for visit in appointments(session, appointment_ids):
        _end_calls(session, visit, now)
        if visit.encounter_id is not None:
            _plan_reminders(session, visit, now)


def follow_cancelled(session: Session, *, appointment_ids: Collection[int], now: datetime) -> None:
    """Visits will not take place: their reminders end; where the hospital called it off, somebody phones."""
    for visit in appointments(session, appointment_ids):
        _end_reminders(session, visit, now)
        if visit.cancel_reason is CancelReason.CLINIC_CLOSED:
            _plan_call(session, visit, now)


def follow_missed(session: Session, *, appointment_ids: Collection[int], now: datetime) -> None:
    """Patients did not come, or want another time: somebody phones."""
    for visit in appointments(session, appointment_ids):
        if visit.state is AppointmentState.NOSHOW:
            _end_reminders(session, visit, now)
        _plan_call(session, visit, now)


def follow_kept(session: Session, *, appointment_ids: Collection[int], now: datetime) -> None:
    """Patients came: nobody has to phone them about a visit."""
    for visit in appointments(session, appointment_ids):
        _end_calls(session, visit, now)
        _end_reminders(session, visit, now)


def note_reminder(session: Session, *, appointment_id: int, message_id: int) -> None:
    """A reminder was handed to the outbox: what becomes of it decides about the step."""
    session.execute(
        update(TaskRow)
        .where(_reminders_of(appointment_id), TaskRow.status == TaskStatus.OPEN)
        .values(sent_message_id=message_id),
        execution_options=_NO_SYNC,
    )


def _reminders_of(appointment_id: int) -> ColumnElement[bool]:
    return and_(TaskRow.appointment_id == appointment_id, TaskRow.channel == StepChannel.SMS)


def _calls_of(encounter_id: int) -> ColumnElement[bool]:
    """Calls about a visit after this stay, but for one that somebody has open: they end it themselves."""
    return and_(
        TaskRow.appointment_id.in_(
            select(TaskRow.appointment_id).where(
                TaskRow.encounter_id == encounter_id, TaskRow.appointment_id.is_not(None)
            )
        ),
        TaskRow.encounter_id == encounter_id,
        TaskRow.channel == StepChannel.PHONE,
        or_(TaskRow.lease_until.is_(None), TaskRow.lease_until <= func.clock_timestamp()),
    )


def _end_calls(session: Session, visit: AppointmentSnapshot, now: datetime) -> None:
    encounter_id = _stay_of(session, visit)
    if encounter_id is not None:
        ended = end_open(session, _calls_of(encounter_id), _SUPERSEDED, now=now, missed_too=True)
        after_end(session, task_ids=ended, now=now)


def _end_reminders(session: Session, visit: AppointmentSnapshot, now: datetime) -> None:
    ended = end_open(session, _reminders_of(visit.id), _SUPERSEDED, now=now)
    after_end(session, task_ids=ended, now=now)


def _plan_reminders(session: Session, visit: AppointmentSnapshot, now: datetime) -> None:
    """One step for the reminders of this time; that of an earlier time ends."""
    _end_reminders(session, visit, now)
    assert visit.starts_at is not None
    zone = facility(session, visit.facility_id).zone
    due = [each for each in reminders_of(visit.starts_at, zone) if each.due_at > now]
    if not due:
        return
    day = visit.starts_at.astimezone(zone).date()
    for like, step in _steps(session, visit, Trigger.APPOINTMENT):
        planned = PlannedTask(step, due[0].due_at, due[0].due_at, visit.starts_at, day, _next(session, like, step))
        task_id = create_step(
            session, like=like, step=step, now=now, after=None, planned=planned, appointment_id=visit.id
        )
        if task_id is not None:
            link_task(session, appointment_id=visit.id, task_id=task_id)
            return


def _plan_call(session: Session, visit: AppointmentSnapshot, now: datetime) -> None:
    """A call to find another time, unless one is open already."""
    steps = _steps(session, visit, Trigger.VISIT_MISSED)
    if not steps:
        _call_by_itself(session, visit, now)
    for like, step in steps:
        open_already = select(TaskRow.id).where(
            TaskRow.enrolment_id == like.enrolment_id,
            TaskRow.step_code == step.code,
            TaskRow.status.in_((TaskStatus.OPEN, TaskStatus.ON_HOLD)),
            TaskRow.due_at > now,
        )
        if session.scalar(open_already.limit(1)) is None:
            occurrence = _next(session, like, step)
            create_step(
                session, like=like, step=step, now=now, after=None, occurrence=occurrence, appointment_id=visit.id
            )


def _call_by_itself(session: Session, visit: AppointmentSnapshot, now: datetime) -> None:
    """A call that belongs to no plan, unless one is open already; none without a stay, or after a death."""
    encounter_id = _stay_of(session, visit)
    found = encounter_snapshots(session, [encounter_id]) if encounter_id is not None else []
    patient = patient_snapshots(session, [visit.patient_id])[visit.patient_id]
    if not found or patient.deceased_state is not DeceasedState.NONE:
        return
    stay = found[0]
    open_already = select(TaskRow.id).where(
        TaskRow.encounter_id == stay.id,
        TaskRow.enrolment_id.is_(None),
        TaskRow.step_code == MISSED_VISIT.code,
        TaskRow.status.in_((TaskStatus.OPEN, TaskStatus.ON_HOLD)),
        TaskRow.due_at > now,
    )
    if session.scalar(open_already.limit(1)) is not None:
        return
    zone, workdays = facility(session, stay.facility_id).zone, calendar(session, stay.facility_id)
    today = now.astimezone(zone).date()
    planned = plan_step(MISSED_VISIT, today, workdays, zone, 1)
    risk = session.scalar(select(EnrolmentRow.risk).where(EnrolmentRow.encounter_id == stay.id).limit(1))
    row = TaskRow(
        facility_id=stay.facility_id,
        enrolment_id=None,
        encounter_id=stay.id,
        patient_id=stay.patient_id,
        department_id=stay.department_id,
        clinician_id=stay.clinician_id,
        step_code=MISSED_VISIT.code,
        tier=MISSED_VISIT.tier,
        channel=MISSED_VISIT.channel,
        performer_role=MISSED_VISIT.performer,
        questionnaire_code=MISSED_VISIT.questionnaire_for("*"),
        window_starts_at=planned.window_starts_at,
        target_at=planned.target_at,
        due_at=planned.due_at,
        due_on=planned.due_on,
        discharged_on=stay.discharged_on or today,
        status=TaskStatus.OPEN,
        risk=risk or RiskLevel.LOW,
        attempt_count=0,
        condition=MISSED_VISIT.condition,
        self_reported=False,
        generation=0,
        created_at=now,
        appointment_id=visit.id,
    )
    session.add(row)
    session.flush()
    publish(session, TasksChanged(now=now, task_ids=(row.id,)))


def _stay_of(session: Session, visit: AppointmentSnapshot) -> int | None:
    """The stay that a visit belongs to: the one it was booked after, else the person's last one that has begun."""
    if visit.encounter_id is not None:
        return visit.encounter_id
    stays = encounters_of_persons(session, [visit.patient_id])
    alive = [stay for stay in stays if stay.status is not EncounterStatus.CANCELLED]
    return alive[-1].id if alive else None


def _steps(session: Session, visit: AppointmentSnapshot, trigger: Trigger) -> list[tuple[TaskRow, Step]]:
    """(a task of the same run, step) for the steps of the stay's plans that visits bring into being."""
    encounter_id = _stay_of(session, visit)
    if encounter_id is None:
        return []
    runs = session.execute(
        select(EnrolmentRow.id, EnrolmentRow.plan_version_id)
        .where(EnrolmentRow.encounter_id == encounter_id, EnrolmentRow.status != EnrolmentStatus.CANCELLED)
        .order_by(EnrolmentRow.id)
    ).all()
    plans = plans_of_versions(session, {version_id for _, version_id in runs})
    found: list[tuple[TaskRow, Step]] = []
    for run_id, version_id in runs:
        like = session.scalars(select(TaskRow).where(TaskRow.enrolment_id == run_id).limit(1)).first()
        steps = [step for step in plans[version_id].plan.steps if step.active and step.trigger is trigger]
        found += [(like, step) for step in steps if like is not None]
    return found


def _next(session: Session, like: TaskRow, step: Step) -> int:
    """How often the step comes now in this run."""
    last = session.scalar(
        select(func.max(TaskRow.occurrence)).where(
            TaskRow.enrolment_id == like.enrolment_id, TaskRow.step_code == step.code
        )
    )
    return (last or 0) + 1
