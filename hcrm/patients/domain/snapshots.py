"""Frozen pictures of patients and stays, for other packages to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from hcrm.patients.domain.codes import (
    ConsentChannel,
    ConsentPurpose,
    DeceasedState,
    Disposition,
    EncounterClass,
    EncounterStatus,
    Language,
    LineType,
    OwnerKind,
    PatientFlag,
    RetiredReason,
    Sex,
)


def age_in_years(birth_date: date | None, day: date) -> int | None:
    """Whole years on ``day``; None when the birth date is unknown or later.

    Who was born on 29 February is a year older on 1 March of other years.
    """
    if birth_date is None or birth_date > day:
        return None
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


@dataclass(frozen=True, slots=True)
class EncounterSnapshot:
    """One stay as it stands now.

    ``admitted_at`` is None where the record gives only the discharge; ``admitted_on`` is then the day of discharge.
    Both are None for a visit of which only the cancellation is known. ``_on`` dates are in the facility's zone.
    ``earlier_department_ids`` are wards that the stay touched before its last one. ``deceased`` is True as soon as a
    death is reported, also while it waits to be confirmed.
    """

    id: int
    facility_id: int
    patient_id: int
    person_id: int
    source: str
    visit_number: str
    encounter_class: EncounterClass
    post_acute: bool
    status: EncounterStatus
    planned: bool | None
    admitted_at: datetime | None
    discharged_at: datetime | None
    admitted_on: date | None
    discharged_on: date | None
    department_id: int | None
    clinician_id: int | None
    nurse: str
    disposition: Disposition
    principal_diagnosis: str
    diagnoses: tuple[str, ...]
    readmission_plan_31d: bool | None
    sensitive: bool
    contact_name: str
    contact_relationship: str
    needs_review: bool
    birth_date: date | None
    deceased: bool
    deceased_on: date | None
    earlier_department_ids: tuple[int, ...] = ()

    @property
    def department_ids(self) -> frozenset[int]:
        """Every department that the stay touched."""
        last = () if self.department_id is None else (self.department_id,)
        return frozenset((*self.earlier_department_ids, *last))


@dataclass(frozen=True, slots=True)
class PatientSnapshot:
    """One patient record as it stands now; ``person_id`` is the record that stands for the person after merges."""

    id: int
    facility_id: int
    person_id: int
    mrn: str
    family_name: str
    given_name: str
    full_name: str
    sex: Sex
    birth_date: date | None
    language: Language
    deceased_on: date | None
    deceased_state: DeceasedState
    diagnosis_not_told: bool
    open_dispute: bool
    loss_of_baby: bool
    address: str

    @property
    def deceased(self) -> bool:
        """Reported or recorded as deceased."""
        return self.deceased_state is not DeceasedState.NONE

    @property
    def flags(self) -> tuple[PatientFlag, ...]:
        """The flags that are set, in the order in which callers see them."""
        return tuple(flag for flag in PatientFlag if getattr(self, flag.value))

    def age_on(self, day: date) -> int | None:
        """Whole years on ``day``; None when the birth date is unknown or later."""
        return age_in_years(self.birth_date, day)


@dataclass(frozen=True, slots=True)
class ContactSnapshot:
    """A phone number and whose it is; ``number`` is None when the record's text is no possible number."""

    id: int
    facility_id: int
    patient_id: int
    number: str | None
    raw: str
    line_type: LineType
    owner_kind: OwnerKind
    owner_name: str
    relationship: str
    may_discuss_health: bool
    rank: int
    verified_on: date | None
    valid_from: datetime
    retired_at: datetime | None
    retired_reason: RetiredReason | None

    @property
    def usable(self) -> bool:
        """A possible number that has not been retired."""
        return self.number is not None and self.retired_at is None


@dataclass(frozen=True, slots=True)
class ConsentSnapshot:
    """What holds now for one purpose and channel; ``recorded_at`` is None while only the default holds."""

    purpose: ConsentPurpose
    channel: ConsentChannel
    given: bool
    recorded_at: datetime | None = None
    recorded_by: int | None = None
    how: str = ""


@dataclass(frozen=True, slots=True)
class PatientHit:
    """One line of search results; ``department_id`` and times are of the latest stay the viewer may see."""

    patient_id: int
    facility_id: int
    mrn: str
    full_name: str
    sex: Sex
    birth_date: date | None
    deceased_state: DeceasedState
    department_id: int | None
    discharged_at: datetime | None
    admitted_at: datetime | None


@dataclass(frozen=True, slots=True)
class MergeSnapshot:
    """One entry of the merge ledger that still holds."""

    id: int
    from_patient_id: int
    into_patient_id: int
    merged_at: datetime
    merged_by: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened to a patient, or is to come.

    ``kind`` groups entries for the filter (``stay``, ``call``, ``message``, ``survey``, ``alert``, ``record``);
    ``title_code`` with ``params`` gives the words (labels live in the owner's ``forms``); ``state`` is the true
    state, shown as a sign. ``params["about"]`` is the (kind, id) of another entry's object: who may not know of that
    does not see this one either.
    """

    at: datetime
    kind: str
    title_code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    state: str = ""
    object_kind: str = ""
    object_id: int | None = None
    encounter_id: int | None = None
