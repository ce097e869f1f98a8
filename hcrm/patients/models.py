"""The tables of patients, how to reach them, their stays and the facts behind these.

Tables filled in bulk carry ids of facilities, patients, departments, clinicians and batches without a foreign key:
their one writer resolves these ids once per chunk, and a check per row would cost more than the row itself. Keys are
compared byte by byte (collation ``C``), which also serves look-ups by their first letters.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import (
    JSON,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base, BigId, UtcDateTime, text_enum
from hcrm.patients.domain import (
    ConsentChannel,
    ConsentPurpose,
    DeceasedState,
    Disposition,
    EncounterClass,
    EncounterStatus,
    Language,
    LineType,
    OwnerKind,
    RetiredReason,
    RowKind,
    Sex,
)


def Key(length: int) -> String:  # noqa: N802 - stands where a type stands
    """Text that rows are found by."""
    return String(length, collation="C")


class Patient(Base):
    """A record of a person in one facility; ``person_id`` is the record that stands for the person after merges.

    Who the patient is follows from the facts of their stays, the newest by event time first. A language that a person
    chose stays; records older than ``deceased_checked_at`` no longer count as news of a death.
    """

    __tablename__ = "patient"
    __table_args__ = (
        Index("ix_patient_facility_id_name_sort_key", "facility_id", "name_sort_key"),
        Index(
            "ix_patient_deceased",
            "id",
            postgresql_include=["deceased_on"],
            postgresql_where=text("deceased_on IS NOT NULL"),
        ),
        Index("ix_patient_merged", "id", postgresql_include=["person_id"], postgresql_where=text("person_id <> id")),
    )

    id: Mapped[BigId]
    facility_id: Mapped[int]
    person_id: Mapped[int] = mapped_column(index=True)
    family_name: Mapped[str] = mapped_column(String(200), default="")
    given_name: Mapped[str] = mapped_column(String(200), default="")
    full_name: Mapped[str] = mapped_column(String(400))
    name_sort_key: Mapped[str] = mapped_column(Key(400))
    sex: Mapped[Sex] = mapped_column(text_enum(Sex, "sex"), default=Sex.UNKNOWN)
    birth_date: Mapped[date | None]
    language: Mapped[Language] = mapped_column(text_enum(Language, "language"))
    language_chosen_at: Mapped[UtcDateTime | None]
    deceased_on: Mapped[date | None]
    deceased_state: Mapped[DeceasedState] = mapped_column(
        text_enum(DeceasedState, "deceased_state"), default=DeceasedState.NONE
    )
    deceased_checked_at: Mapped[UtcDateTime | None]
    diagnosis_not_told: Mapped[bool] = mapped_column(default=False)
    open_dispute: Mapped[bool] = mapped_column(default=False)
    loss_of_baby: Mapped[bool] = mapped_column(default=False)
    address: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[UtcDateTime]
    updated_at: Mapped[UtcDateTime]


class PatientIdentifier(Base):
    """A number by which a system knows the patient, for example the MRN of one facility's records."""

    __tablename__ = "patient_identifier"
    __table_args__ = (PrimaryKeyConstraint("facility_id", "value", "system"),)

    facility_id: Mapped[int]
    value: Mapped[str] = mapped_column(Key(128))
    system: Mapped[str] = mapped_column(Key(64))
    patient_id: Mapped[int] = mapped_column(index=True)


class ContactPoint(Base):
    """A phone number with its owner; ``number_reversed`` holds its digits backwards, for look-ups by last digits."""

    __tablename__ = "contact_point"
    __table_args__ = (Index("ix_contact_point_facility_id_number_reversed", "facility_id", "number_reversed"),)

    id: Mapped[BigId]
    facility_id: Mapped[int]
    patient_id: Mapped[int] = mapped_column(index=True)
    number: Mapped[str | None] = mapped_column(String(20))
    number_reversed: Mapped[str] = mapped_column(Key(40), default="")
    raw: Mapped[str] = mapped_column(Text)
    line_type: Mapped[LineType] = mapped_column(text_enum(LineType, "line_type"))
    owner_kind: Mapped[OwnerKind] = mapped_column(text_enum(OwnerKind, "owner_kind"))
    owner_name: Mapped[str] = mapped_column(String(200), default="")
    relationship: Mapped[str] = mapped_column(String(64), default="")
    may_discuss_health: Mapped[bool] = mapped_column(default=False)
    rank: Mapped[int] = mapped_column(SmallInteger, default=0)
    verified_on: Mapped[date | None]
    valid_from: Mapped[UtcDateTime]
    retired_at: Mapped[UtcDateTime | None]
    retired_reason: Mapped[RetiredReason | None] = mapped_column(text_enum(RetiredReason, "retired_reason"))


class Consent(Base):
    """One statement of a patient about being contacted; never changed, the latest one holds."""

    __tablename__ = "consent"
    __table_args__ = (
        Index("ix_consent_patient_id_purpose_channel", "patient_id", "purpose", "channel", "recorded_at"),
    )

    id: Mapped[BigId]
    facility_id: Mapped[int]
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    purpose: Mapped[ConsentPurpose] = mapped_column(text_enum(ConsentPurpose, "purpose"))
    channel: Mapped[ConsentChannel] = mapped_column(text_enum(ConsentChannel, "channel"))
    given: Mapped[bool]
    recorded_at: Mapped[UtcDateTime]
    recorded_by: Mapped[int | None]
    how: Mapped[str] = mapped_column(String(64))
    form_version: Mapped[str] = mapped_column(String(32), default="")


