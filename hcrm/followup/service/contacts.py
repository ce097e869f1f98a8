"""Contacts that did not come from the list: a call made elsewhere, a patient who called, a visit to the ward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.accounts.domain import Actor, Role
from hcrm.followup.domain.attempts import AttemptInvalid, Connection, Consequence, Disposition
from hcrm.followup.domain.desk import ContactKind
from hcrm.followup.domain.plan import Condition, PerformerRole, RiskLevel, StepChannel
from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import AttemptRow, EnrolmentRow, TaskRow
from hcrm.followup.service.alerts import AlertAbout, open_alerts
from hcrm.followup.service.attempts import AttemptReport, record_attempt
from hcrm.followup.service.tasks import UnknownTask
from hcrm.organization.queries import facility
from hcrm.patients.domain import EncounterSnapshot
from hcrm.survey.domain import AlertRaised, Cause, Severity, word_hits

CONTACT = "contact"
"""The step of a contact that belongs to no task."""

OLDEST = timedelta(days=31)
_GRAVEST = (Severity.URGENT, Severity.HIGH, Severity.ROUTINE)
_PERFORMER = {
    Role.PHYSICIAN: PerformerRole.PHYSICIAN,
    Role.SERVICE_AGENT: PerformerRole.SERVICE_AGENT,
    Role.OUTREACH_WORKER: PerformerRole.OUTREACH_WORKER,
}


class Outcome(StrEnum):
    """What a contact came to."""

    WELL = "well"
    WORRY = "worry"
    NOT_REACHED = "not_reached"


@dataclass(frozen=True, slots=True)
class ContactEntry:
    """A contact as it is noted. ``task_id``: the task that it settles, None for none; ``waits``: the patient wants an
    answer. The same ``key`` counts once.
    """

    key: str
    kind: ContactKind
    outcome: Outcome
    at: datetime
    task_id: int | None = None
    by_relative: bool = False
    waits: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Logged:
    """What noting a contact did."""

    task_id: int
    consequence: Consequence | None
    alert_ids: Sequence[int] = ()


def log_contact(
    session: Session, *, stay: EncounterSnapshot, entry: ContactEntry, actor: Actor, now: datetime
) -> Logged:
    """Note a contact with the patient of a stay, marked as self-reported; worries open an alert.

    Raises ``AttemptInvalid`` (a time that cannot be; nobody reached, and no task that it was tried for), ``TaskHeld``
    and ``UnknownTask`` for a task of another patient.
    """
    if not now - OLDEST <= entry.at <= now:
        raise AttemptInvalid("contact_time")
    reached = entry.outcome is not Outcome.NOT_REACHED
    if not reached and entry.task_id is None:
        raise AttemptInvalid("contact_without_task")
    known = session.scalar(select(AttemptRow.task_id).where(AttemptRow.key == entry.key))
    if known is not None:
        return Logged(known, None)
    task_id = (
        _task_of(session, stay, entry) if entry.task_id is not None else _new_task(session, stay, actor, entry, now)
    )
    found = record_attempt(session, task_id=task_id, report=_report(entry), user_id=actor.user_id, now=now)
    return Logged(task_id, found, _alerts(session, stay, entry, task_id, now) if reached else ())


def is_noted(session: Session, key: str) -> bool:
    """A contact with this key was noted."""
    return session.scalar(select(AttemptRow.id).where(AttemptRow.key == key)) is not None


def _report(entry: ContactEntry) -> AttemptReport:
    connection, disposition = Connection.NO_ANSWER, None
    if entry.outcome is not Outcome.NOT_REACHED:
        connection = Connection.ANSWERED_PROXY if entry.by_relative else Connection.ANSWERED_PATIENT
        disposition = Disposition.COMPLETED
    return AttemptReport(
        key=entry.key,
        connection=connection,
        disposition=disposition,
        started_at=entry.at,
        note=entry.note,
        self_reported=True,
        contact_kind=entry.kind,
    )


def _task_of(session: Session, stay: EncounterSnapshot, entry: ContactEntry) -> int:
    task = session.get(TaskRow, entry.task_id)
    if task is None or task.patient_id != stay.patient_id or task.facility_id != stay.facility_id:
        raise UnknownTask(entry.task_id)
    return task.id


def _new_task(session: Session, stay: EncounterSnapshot, actor: Actor, entry: ContactEntry, now: datetime) -> int:
    """A task of its own for a contact that no step asked for: it begins and is due when it happened."""
    at = facility(session, stay.facility_id)
    risk = session.scalar(select(EnrolmentRow.risk).where(EnrolmentRow.encounter_id == stay.id).limit(1))
    roles = [each for each in actor.roles if each in _PERFORMER]
    day = entry.at.astimezone(at.zone).date()
    row = TaskRow(
        facility_id=stay.facility_id,
        enrolment_id=None,
        encounter_id=stay.id,
        patient_id=stay.patient_id,
        department_id=stay.department_id,
        clinician_id=stay.clinician_id,
        step_code=CONTACT,
        tier=None,
        channel=StepChannel.PHONE,
        performer_role=_PERFORMER[roles[0]] if roles else PerformerRole.NURSE,
        questionnaire_code=None,
        window_starts_at=entry.at,
        target_at=entry.at,
        due_at=now,
        due_on=day,
        discharged_on=stay.discharged_on or day,
        status=TaskStatus.OPEN,
        risk=risk or RiskLevel.LOW,
        attempt_count=0,
        condition=Condition.ALWAYS,
        self_reported=True,
        generation=0,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row.id


def _alerts(
    session: Session, stay: EncounterSnapshot, entry: ContactEntry, task_id: int, now: datetime
) -> Sequence[int]:
    raised = raised_by(entry)
    if raised is None:
        return ()
    about = AlertAbout(
        facility_id=stay.facility_id,
        patient_id=stay.patient_id,
        encounter_id=stay.id,
        department_id=stay.department_id,
        task_id=task_id,
        response_id=None,
        said=entry.note,
    )
    return open_alerts(session, about=about, raised=[raised], now=now)


def raised_by(entry: ContactEntry) -> AlertRaised | None:
    """The alert that a contact opens: a worry is high, a wish for an answer routine; words in the note can make either
    graver.
    """
    said = list(word_hits(entry.note).values())
    if entry.outcome is Outcome.WORRY:
        return AlertRaised("", "worried", _gravest([Severity.HIGH, *said]), Cause.SYMPTOM)
    if entry.waits:
        return AlertRaised("", "called_back", _gravest([Severity.ROUTINE, *said]), Cause.OTHER)
    return None


def _gravest(severities: Sequence[Severity]) -> Severity:
    return min(severities, key=_GRAVEST.index)
