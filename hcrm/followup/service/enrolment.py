"""Enrolling discharges, one or two hundred thousand of them, in the plan that fits.

The plan, the risk and the dates are found by the pure functions of the domain, the dates once per combination of plan
version, day of discharge, risk, class, surgery and clinician. What such a combination puts into a task is written down
once in the binary format of ``COPY``; a task is this behind the ids of its stay.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Table, and_, func, select
from sqlalchemy.orm import Session, aliased

from hcrm.events import TasksChanged, publish
from hcrm.followup.domain.expansion import PlannedTask, expand_plan, is_drawn_by_area, is_sampled
from hcrm.followup.domain.plan import PerformerRole, Step
from hcrm.followup.domain.task import EnrolmentStatus, TaskReason, TaskStatus
from hcrm.followup.models import EnrolmentRow, TaskRow
from hcrm.followup.queries.enrolment import (
    Candidate,
    Refusal,
    candidates,
    id_array,
    refusals,
    stays_with_ended_plans,
)
from hcrm.followup.queries.home_visits import service_area
from hcrm.followup.service.choices import Choice, Key, choose
from hcrm.followup.service.reconcile import end_deceased
from hcrm.followup.service.tasks import Ending, end_open, is_survey, of_patients
from hcrm.organization.domain import Calendar
from hcrm.organization.queries import calendar, facility
from hcrm.patients.domain import ConsentPurpose, DeceasedState, binary
from hcrm.patients.domain.lines import day_text, moment_text
from hcrm.patients.queries import addresses_of
from hcrm.patients.service.bulk import copy_binary, copy_lines, reserve_ids

ENROLMENT: Table = EnrolmentRow.__table__  # type: ignore[assignment]
TASK: Table = TaskRow.__table__  # type: ignore[assignment]


class _StepValues(NamedTuple):
    """A step of a plan with the part of a task's row that all discharges of one key share, as ``COPY`` reads it."""

    step: Step
    values: bytes


def enrol_encounters(
    session: Session, *, encounter_ids: Collection[int], now: datetime, created: Sequence[Candidate] = ()
) -> int:
    """Enrol those of these stays that are finished, admitted by a plan and not enrolled yet; how many there were.

    ``created`` are finished stays that are new; they need not be among the ids. A step whose window is already over is
    created like the others: it is missed, visible and counted. Whoever calls holds the facility's lock, so nobody
    enrols the same stay meanwhile.
    """
    found = [*created, *candidates(session, encounter_ids)] if encounter_ids else list(created)
    enrolled = 0
    for facility_id, group in groupby(sorted(found, key=_facility_of), key=_facility_of):
        enrolled += _enrol_in_facility(session, facility_id, list(group), now)
    return enrolled


def _facility_of(candidate: Candidate) -> int:
    return candidate.facility_id


def _enrol_in_facility(session: Session, facility_id: int, found: Sequence[Candidate], now: datetime) -> int:
    choices = choose(session, facility_id, found)
    if not choices:
        return 0
    stays = list({choice.stay.encounter_id: choice.stay for choice in choices}.values())
    zone, workdays = facility(session, facility_id).zone, calendar(session, facility_id)
    enrolment_ids = _write_enrolments(session, choices, now)
    steps = _steps_of(choices, workdays, zone, now)
    outside = _outside_service_area(session, facility_id, choices, steps)
    task_ids = _write_tasks(session, choices, enrolment_ids, steps, outside)
    _leave_out_done(session, [each for each in stays if not each.alone], now)
    _leave_out_refused(session, stays, now)
    died_since = {each.patient_id for each in stays if each.deceased_state != DeceasedState.NONE}
    if died_since:
        end_deceased(session, patient_ids=died_since, now=now)
    if task_ids:
        publish(session, TasksChanged(now=now, task_ids=tuple(task_ids)))
    return len(stays)


