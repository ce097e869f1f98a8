"""What a change in the hospital's records does to plans that run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, select, update
from sqlalchemy.orm import Session, aliased

from hcrm.followup.domain.eligibility import PublishedPlan, StayFacts, ended_at, is_surgical, reason_to_end
from hcrm.followup.domain.expansion import PlannedTask, plan_occurrences
from hcrm.followup.domain.plan import Trigger
from hcrm.followup.domain.task import EnrolmentStatus, TaskReason, TaskStatus
from hcrm.followup.models import EnrolmentRow, TaskRow
from hcrm.followup.queries.enrolment import (
    RunningPlan,
    enrolments_of_patients,
    enrolments_of_persons,
    id_array,
    readmissions,
    running_plans,
)
from hcrm.followup.queries.plans import plans_of_versions
from hcrm.followup.queries.twins import is_kept, is_twin
from hcrm.followup.service.tasks import Ending, close_missed, end_open, end_open_since, of_enrolments, of_patients
from hcrm.organization.queries import calendar, facility
from hcrm.patients.domain import DeceasedState, EncounterStatus, PatientSnapshot
from hcrm.patients.queries import patient_snapshots, records_by_patient

_NO_SYNC = {"synchronize_session": False}


def reconcile_encounters(session: Session, *, encounter_ids: Collection[int], now: datetime) -> None:
    """Bring the plans of these stays into line with the record as it stands now.

    Stays without a running plan are left alone, so it is cheap for a large import of new records.
    """
    if not encounter_ids:
        return
    running = running_plans(session, encounter_ids)
    plans = plans_of_versions(session, {each.plan_version_id for each in running}) if running else {}
    ending: dict[tuple[TaskReason, datetime], list[int]] = defaultdict(list)
    for each in running:
        reason = reason_to_end(plans[each.plan_version_id].plan, _stay_facts(each))
        if reason is None:
            _follow_correction(session, each, plans[each.plan_version_id])
        else:
            at = now if each.discharged_at is None else ended_at(reason, discharged_at=each.discharged_at, now=now)
            ending[reason, at].append(each.enrolment_id)
    for (reason, at), enrolment_ids in ending.items():
        end_plans(session, enrolment_ids, reason, now=now, happened_at=at)


def _stay_facts(each: RunningPlan) -> StayFacts:
    return StayFacts(
        encounter_class=each.encounter_class.value,
        disposition=each.disposition.value,
        post_acute=each.post_acute,
        finished=each.status is EncounterStatus.FINISHED,
        cancelled=each.status is EncounterStatus.CANCELLED,
        discharged_on=each.discharged_on,
    )


def end_plans(
    session: Session, enrolment_ids: Sequence[int], reason: TaskReason, *, now: datetime, happened_at: datetime
) -> list[int]:
    """Cancel these plans and the steps that were still open when it happened; the ids of these steps."""
    in_error = reason is TaskReason.ENTERED_IN_ERROR
    status = TaskStatus.ENTERED_IN_ERROR if in_error else TaskStatus.CANCELLED
    ended = end_open(
        session,
        of_enrolments(enrolment_ids),
        Ending(status, reason),
        now=now,
        happened_at=happened_at,
        missed_too=in_error,
    )
    if not in_error:
        close_missed(session, of_enrolments(enrolment_ids), reason, now=now, at=happened_at)
    session.execute(
        update(EnrolmentRow)
        .where(EnrolmentRow.id == func.any(id_array(enrolment_ids)))
        .values(status=EnrolmentStatus.CANCELLED, reason=reason, ended_at=happened_at),
        execution_options=_NO_SYNC,
    )
    return ended


def _follow_correction(session: Session, each: RunningPlan, published: PublishedPlan) -> None:
    """A corrected department or clinician goes into every task, a corrected day of discharge into those not begun."""
    own = TaskRow.enrolment_id == each.enrolment_id
    session.execute(
        update(TaskRow)
        .where(
            own,
            TaskRow.department_id.is_distinct_from(each.department_id)
            | TaskRow.clinician_id.is_distinct_from(each.clinician_id),
        )
        .values(department_id=each.department_id, clinician_id=each.clinician_id),
        execution_options=_NO_SYNC,
    )
    if each.discharged_on is None or each.discharged_on == each.planned_for:
        return
    zone, workdays = facility(session, each.facility_id).zone, calendar(session, each.facility_id)
    for step in published.plan.steps:
        if step.trigger is Trigger.DISCHARGE:
            questionnaire = step.questionnaire_for(each.encounter_class.value, surgery=is_surgical(each.procedures))
            for planned in plan_occurrences(step, each.discharged_on, workdays, zone):
                _move(session, each, planned, questionnaire)
    session.execute(
        update(EnrolmentRow).where(EnrolmentRow.id == each.enrolment_id).values(discharged_on=each.discharged_on),
        execution_options=_NO_SYNC,
    )


def _move(session: Session, each: RunningPlan, planned: PlannedTask, questionnaire: str | None) -> None:
    session.execute(
        update(TaskRow)
        .where(
            TaskRow.enrolment_id == each.enrolment_id,
            TaskRow.step_code == planned.step.code,
            TaskRow.occurrence == planned.occurrence,
            TaskRow.status == TaskStatus.OPEN,
            TaskRow.attempt_count == 0,
            TaskRow.sent_message_id.is_(None),
        )
        .values(
            window_starts_at=planned.window_starts_at,
            target_at=planned.target_at,
            due_at=planned.due_at,
            due_on=planned.due_on,
            discharged_on=each.discharged_on,
            questionnaire_code=questionnaire,
        ),
        execution_options=_NO_SYNC,
    )


def end_readmitted(session: Session, *, encounter_ids: Collection[int], now: datetime) -> None:
    """Cancel what was still open when the patient came back to a ward; the next discharge starts a new plan.

    A step that a person opened again after that stays open.
    """
    found = readmissions(session, encounter_ids)
    if not found:
        return
    since = {each.enrolment_id: each.admitted_at for each in found}
    ending = Ending(TaskStatus.CANCELLED, TaskReason.READMITTED)
    end_open_since(session, since, ending, now=now, kept_if_reopened=True)
    _close_plans(session, {each.enrolment_id: each.encounter_id for each in found}, now)


def _close_plans(session: Session, causes: Mapping[int, int], now: datetime) -> None:
    """End plans that an admission interrupted (its stay by enrolment), unless a person keeps a step of them open."""
    cause = select(
        func.unnest(id_array(causes)).label("enrolment_id"),
        func.unnest(id_array(list(causes.values()))).label("encounter_id"),
    ).subquery("cause")
    kept = select(TaskRow.id).where(
        TaskRow.enrolment_id == EnrolmentRow.id,
        TaskRow.reopened_at.is_not(None),
        TaskRow.status.in_((TaskStatus.OPEN, TaskStatus.ON_HOLD)),
    )
    session.execute(
        update(EnrolmentRow)
        .where(EnrolmentRow.id == cause.c.enrolment_id, ~kept.exists())
        .values(
            status=EnrolmentStatus.CANCELLED,
            reason=TaskReason.READMITTED,
            ended_at=now,
            ended_by_encounter_id=cause.c.encounter_id,
        ),
        execution_options=_NO_SYNC,
    )


def end_deceased(session: Session, *, patient_ids: Collection[int], now: datetime) -> None:
    """A recorded death cancels everything still open then; one that waits to be verified puts it on hold."""
    patients = patient_snapshots(session, patient_ids)
    records = records_by_patient(session, patients)
    zones: dict[int, ZoneInfo] = {}
    died: dict[int, datetime] = {}
    pending: set[int] = set()
    for patient in patients.values():
        if patient.deceased_state is DeceasedState.PENDING:
            pending.update(records[patient.id])
        elif patient.deceased_state is DeceasedState.CONFIRMED:
            if patient.facility_id not in zones:
                zones[patient.facility_id] = facility(session, patient.facility_id).zone
            died_at = _died_at(patient, zones[patient.facility_id], now)
            died.update(dict.fromkeys(records[patient.id], died_at))
    if pending:
        held = Ending(TaskStatus.ON_HOLD, TaskReason.DECEASED)
        end_open(session, of_patients(pending), held, now=now, missed_too=True)
    runs = enrolments_of_patients(session, died)
    since = {enrolment_id: died[patient_id] for enrolment_id, patient_id in runs.items()}
    end_open_since(session, since, Ending(TaskStatus.CANCELLED, TaskReason.DECEASED), now=now)


def _died_at(patient: PatientSnapshot, zone: ZoneInfo, now: datetime) -> datetime:
    """The beginning of the day of death in the facility's zone; now when the day is not known."""
    if patient.deceased_on is None:
        return now
    return min(now, datetime.combine(patient.deceased_on, time(), tzinfo=zone).astimezone(UTC))


def join_persons(session: Session, *, person_id: int, now: datetime) -> list[int]:
    """After a merge, of a step that one person would now get twice at the same time one is kept: the one that is
    completed, else the earlier one.

    The ids of those cancelled as ``duplicate_merged``.
    """
    enrolments = enrolments_of_persons(session, [person_id])
    kept = aliased(TaskRow)
    among = kept.enrolment_id == func.any(id_array(enrolments))
    return end_open(
        session,
        and_(of_enrolments(enrolments), select(kept.id).where(among, is_twin(kept), is_kept(kept)).exists()),
        Ending(TaskStatus.CANCELLED, TaskReason.DUPLICATE_MERGED),
        now=now,
    )
