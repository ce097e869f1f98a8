"""The tables of sessions, slots and appointments.

What must never happen is kept out by the database itself, whoever writes: a place has one visit at the most, a patient
is in one place at a time, and so is a clinician.
"""

from __future__ import annotations

from datetime import date, time

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Enum,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.appointments.domain.reminders import ReminderKind
from hcrm.appointments.domain.states import AppointmentState, CancelReason, HistoryKind, Via
from hcrm.db import Base, BigId, UtcDateTime, text_enum

HOLDS_PLACE = "slot_id IS NOT NULL AND state NOT IN ('cancelled', 'waitlist')"
"""The appointments that nobody else may get in the way of; literal text, as an index predicate has to be."""

IN_ONE_PLACE = f"starts_at IS NOT NULL AND {HOLDS_PLACE}"
VIA: Enum = text_enum(Via, "via")


class ClinicSession(Base):
    """A published session with its rule; what it repeats to are its sittings.

    ``ended_on`` is the last day on which it is held when it ended, or was changed into another one, before ``last_on``.
    """

    __tablename__ = "clinic_session"
    __table_args__ = (Index("ix_clinic_session_department", "facility_id", "department_id"),)

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    clinician_id: Mapped[int | None] = mapped_column(ForeignKey("clinician.id"))
    room: Mapped[str] = mapped_column(String(80))
    first_on: Mapped[date]
    last_on: Mapped[date]
    weekdays: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    every_weeks: Mapped[int] = mapped_column(SmallInteger)
    starts: Mapped[time]
    slot_minutes: Mapped[int] = mapped_column(SmallInteger)
    slots: Mapped[int] = mapped_column(SmallInteger)
    capacity: Mapped[int] = mapped_column(SmallInteger)
    on_holidays: Mapped[bool]
    ended_on: Mapped[date | None]
    created_at: Mapped[UtcDateTime]
    created_by: Mapped[int | None]


class Sitting(Base):
    """One day of a session. A clinician cannot be in two of them at the same time, but for closed ones.

    ``replaced``: it is closed because the day goes on in a sitting of another session.
    """

    __tablename__ = "sitting"
    __table_args__ = (
        UniqueConstraint("session_id", "day"),
        ExcludeConstraint(
            (text("int8range(clinician_id, clinician_id, '[]')"), "&&"),
            (text("tstzrange(starts_at, ends_at)"), "&&"),
            name="ex_sitting_clinician",
            using="gist",
            where=text("clinician_id IS NOT NULL AND closed_at IS NULL"),
        ),
        Index("ix_sitting_department_id_starts_at", "department_id", "starts_at"),
        Index("ix_sitting_clinician_id_starts_at", "clinician_id", "starts_at"),
    )

    id: Mapped[BigId]
    session_id: Mapped[int] = mapped_column(ForeignKey("clinic_session.id"))
    facility_id: Mapped[int]
    department_id: Mapped[int]
    clinician_id: Mapped[int | None]
    room: Mapped[str] = mapped_column(String(80))
    day: Mapped[date]
    starts_at: Mapped[UtcDateTime]
    ends_at: Mapped[UtcDateTime]
    closed_at: Mapped[UtcDateTime | None]
    closed_by: Mapped[int | None]
    closed_reason: Mapped[str] = mapped_column(String(200), default="")
    replaced: Mapped[bool] = mapped_column(default=False, server_default=text("false"))


class Slot(Base):
    """One place at one time; a time with room for three has three of them. ``free`` while it can be booked."""

    __tablename__ = "slot"
    __table_args__ = (
        UniqueConstraint("sitting_id", "starts_at", "seat"),
        Index("ix_slot_free_department", "department_id", "starts_at", postgresql_where=text("free")),
        Index("ix_slot_free_clinician", "clinician_id", "starts_at", postgresql_where=text("free")),
    )

    id: Mapped[BigId]
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id"))
    facility_id: Mapped[int]
    department_id: Mapped[int]
    clinician_id: Mapped[int | None]
    starts_at: Mapped[UtcDateTime]
    ends_at: Mapped[UtcDateTime]
    seat: Mapped[int] = mapped_column(SmallInteger)
    free: Mapped[bool]