def _write_enrolments(session: Session, choices: Sequence[Choice], now: datetime) -> Sequence[int]:
    ids = reserve_ids(session, ENROLMENT, len(choices))
    enrolled_at = moment_text(now)
    lines = (
        f"{enrolment_id}\t{stay.facility_id}\t{plan.plan_id}\t{plan.plan_version_id}\t{stay.patient_id}"
        f"\t{stay.encounter_id}\t{plan.plan.scope}\t{day_text(stay.discharged_on)}\t{key.risk}\t{score}"
        f"\t{EnrolmentStatus.ACTIVE}\t{enrolled_at}\n"
        for enrolment_id, (stay, plan, key, score) in zip(ids, choices, strict=True)
    )
    copy_lines(session, ENROLMENT, _ENROLMENT_COLUMNS, lines)
    return ids


_ENROLMENT_COLUMNS = (
    "id",
    "facility_id",
    "plan_id",
    "plan_version_id",
    "patient_id",
    "encounter_id",
    "scope",
    "discharged_on",
    "risk",
    "risk_score",
    "status",
    "enrolled_at",
)


def _steps_of(
    choices: Sequence[Choice], workdays: Calendar, zone: ZoneInfo, now: datetime
) -> dict[Key, list[_StepValues]]:
    return {
        key: [
            _StepValues(planned.step, _step_values(key, planned, now))
            for planned in expand_plan(plan.plan, key.discharged_on, key.risk, workdays, zone)
        ]
        for key, plan in {choice.key: choice.plan for choice in choices}.items()
    }


def _step_values(key: Key, planned: PlannedTask, now: datetime) -> bytes:
    """The values of ``_STEP_COLUMNS``, to the end of the row."""
    step = planned.step
    for_nurse = step.performer is PerformerRole.PHYSICIAN and not key.has_clinician
    return b"".join(
        (
            binary.text(step.code),
            binary.smallint(planned.occurrence),
            binary.smallint(step.tier),
            binary.text(step.channel),
            binary.text(PerformerRole.NURSE if for_nurse else step.performer),
            binary.text(step.questionnaire_for(key.encounter_class, surgery=key.surgery)),
            binary.moment(planned.window_starts_at),
            binary.moment(planned.target_at),
            binary.moment(planned.due_at),
            binary.day(planned.due_on),
            binary.day(key.discharged_on),
            binary.text(TaskStatus.OPEN),
            binary.text(key.risk),
            binary.smallint(0),
            binary.text(step.condition),
            binary.text(step.after_steps[0] if step.after_steps else None),
            binary.truth(False),
            binary.smallint(0),
            binary.moment(now),
        )
    )


_STEP_COLUMNS = (
    "step_code",
    "occurrence",
    "tier",
    "channel",
    "performer_role",
    "questionnaire_code",
    "window_starts_at",
    "target_at",
    "due_at",
    "due_on",
    "discharged_on",
    "status",
    "risk",
    "attempt_count",
    "condition",
    "after_step_code",
    "self_reported",
    "generation",
    "created_at",
)
_TASK_COLUMNS = (
    *("id", "enrolment_id", "facility_id", "encounter_id", "patient_id", "department_id", "clinician_id"),
    *_STEP_COLUMNS,
)


def _outside_service_area(
    session: Session, facility_id: int, choices: Sequence[Choice], steps: dict[Key, list[_StepValues]]
) -> frozenset[int]:
    """The stays that are drawn for a home visit although no team goes to where the patient lives."""
    area = service_area(session, facility_id)
    if not area.is_known:
        return frozenset()
    visits = {key: [step for step, _ in each if is_drawn_by_area(step)] for key, each in steps.items()}
    drawn = {
        stay.encounter_id: stay.patient_id
        for stay, plan, key, _ in choices
        if any(is_sampled(step, plan.label, stay.encounter_id) for step in visits[key])
    }
    addresses = addresses_of(session, drawn.values())
    return frozenset(stay for stay, patient in drawn.items() if not area.takes(addresses[patient]))


