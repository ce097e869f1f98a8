"""Daily roll-ups: how many records of a day are alike, so that a page adds up days instead of records.

Nothing that depends on the clock is in them. Triggers of the database (migration 0006) write a mark in the transaction
of every change; ``service/rollup.py`` works the marks off, and readers count marked days from the records themselves,
so that no figure is ever older than the records.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from sqlalchemy import Index, SmallInteger, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base, BigId, Code, text_enum


class MarkKind(StrEnum):
    """What a mark points at: a day of one roll-up, or a person or a response whose days have to be looked up.

    Tries have no roll-up: their days have versions only, by which results are kept.
    """

    TASK = "task"
    STAY = "stay"
    ANSWER = "answer"
    INVITATION = "invitation"
    TRY = "try"
    PERSON = "person"
    RESPONSE = "response"


class Mark(Base):
    """Something changed here since the roll-ups were made: ``day``, or the days of ``subject_id``."""

    __tablename__ = "report_mark"

    id: Mapped[BigId]
    kind: Mapped[MarkKind] = mapped_column(text_enum(MarkKind, "kind"))
    facility_id: Mapped[int]
    day: Mapped[date | None]
    subject_id: Mapped[int | None]


class TaskDay(Base):
    """Tasks whose windows end on a day and that no figure can tell apart.

    ``reason`` is why they are left out, else empty. ``pending`` ones have no outcome: open or due, as the clock says.
    """

    __tablename__ = "report_task_day"
    __table_args__ = (Index("ix_report_task_day_facility_id_due_on", "facility_id", "due_on"),)

    id: Mapped[BigId]
    facility_id: Mapped[int]
    due_on: Mapped[date]
    department_id: Mapped[int | None]
    tier: Mapped[int | None] = mapped_column(SmallInteger)
    channel: Mapped[str] = mapped_column(String(32))
    step_code: Mapped[Code]
    reason: Mapped[str] = mapped_column(String(32))
    pending: Mapped[bool]
    attempted: Mapped[bool]
    reached: Mapped[bool]
    completed: Mapped[bool]
    in_time: Mapped[bool]
    tasks: Mapped[int]


class DischargeDay(Base):
    """Live discharges of a day, and those of them with a completed contact by a person."""

    __tablename__ = "report_discharge_day"
    __table_args__ = (Index("ix_report_discharge_day_facility_id_discharged_on", "facility_id", "discharged_on"),)

    id: Mapped[BigId]
    facility_id: Mapped[int]
    discharged_on: Mapped[date]
    department_id: Mapped[int | None]
    discharged: Mapped[int]
    followed_up: Mapped[int]


class ReturnDay(Base):
    """Episodes that ended on a day, by what became of them under one revisit measure.

    ``days`` until the revisit, none without one; ``deceased_on`` as far as it shortens the time that was watched.
    """

    __tablename__ = "report_return_day"
    __table_args__ = (Index("ix_report_return_day_facility_id_discharged_on", "facility_id", "discharged_on"),)

    id: Mapped[BigId]
    measure: Mapped[Code]
    facility_id: Mapped[int]
    discharged_on: Mapped[date]
    department_id: Mapped[int | None]
    excluded: Mapped[str] = mapped_column(String(32))
    days: Mapped[int | None] = mapped_column(SmallInteger)
    deceased_on: Mapped[date | None]
    episodes: Mapped[int]


class AnswerDay(Base):
    """Current answers given on a day by value and mode; free text is left where it is."""

    __tablename__ = "report_answer_day"
    __table_args__ = (Index("ix_report_answer_day_facility_id_day", "facility_id", "day"),)

    id: Mapped[BigId]
    facility_id: Mapped[int]
    day: Mapped[date]
    department_id: Mapped[int | None]
    questionnaire_version_id: Mapped[int]
    question_code: Mapped[Code]
    value: Mapped[int | str] = mapped_column(JSONB)
    mode: Mapped[str] = mapped_column(String(32))
    answers: Mapped[int]


class InvitationDay(Base):
    """Invitations of a day to patients who may be asked, those delivered, and those answered (of both)."""

    __tablename__ = "report_invitation_day"
    __table_args__ = (Index("ix_report_invitation_day_facility_id_day", "facility_id", "day"),)

    id: Mapped[BigId]
    facility_id: Mapped[int]
    day: Mapped[date]
    department_id: Mapped[int | None]
    questionnaire_version_id: Mapped[int]
    invited: Mapped[int]
    delivered: Mapped[int]
    answered: Mapped[int]
    answered_of_delivered: Mapped[int]
