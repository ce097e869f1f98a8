"""What the simulation looks at: new texts on the made-up phones, calls and alerts that wait."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from hcrm.followup.domain.alerts import AlertStatus
from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import AlertRow, TaskRow
from hcrm.messaging.domain import AttemptStatus
from hcrm.messaging.models import ConsoleDelivery, InboundMessage, SendAttempt, one_of
from hcrm.messaging.queries.inbox import WAITING_FOR_PERSON
from hcrm.patients.domain import Language
from hcrm.patients.models import Patient
from hcrm.survey.domain import Cause, Severity


@dataclass(frozen=True, slots=True)
class PhoneText:
    """A text that reached a simulated phone."""

    id: int
    number: str
    our_number: str
    body: str


@dataclass(frozen=True, slots=True)
class WaitingCall:
    """A call or visit whose window has begun."""

    task_id: int
    department_id: int | None
    tier: int | None
    channel: StepChannel
    questionnaire_code: str | None
    attempt_count: int
    due_at: datetime
    language: Language


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alert that nobody has closed."""

    id: int
    department_id: int | None
    cause: Cause
    severity: Severity
    opened_at: datetime
    owner_role: str


@dataclass(frozen=True, slots=True)
class TextToRead:
    """A text that no rule could take; ``patient_id`` None while it is not known whose it is."""

    id: int
    body: str
    patient_id: int | None


def texts_to_read(session: Session, facility_id: int, limit: int) -> list[TextToRead]:
    """Texts that wait in the Inbox of a facility, oldest first."""
    rows = session.scalars(
        select(InboundMessage)
        .where(InboundMessage.facility_id == facility_id, one_of(InboundMessage.state, WAITING_FOR_PERSON))
        .order_by(InboundMessage.received_at, InboundMessage.id)
        .limit(limit)
    )
    return [TextToRead(row.id, row.body, row.patient_id) for row in rows]


def open_alerts(session: Session, facility_id: int) -> list[OpenAlert]:
    """Alerts that wait for somebody, oldest first."""
    rows = session.scalars(
        select(AlertRow)
        .where(AlertRow.facility_id == facility_id, AlertRow.status != AlertStatus.RESOLVED)
        .order_by(AlertRow.id)
    )
    return [
        OpenAlert(row.id, row.department_id, row.cause, row.severity, row.opened_at, row.owner_role) for row in rows
    ]


def alerts_due(session: Session, facility_id: int, begins: datetime, ends: datetime) -> tuple[int, int]:
    """Alerts that somebody had to look at between two moments, and those of them that had been seen in time."""
    row = session.execute(
        select(func.count(), func.count().filter(AlertRow.acknowledged_at <= AlertRow.due_at)).where(
            AlertRow.facility_id == facility_id, AlertRow.due_at >= begins, AlertRow.due_at < ends
        )
    ).one()
    return row[0], row[1]


def texts_after(session: Session, last_id: int) -> list[PhoneText]:
    """Texts that arrived after the one with ``last_id``, oldest first."""
    rows = session.scalars(select(ConsoleDelivery).where(ConsoleDelivery.id > last_id).order_by(ConsoleDelivery.id))
    return [PhoneText(row.id, row.to_number, row.from_number, row.body) for row in rows]


def texts(session: Session, ids: Collection[int]) -> list[PhoneText]:
    """The texts with these ids, oldest first."""
    rows = session.scalars(select(ConsoleDelivery).where(ConsoleDelivery.id.in_(ids)).order_by(ConsoleDelivery.id))
    return [PhoneText(row.id, row.to_number, row.from_number, row.body) for row in rows]


def untold(session: Session) -> list[int]:
    """Attempts whose text is on the phone and of which the sender has not been told so."""
    rows = session.scalars(
        select(SendAttempt.id)
        .join(ConsoleDelivery, ConsoleDelivery.attempt_id == SendAttempt.id)
        .where(
            or_(
                one_of(SendAttempt.status, [AttemptStatus.UNKNOWN]),
                SendAttempt.look_again_at.is_not(None)
                & SendAttempt.status.in_((AttemptStatus.ACCEPTED, AttemptStatus.SENT)),
            )
        )
        .order_by(SendAttempt.id)
    )
    return list(rows)


def answered_by_hand(session: Session, ids: Collection[int]) -> set[int]:
    """Those of the texts with these ids after which the same phone has written already."""
    rows = session.scalars(
        select(ConsoleDelivery.id)
        .join(
            InboundMessage,
            (InboundMessage.from_number == ConsoleDelivery.to_number)
            & (InboundMessage.received_at >= ConsoleDelivery.delivered_at),
        )
        .where(ConsoleDelivery.id.in_(ids))
    )
    return set(rows)


def last_text(session: Session) -> int:
    """The id of the newest text on any phone; 0 when there is none."""
    return session.scalar(select(func.coalesce(func.max(ConsoleDelivery.id), 0))) or 0


def waiting_calls(session: Session, facility_id: int, now: datetime) -> list[WaitingCall]:
    """Calls and visits that can be made at ``now``, the most pressing first."""
    rows = session.execute(
        select(TaskRow, Patient.language)
        .join(Patient, Patient.id == TaskRow.patient_id)
        .where(
            TaskRow.facility_id == facility_id,
            TaskRow.status == TaskStatus.OPEN,
            TaskRow.channel.in_((StepChannel.PHONE, StepChannel.HOME_VISIT)),
            TaskRow.window_starts_at <= now,
            TaskRow.due_at > now,
            or_(TaskRow.callback_at.is_(None), TaskRow.callback_at <= now),
        )
        .order_by(TaskRow.due_at, TaskRow.id)
    )
    return [
        WaitingCall(
            row.id,
            row.department_id,
            row.tier,
            row.channel,
            row.questionnaire_code,
            row.attempt_count,
            row.due_at,
            language,
        )
        for row, language in rows
    ]