def _write_tasks(
    session: Session,
    choices: Sequence[Choice],
    enrolment_ids: Sequence[int],
    steps: dict[Key, list[_StepValues]],
    outside: frozenset[int],
) -> Sequence[int]:
    values = [_sampled(choice, steps[choice.key], outside) for choice in choices]
    ids = reserve_ids(session, TASK, sum(map(len, values)))
    copy_binary(session, TASK, _TASK_COLUMNS, _task_rows(iter(ids), enrolment_ids, choices, values))
    return ids


def _sampled(choice: Choice, steps: Sequence[_StepValues], outside: frozenset[int]) -> list[bytes]:
    """The values of those steps that sampling does not leave out for this stay."""
    label, encounter_id = choice.plan.label, choice.stay.encounter_id
    return [
        values
        for step, values in steps
        if step.sample >= 1.0
        or (is_sampled(step, label, encounter_id) and not (encounter_id in outside and is_drawn_by_area(step)))
    ]


def _task_rows(
    task_ids: Iterator[int], enrolment_ids: Sequence[int], choices: Sequence[Choice], values: Sequence[list[bytes]]
) -> Iterator[bytes]:
    """A row for each task: its id, the values of the stay, then those of the step."""
    columns = len(_TASK_COLUMNS)
    for enrolment_id, (stay, *_), steps in zip(enrolment_ids, choices, values, strict=True):
        own = _stay_values(8, enrolment_id, 8, stay.facility_id, 8, stay.encounter_id, 8, stay.patient_id)
        own += binary.bigint(stay.department_id) + binary.bigint(stay.clinician_id)
        for each in steps:
            yield binary.row_start(columns, 8, next(task_ids)) + own + each


_stay_values = struct.Struct(">iqiqiqiq").pack


def _leave_out_done(session: Session, enrolled: Sequence[Candidate], now: datetime) -> None:
    """A stay that was cancelled and came back with the same day of discharge: what was completed is not repeated."""
    again = stays_with_ended_plans(session, [each.encounter_id for each in enrolled])
    if again:
        done = aliased(TaskRow)
        same_step = and_(
            done.encounter_id == TaskRow.encounter_id,
            done.enrolment_id != TaskRow.enrolment_id,
            done.step_code == TaskRow.step_code,
            done.occurrence == TaskRow.occurrence,
            done.discharged_on == TaskRow.discharged_on,
            done.status == TaskStatus.COMPLETED,
        )
        ending = Ending(TaskStatus.CANCELLED, TaskReason.SUPERSEDED)
        of_stays = TaskRow.enrolment_id.in_(
            select(EnrolmentRow.id).where(EnrolmentRow.encounter_id == func.any(id_array(again)))
        )
        end_open(session, and_(of_stays, select(done.id).where(same_step).exists()), ending, now=now, missed_too=True)


def _leave_out_refused(session: Session, enrolled: Sequence[Candidate], now: datetime) -> None:
    """Steps that the patient refused are excluded at once, and surveys while a dispute is open."""
    disputed = {each.patient_id for each in enrolled if each.open_dispute}
    if disputed:
        end_open(
            session,
            and_(of_patients(disputed), is_survey()),
            Ending(TaskStatus.CANCELLED, TaskReason.INELIGIBLE),
            now=now,
        )
    for refusal in refusals(session, {each.patient_id for each in enrolled if not each.alone}):
        leave_out(session, refusal, now)


def leave_out(session: Session, refusal: Refusal, now: datetime) -> None:
    """Cancel the open steps of a patient that a refusal of this purpose and channel concerns."""
    if refusal.purpose not in (ConsentPurpose.CARE, ConsentPurpose.SURVEY):
        return
    survey = is_survey() if refusal.purpose is ConsentPurpose.SURVEY else ~is_survey()
    concerned = and_(of_patients([refusal.patient_id]), TaskRow.channel == refusal.channel.value, survey)
    end_open(session, concerned, Ending(TaskStatus.CANCELLED, TaskReason.OPTED_OUT), now=now)
