"""What a feed consists of: people, their stays, and the records that tell of them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from hcrm.simulation.catalogue import DepartmentKind


class Event(StrEnum):
    """What a record tells, by the trigger events of HL7 v2."""

    ADMITTED = "A01"
    MOVED = "A02"
    DISCHARGED = "A03"
    CORRECTED = "A08"
    VISIT_CANCELLED = "A11"
    DISCHARGE_CANCELLED = "A13"
    MERGED = "A40"


class Person(NamedTuple):
    """An invented patient; a child's phone is a parent's, named in ``contact_name``.

    ``phone`` is written as people of the country write it, empty when nobody asked; ``phone_kind`` is ``mobile``,
    ``landline`` or empty.
    """

    mrn: str
    family_name: str
    given_name: str
    sex: str
    birth_date: date
    language: str
    phone: str
    phone_kind: str
    phone_owner: str
    contact_name: str
    contact_relationship: str
    address: str
    deceased_on: date | None = None


class Stay(NamedTuple):
    """One stay as the hospital's own system knows it; local times without zone.

    ``discharged_at`` is None while the patient is there. ``earlier`` are the wards before ``department`` with the
    time from which the patient was there; ``moved_at`` is when the patient came to ``department``.
    """

    person: Person
    visit_number: str
    department: DepartmentKind
    clinician: tuple[str, str]
    admitted_at: datetime
    discharged_at: datetime | None
    disposition: str
    diagnosis: str
    planned: bool
    other_diagnoses: tuple[str, ...] = ()
    return_planned: bool = False
    earlier: tuple[tuple[DepartmentKind, datetime], ...] = ()
    moved_at: datetime | None = None
    facility: int = 0


class Record(NamedTuple):
    """One record of a feed: what happened, when, and the stay as it stood then.

    A merge names the number that is given up in ``former_mrn``; its stay is the last one under that number.
    """

    event: Event
    event_at: datetime
    stay: Stay
    former_mrn: str = ""
