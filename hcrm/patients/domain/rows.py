"""What a reader of any source hands to the bulk writer: one validated, typed row per record.

Rows are named tuples, not dataclasses: hundreds of thousands are built, pickled and hashed per import.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple

from hcrm.patients.domain.codes import (
    Disposition,
    EncounterClass,
    ExplicitNull,
    Language,
    LineType,
    OwnerKind,
    RowKind,
    Sex,
)


class PhoneEntry(NamedTuple):
    """A phone number as it stands in a record; ``number`` is E.164, None when ``raw`` is no possible number."""

    raw: str
    number: str | None = None
    line_type: LineType = LineType.UNKNOWN
    owner_kind: OwnerKind = OwnerKind.PATIENT
    owner_name: str = ""
    relationship: str = ""


NO_NUMBER: Final = PhoneEntry("")
"""Stands first among the phones of a record that says that the patient has no number of their own any more."""


class Procedure(NamedTuple):
    """Something that was done, with its code or words; ``done_on`` None when the record does not say."""

    code: str
    text: str = ""
    done_on: date | None = None


class StayRow(NamedTuple):
    """One record about one visit.

    None means that the record does not mention the field, ``EXPLICIT_NULL`` that it empties it. ``source`` names the
    system whose visit numbers and MRNs these are; ``line`` is where in the file the row stood; ``event_at`` is the
    record's own event time, None when it has none (then the batch's stated time counts). Times are aware UTC.
    ``department_code`` falls back to the name where the source has no codes. ``needs_review`` marks a class that the
    reader did not know; ``post_acute`` a stay that is neither index nor revisit; ``identifiers`` are further
    (system, value) pairs beside the MRN.
    """

    mrn: str
    visit_number: str
    source: str
    line: int = 0
    event_at: datetime | None = None
    kind: RowKind = RowKind.STAY
    family_name: str | None = None
    given_name: str | None = None
    full_name: str | None = None
    sex: Sex | None = None
    birth_date: date | ExplicitNull | None = None
    deceased_on: date | ExplicitNull | None = None
    phones: tuple[PhoneEntry, ...] = ()
    language: Language | None = None
    encounter_class: EncounterClass | None = None
    post_acute: bool | None = None
    planned: bool | ExplicitNull | None = None
    admitted_at: datetime | ExplicitNull | None = None
    discharged_at: datetime | ExplicitNull | None = None
    department_code: str | ExplicitNull | None = None
    department_name: str | None = None
    clinician_code: str | ExplicitNull | None = None
    clinician_name: str | None = None
    nurse: str | ExplicitNull | None = None
    disposition: Disposition | ExplicitNull | None = None
    principal_diagnosis: str | ExplicitNull | None = None
    diagnoses: tuple[str, ...] | None = None
    procedures: tuple[Procedure, ...] | None = None
    readmission_plan_31d: bool | ExplicitNull | None = None
    contact_name: str | ExplicitNull | None = None
    contact_relationship: str | ExplicitNull | None = None
    payer: str | ExplicitNull | None = None
    sensitive: bool | None = None
    address: str | ExplicitNull | None = None
    needs_review: bool | None = None
    identifiers: tuple[tuple[str, str], ...] = ()


class ApplyCounts(NamedTuple):
    """What a batch of rows did. Every row is one of created, updated or unchanged; the rest counts records.

    ``created``: rows that brought a new visit; ``updated``: rows that changed a visit, a patient or a contact;
    ``unchanged``: rows that said nothing new. ``cancelled`` visits were cancelled by these rows. ``merged`` patients
    were joined by them.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    patients_created: int = 0
    encounters_created: int = 0
    merged: int = 0
    cancelled: int = 0

    def plus(self, other: ApplyCounts) -> ApplyCounts:
        """Field by field sum."""
        return ApplyCounts._make(a + b for a, b in zip(self, other, strict=True))
