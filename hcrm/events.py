"""Typed events that flow upward between packages, and the bus that carries them.

A handler runs in the transaction of the service that published the event and its errors propagate: either all of it
happened or nothing did. Subscriptions are made in ``wiring.py`` alone. Events carry ids in batches, never one per row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; ``now`` is the business time at which it was recorded."""

    now: datetime


class StayOutline(NamedTuple):
    """What of a stay a plan depends on; times and days as in the record, codes as text.

    ``alone`` says that the patient is new with this stay: nothing else is known of them.
    """

    encounter_id: int
    facility_id: int
    patient_id: int
    person_id: int
    encounter_class: str
    disposition: str
    post_acute: bool
    admitted_on: date | None
    discharged_on: date
    planned: bool | None
    diagnoses: Sequence[str]
    principal_diagnosis: str
    procedures: Sequence[Any] | None
    department_id: int | None
    clinician_id: int | None
    open_dispute: bool
    deceased_state: str
    deceased_on: date | None
    birth_date: date | None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class EncountersChanged(Event):
    """Encounters were created or changed by records from a source; ``with_plans`` False when plans are not wanted.

    ``created`` tells of many of those that are new and finished what is known of them, so that nobody has to read back
    what has just been written. The rest of ``encounter_ids`` may have been there before.
    """

    encounter_ids: tuple[int, ...]
    with_plans: bool = True
    created: tuple[StayOutline, ...] = field(default=(), compare=False)

    @property
    def not_created(self) -> list[int]:
        """Stays that may have been there before."""
        new = {stay.encounter_id for stay in self.created}
        return [encounter_id for encounter_id in self.encounter_ids if encounter_id not in new]

    @property
    def of_known_patients(self) -> list[int]:
        """Stays of patients of whom more may be known than this one stay."""
        alone = {stay.encounter_id for stay in self.created if stay.alone}
        return [encounter_id for encounter_id in self.encounter_ids if encounter_id not in alone]


@dataclass(frozen=True, slots=True)
class PatientsDeceased(Event):
    """Patients were recorded or reported as deceased (also while the report waits to be verified)."""

    patient_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DeceasedReportWithdrawn(Event):
    """A report of death turned out to be wrong."""

    patient_id: int
    actor_user_id: int


@dataclass(frozen=True, slots=True)
class PatientsMerged(Event):
    """Two patient records are one person; ``person_id`` is the survivor."""

    person_id: int
    merged_patient_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PatientsUnmerged(Event):
    """A merge was taken back; both stand for themselves again."""

    patient_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NumberStopped(Event):
    """A phone number said STOP: no more texts to it."""

    facility_id: int
    number: str


@dataclass(frozen=True, slots=True)
class NumberStarted(Event):
    """A stopped phone number said START."""

    facility_id: int
    number: str


@dataclass(frozen=True, slots=True)
class MessagesChanged(Event):
    """Outbox messages reached another status (accepted, delivered, failed, suppressed, expired …)."""

    message_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AnswersRecorded(Event):
    """Answers were given or changed; ``question_codes`` are the codes inside the questionnaire."""

    response_id: int
    question_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResponseStateChanged(Event):
    """A survey response became started, partial, completed, refused, expired and so on."""

    response_id: int
    state: str


@dataclass(frozen=True, slots=True)
class CalendarChanged(Event):
    """A hospital's holidays, make-up workdays or weekly rest days are others than before."""

    facility_id: int


@dataclass(frozen=True, slots=True)
class TasksChanged(Event):
    """Follow-up tasks were created, completed, failed, cancelled or moved."""

    task_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AppointmentsBooked(Event):
    """Return visits were booked, taken up from the waiting list, or moved to another time."""

    appointment_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AppointmentsCancelled(Event):
    """Return visits will not take place."""

    appointment_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MovesAsked(Event):
    """Patients want another time for their visit and have not chosen one."""

    appointment_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AppointmentsMissed(Event):
    """Patients did not come to their visit."""

    appointment_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AppointmentsKept(Event):
    """Patients came to their visit: they arrived, or it was fulfilled."""

    appointment_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReminderQueued(Event):
    """A reminder of a return visit was handed to the outbox."""

    appointment_id: int
    message_id: int


Handler = Callable[[Any, Any], None]


class Bus:
    """Calls the handlers subscribed to the type of an event, in the order of subscription."""

    def __init__(self) -> None:
        self._handlers: dict[type[Event], list[Handler]] = defaultdict(list)

    def subscribe(self, event_type: type[Event], handler: Handler) -> None:
        self._handlers[event_type].append(handler)

    def dispatch(self, session: CarriesBus, event: Event) -> None:
        for handler in self._handlers[type(event)]:
            handler(session, event)


class CarriesBus(Protocol):
    """A database session made by the program's session factory: its ``info`` holds the bus under ``"bus"``."""

    @property
    def info(self) -> dict[Any, Any]: ...


def publish(session: CarriesBus, event: Event) -> None:
    """Hand ``event`` to its handlers inside the current transaction.

    Raises ``KeyError`` when the session was not made by the program's session factory.
    """
    bus: Bus = session.info["bus"]
    bus.dispatch(session, event)