class EncounterFact(Base):
    """One record about a visit as it came in; only ever added. ``fields`` holds what it mentions, null what it empties.

    Its place in the order of facts is (``event_at``, ``source_rank``, ``content_hash``).
    """

    __tablename__ = "encounter_fact"
    __table_args__ = (PrimaryKeyConstraint("facility_id", "source", "visit_number", "event_at", "content_hash"),)

    facility_id: Mapped[int]
    source: Mapped[str] = mapped_column(Key(64))
    visit_number: Mapped[str] = mapped_column(Key(128))
    event_at: Mapped[UtcDateTime]
    content_hash: Mapped[int]
    kind: Mapped[RowKind] = mapped_column(text_enum(RowKind, "kind"))
    source_rank: Mapped[int] = mapped_column(SmallInteger)
    fields: Mapped[dict[str, Any]] = mapped_column(JSON)
    arrived_at: Mapped[UtcDateTime]
    batch_id: Mapped[int | None]


class PatientFact(Base):
    """One record about a patient that names no visit (HL7 A28, A31), as it came in; only ever added.

    ``mrn`` is the facility's number that it names. Its place among the facts of the patient's visits is as theirs.
    """

    __tablename__ = "patient_fact"
    __table_args__ = (PrimaryKeyConstraint("facility_id", "mrn", "event_at", "content_hash"),)

    facility_id: Mapped[int]
    mrn: Mapped[str] = mapped_column(Key(128))
    event_at: Mapped[UtcDateTime]
    content_hash: Mapped[int]
    source_rank: Mapped[int] = mapped_column(SmallInteger)
    fields: Mapped[dict[str, Any]] = mapped_column(JSON)
    arrived_at: Mapped[UtcDateTime]
    batch_id: Mapped[int | None]


class Encounter(Base):
    """A stay: the fold of its facts, and ``head_*``, the place of the newest of them.

    ``admitted_on`` and ``discharged_on`` are days in the facility's zone; where only the discharge is known,
    ``admitted_on`` is its day and ``admitted_at`` stays null.
    """

    __tablename__ = "encounter"
    __table_args__ = (
        UniqueConstraint("facility_id", "source", "visit_number"),
        Index("ix_encounter_facility_id_discharged_on", "facility_id", "discharged_on"),
    )

    id: Mapped[BigId]
    facility_id: Mapped[int]
    patient_id: Mapped[int] = mapped_column(index=True)
    source: Mapped[str] = mapped_column(Key(64))
    visit_number: Mapped[str] = mapped_column(Key(128))
    encounter_class: Mapped[EncounterClass] = mapped_column("class", text_enum(EncounterClass, "class"))
    post_acute: Mapped[bool] = mapped_column(default=False)
    status: Mapped[EncounterStatus] = mapped_column(text_enum(EncounterStatus, "status"))
    planned: Mapped[bool | None]
    admitted_at: Mapped[UtcDateTime | None]
    discharged_at: Mapped[UtcDateTime | None]
    admitted_on: Mapped[date | None]
    discharged_on: Mapped[date | None]
    department_id: Mapped[int | None]
    clinician_id: Mapped[int | None]
    nurse: Mapped[str] = mapped_column(String(200), default="")
    disposition: Mapped[Disposition] = mapped_column(text_enum(Disposition, "disposition"), default=Disposition.UNKNOWN)
    principal_diagnosis: Mapped[str] = mapped_column(Text, default="")
    diagnoses: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    procedures: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    readmission_plan_31d: Mapped[bool | None]
    sensitive: Mapped[bool] = mapped_column(default=False)
    payer: Mapped[str] = mapped_column(String(200), default="")
    contact_name: Mapped[str] = mapped_column(String(200), default="")
    contact_relationship: Mapped[str] = mapped_column(String(64), default="")
    needs_review: Mapped[bool] = mapped_column(default=False)
    head_hash: Mapped[int]
    head_event_at: Mapped[UtcDateTime]
    head_rank: Mapped[int] = mapped_column(SmallInteger, default=0)
    created_at: Mapped[UtcDateTime]
    updated_at: Mapped[UtcDateTime]


class EncounterLocation(Base):
    """A ward that a stay touched before the one it is in now, or ended in; access and attribution need it."""

    __tablename__ = "encounter_location"
    __table_args__ = (
        UniqueConstraint("encounter_id", "department_id", "from_at"),
        Index("ix_encounter_location_of_ward", "department_id", "encounter_id"),
    )

    id: Mapped[BigId]
    encounter_id: Mapped[int] = mapped_column(ForeignKey("encounter.id"))
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    from_at: Mapped[UtcDateTime]


class PatientMerge(Base):
    """One entry of the merge ledger: these two records are one person, until it is undone."""

    __tablename__ = "patient_merge"

    id: Mapped[BigId]
    facility_id: Mapped[int]
    from_patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    into_patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    merged_at: Mapped[UtcDateTime]
    merged_by: Mapped[int | None]
    reason: Mapped[str] = mapped_column(String(200), default="")
    undone_at: Mapped[UtcDateTime | None]
    undone_by: Mapped[int | None]


class PossibleDuplicate(Base):
    """Two persons who may be one, until somebody merges them or says that they are different.

    ``first_id`` is the lower id. A pair that no longer looks alike goes by itself unless somebody has decided.
    """

    __tablename__ = "possible_duplicate"
    __table_args__ = (
        UniqueConstraint("first_id", "second_id"),
        Index("ix_possible_duplicate_facility_id_weight", "facility_id", "weight"),
    )

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    first_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    second_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    weight: Mapped[int] = mapped_column(SmallInteger)
    """The more, the likelier that they are one."""
    found_at: Mapped[UtcDateTime]
    different_at: Mapped[UtcDateTime | None]
    different_by: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