class Appointment(Base):
    """One visit of one patient, or the wish for one.

    ``generation`` counts moves, so that what was sent about an earlier time is known to be out of date.
    ``remind_at`` is when the next reminder is due. ``wish_`` columns and ``declined`` belong to the waiting list.
    ``visit_encounter_id`` is the record of the visit itself, once there is one. ``source`` and ``source_key`` name an
    appointment that another system keeps, ``source_at`` is when it recorded what is known. ``link_generation`` is
    raised when the patient's link is taken back; ``wrong_dates`` counts what did not prove who has it.
    """

    __tablename__ = "appointment"
    __table_args__ = (
        Index("uq_appointment_slot_id", "slot_id", unique=True, postgresql_where=text(HOLDS_PLACE)),
        ExcludeConstraint(
            (text("int8range(patient_id, patient_id, '[]')"), "&&"),
            (text("tstzrange(starts_at, ends_at)"), "&&"),
            name="ex_appointment_patient",
            using="gist",
            where=text(IN_ONE_PLACE),
        ),
        CheckConstraint(
            "state = 'waitlist' OR state = 'cancelled' OR (starts_at IS NOT NULL AND ends_at > starts_at)",
            name="has_time",
        ),
        UniqueConstraint("facility_id", "source", "source_key"),
        Index("ix_appointment_patient_id", "patient_id"),
        Index("ix_appointment_encounter_id", "encounter_id", postgresql_where=text("encounter_id IS NOT NULL")),
        Index("ix_appointment_department_id_starts_at", "department_id", "starts_at"),
        Index("ix_appointment_clinician_id_starts_at", "clinician_id", "starts_at"),
        Index(
            "ix_appointment_remind_at",
            "remind_at",
            postgresql_where=text("remind_at IS NOT NULL AND state = 'booked'"),
        ),
        Index("ix_appointment_offered_until", "offered_until", postgresql_where=text("state = 'proposed'")),
        Index("ix_appointment_waiting", "department_id", "asked_at", "id", postgresql_where=text("state = 'waitlist'")),
        Index("ix_appointment_visit", "visit_encounter_id", postgresql_where=text("visit_encounter_id IS NOT NULL")),
    )

    id: Mapped[BigId]
    facility_id: Mapped[int]
    patient_id: Mapped[int]
    encounter_id: Mapped[int | None]
    department_id: Mapped[int]
    clinician_id: Mapped[int | None]
    slot_id: Mapped[int | None] = mapped_column(ForeignKey("slot.id"))
    room: Mapped[str] = mapped_column(String(80))
    starts_at: Mapped[UtcDateTime | None]
    ends_at: Mapped[UtcDateTime | None]
    state: Mapped[AppointmentState] = mapped_column(text_enum(AppointmentState, "state"))
    booked_at: Mapped[UtcDateTime]
    booked_by: Mapped[int | None]
    booked_via: Mapped[Via] = mapped_column(VIA)
    confirmed_at: Mapped[UtcDateTime | None]
    moved_at: Mapped[UtcDateTime | None]
    move_asked_at: Mapped[UtcDateTime | None]
    arrived_at: Mapped[UtcDateTime | None]
    ended_at: Mapped[UtcDateTime | None]
    cancel_reason: Mapped[CancelReason | None] = mapped_column(text_enum(CancelReason, "cancel_reason"))
    outcome: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")
    generation: Mapped[int] = mapped_column(SmallInteger)
    remind_at: Mapped[UtcDateTime | None]
    remind_kind: Mapped[ReminderKind | None] = mapped_column(text_enum(ReminderKind, "remind_kind"))
    asked_at: Mapped[UtcDateTime | None]
    wish_from: Mapped[UtcDateTime | None]
    wish_until: Mapped[UtcDateTime | None]
    wish_clinician_id: Mapped[int | None]
    declined: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list)
    offered_until: Mapped[UtcDateTime | None]
    task_id: Mapped[int | None]
    visit_encounter_id: Mapped[int | None]
    source: Mapped[str | None] = mapped_column(String(64))
    source_key: Mapped[str | None] = mapped_column(String(128))
    source_at: Mapped[UtcDateTime | None]
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    link_generation: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    wrong_dates: Mapped[int] = mapped_column(SmallInteger, default=0)
    locked_until: Mapped[UtcDateTime | None]


class AppointmentHistory(Base):
    """One thing that was done about an appointment; rows are only ever added."""

    __tablename__ = "appointment_history"
    __table_args__ = (Index("ix_appointment_history_appointment_id", "appointment_id"),)

    id: Mapped[BigId]
    appointment_id: Mapped[int] = mapped_column(ForeignKey("appointment.id"))
    at: Mapped[UtcDateTime]
    kind: Mapped[HistoryKind] = mapped_column(text_enum(HistoryKind, "kind"))
    via: Mapped[Via] = mapped_column(VIA)
    starts_at: Mapped[UtcDateTime | None]
    actor_user_id: Mapped[int | None]
    reason: Mapped[str] = mapped_column(String(200), default="")


class ReturnRuleRow(Base):
    """When patients of a department should come back, where it differs from the usual."""

    __tablename__ = "return_rule"

    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), primary_key=True, autoincrement=False)
    facility_id: Mapped[int]
    from_days: Mapped[int] = mapped_column(SmallInteger)
    within_days: Mapped[int] = mapped_column(SmallInteger)
    same_clinician: Mapped[bool]


class CalendarFeed(Base):
    """A secret address at which a clinician's calendar program fetches the visits; a new one ends the old."""

    __tablename__ = "calendar_feed"

    clinician_id: Mapped[int] = mapped_column(ForeignKey("clinician.id"), primary_key=True, autoincrement=False)
    facility_id: Mapped[int]
    generation: Mapped[int] = mapped_column(SmallInteger)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[UtcDateTime]
    made_by: Mapped[int | None]
