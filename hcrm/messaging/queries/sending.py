"""Reads, for a batch of due messages at once, everything that decides whether they may go out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session, aliased

from hcrm.messaging.domain import HANDED_OVER, Purpose
from hcrm.messaging.models import NumberState, OutboxMessage
from hcrm.organization import queries as organization
from hcrm.organization.domain import Calendar, FacilitySnapshot
from hcrm.patients import queries as patients
from hcrm.patients.domain import (
    ConsentChannel,
    ConsentPurpose,
    ContactSnapshot,
    EncounterClass,
    EncounterStatus,
    PatientSnapshot,
)
from hcrm.patients.models import Encounter, Patient

Subject = tuple[str, int]
"""What a message is about: (topic, subject id), or ("task", task id), or ("message", its own id)."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message handed over earlier: about what, and when."""

    subject: Subject
    at: datetime


@dataclass(frozen=True, slots=True)
class Stay:
    """What the stay behind a message says: is it sensitive, and why the plan is over, if it is."""

    sensitive: bool
    plan_ended: str


@dataclass(frozen=True, slots=True)
class SendingFacts:
    """All that a batch needs, by the ids that its messages name."""

    facilities: Mapping[int, tuple[FacilitySnapshot, Calendar]]
    patients: Mapping[int, PatientSnapshot]
    contacts: Mapping[int, list[ContactSnapshot]]
    consent: Mapping[tuple[int, Purpose], bool]
    stays: Mapping[int, Stay]
    surveys: Mapping[int, list[Sent]] = field(default_factory=dict)

    def age(self, patient_id: int, day: date) -> int | None:
        """Whole years of a patient on ``day``."""
        return self.patients[patient_id].age_on(day)


def subject_of(row: OutboxMessage) -> Subject:
    """What counts as the same survey: an invitation, its reminder and its questions have one subject."""
    if row.conversation_topic is not None and row.conversation_subject_id is not None:
        return row.conversation_topic, row.conversation_subject_id
    return ("task", row.task_id) if row.task_id is not None else ("message", row.id)


def sending_facts(
    session: Session, rows: Collection[OutboxMessage], *, records: patients.Records, look_back_from: datetime
) -> SendingFacts:
    """The facts for ``rows``; surveys sent since ``look_back_from`` are counted by person.

    ``records``: all records of the persons whom the rows are for, by patient.
    """
    facility_ids = {row.facility_id for row in rows}
    known = patients.patient_snapshots(session, records)
    return SendingFacts(
        facilities={
            facility_id: (
                organization.facility(session, facility_id),
                organization.calendar(session, facility_id),
            )
            for facility_id in facility_ids
        },
        patients=known,
        contacts=patients.contacts(session, records, records=records),
        consent=_consent(session, records),
        stays=_stays(session, {row.encounter_id for row in rows if row.encounter_id is not None}),
        surveys=_surveys(session, known, records, look_back_from),
    )


_CONSENTS = {ConsentPurpose.CARE: Purpose.CARE, ConsentPurpose.SURVEY: Purpose.SURVEY}


def _consent(session: Session, records: patients.Records) -> dict[tuple[int, Purpose], bool]:
    given = patients.consents_by_purpose(session, records, tuple(_CONSENTS), ConsentChannel.SMS)
    return {(patient_id, _CONSENTS[purpose]): yes for (patient_id, purpose), yes in given.items()}


_Person, _OtherPerson, _Other = aliased(Patient), aliased(Patient), aliased(Encounter)


def _stays(session: Session, encounter_ids: Collection[int]) -> dict[int, Stay]:
    """Whether each stay is sensitive, and why its plan is over: cancelled, or an inpatient stay began since."""
    if not encounter_ids:
        return {}
    back = (
        select(_Other.id)
        .join(_OtherPerson, _OtherPerson.id == _Other.patient_id)
        .where(
            _OtherPerson.person_id == _Person.person_id,
            _Other.id != Encounter.id,
            _Other.encounter_class == EncounterClass.INPATIENT,
            _Other.status.in_((EncounterStatus.IN_PROGRESS, EncounterStatus.FINISHED)),
            _Other.admitted_at >= Encounter.discharged_at,
        )
        .exists()
    )
    rows = session.execute(
        select(Encounter.id, Encounter.sensitive, Encounter.status, back)
        .join(_Person, _Person.id == Encounter.patient_id)
        .where(Encounter.id.in_(encounter_ids))
    )
    return {
        encounter_id: Stay(
            sensitive=sensitive,
            plan_ended="stay_cancelled"
            if status is EncounterStatus.CANCELLED
            else ("readmitted" if readmitted else ""),
        )
        for encounter_id, sensitive, status, readmitted in rows
    }


def _surveys(
    session: Session, known: Mapping[int, PatientSnapshot], records: patients.Records, since: datetime
) -> dict[int, list[Sent]]:
    """Surveys handed over since, by person; answers to a text do not count."""
    found: dict[int, list[Sent]] = defaultdict(list)
    persons = {record: known[patient_id].person_id for patient_id, group in records.items() for record in group}
    rows = session.scalars(
        select(OutboxMessage).where(
            OutboxMessage.patient_id.in_(persons),
            OutboxMessage.purpose == Purpose.SURVEY,
            OutboxMessage.status.in_(HANDED_OVER),
            OutboxMessage.in_reply_to.is_(None),
            OutboxMessage.decided_at > since,
        )
    )
    for row in rows:
        assert row.patient_id is not None
        assert row.decided_at is not None
        found[persons[row.patient_id]].append(Sent(subject_of(row), row.decided_at))
    return found


def stopped_numbers(session: Session, numbers: Collection[tuple[int, str]]) -> dict[tuple[int, str], datetime]:
    """Since when each (facility, number) among ``numbers`` gets no texts; numbers that do are absent."""
    if not numbers:
        return {}
    rows = session.execute(
        select(NumberState.facility_id, NumberState.number, NumberState.stopped_at).where(
            tuple_(NumberState.facility_id, NumberState.number).in_(sorted(numbers))
        )
    )
    return {(facility, each): stopped_at for facility, each, stopped_at in rows if stopped_at is not None}


def is_stopped(session: Session, facility_id: int, number: str) -> bool:
    """Whether this number gets no texts from this facility."""
    return (facility_id, number) in stopped_numbers(session, [(facility_id, number)])


def recently_sent(session: Session, *, facility_id: int, number: str, template_code: str, since: datetime) -> bool:
    """Whether a text of this code went, or is about to go, to this number since then."""
    found = session.scalars(
        select(OutboxMessage.id)
        .where(
            OutboxMessage.facility_id == facility_id,
            OutboxMessage.to_number == number,
            OutboxMessage.template_code == template_code,
            OutboxMessage.created_at > since,
        )
        .limit(1)
    )
    return found.first() is not None
