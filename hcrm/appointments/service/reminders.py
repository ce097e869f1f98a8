"""Reminders: handed to the outbox when they are due, so that each speaks of the visit as it stands then.

The outbox asks once more at the moment of sending whether the visit is still the one that the text is about.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.appointments.domain.reminders import Reminder, ReminderKind, reminders_of
from hcrm.appointments.domain.states import AppointmentState, HistoryKind, Via
from hcrm.appointments.domain.texts import TOPIC, generation_of, key_of
from hcrm.appointments.models import Appointment
from hcrm.appointments.service.places import locked, note, plan_reminder
from hcrm.appointments.service.texts import request_about
from hcrm.events import ReminderQueued, publish
from hcrm.messaging.domain import ConversationRequest, MessageSnapshot, MessageStatus, Reason, next_opening
from hcrm.messaging.service import enqueue
from hcrm.organization.queries import calendar, facility

WITH_REPLY = "appt_reminder"
WITHOUT_REPLY = "appt_reminder_no_reply"
WAITS_FOR_PHONE = timedelta(hours=8)
"""A reminder that waits for a free phone gives up after this, so that one without reply goes out the same day."""


def release_due(session: Session, *, now: datetime, limit: int) -> int:
    """Hand up to ``limit`` due reminders to the outbox; how many were looked at. Each is handed over once."""
    rows = session.scalars(
        select(Appointment)
        .where(Appointment.remind_at <= now, Appointment.state == AppointmentState.BOOKED)
        .order_by(Appointment.remind_at, Appointment.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for row in rows:
        _release(session, row, now)
    session.flush()
    return len(rows)


def _release(session: Session, row: Appointment, now: datetime) -> None:
    hospital = facility(session, row.facility_id)
    due = _reminder(row, hospital.zone, row.remind_kind)
    plan_reminder(row, hospital.zone, after=due.due_at)
    if due.useful_until <= now:
        return
    opening = next_opening(now, hospital.settings, hospital.zone, calendar(session, row.facility_id))
    latest = min(due.useful_until, opening + WAITS_FOR_PHONE)
    _send(session, row, hospital.zone, due.kind, WITH_REPLY, now=now, expires_at=latest)
    note(session, row, HistoryKind.REMINDED, via=Via.PROGRAM, now=now, reason=due.kind.value)


def _reminder(row: Appointment, zone: ZoneInfo, kind: ReminderKind | None) -> Reminder:
    assert row.starts_at is not None
    return next(each for each in reminders_of(row.starts_at, zone) if each.kind is kind)


def _send(
    session: Session,
    row: Appointment,
    zone: ZoneInfo,
    kind: ReminderKind,
    template: str,
    *,
    now: datetime,
    expires_at: datetime,
) -> None:
    assert row.starts_at is not None
    what = kind.value if template == WITH_REPLY else f"{kind.value}_plain"
    request = request_about(
        row,
        template,
        key=key_of(row.id, what, row.generation),
        at=row.starts_at,
        zone=zone,
        now=now,
        expires_at=expires_at,
        conversation=ConversationRequest(TOPIC, row.id, awaits_reply=template == WITH_REPLY, expires_at=row.starts_at),
    )
    message_id = enqueue(session, request, now=now)
    publish(session, ReminderQueued(now=now, appointment_id=row.id, message_id=message_id))


def send_plain_instead(session: Session, message: MessageSnapshot, *, now: datetime) -> bool:
    """A reminder that asks for a reply could not go out, because of the provider or another conversation: the same
    without a reply goes out; False where that makes no sense. An appointment that is being changed is passed over, for
    the change plans its own reminders.
    """
    if message.template_code != WITH_REPLY or message.conversation_subject_id is None:
        return False
    if not _could_go_plain(message):
        return False
    row = locked(session, message.conversation_subject_id, skip=True)
    if row is None or row.state is not AppointmentState.BOOKED or generation_of(message.key) != row.generation:
        return False
    zone = facility(session, row.facility_id).zone
    kind = ReminderKind(message.key.split(":")[2])
    useful_until = _reminder(row, zone, kind).useful_until
    if useful_until <= now:
        return False
    _send(session, row, zone, kind, WITHOUT_REPLY, now=now, expires_at=useful_until)
    return True


def _could_go_plain(message: MessageSnapshot) -> bool:
    lacking = message.status is MessageStatus.SUPPRESSED and message.reason is Reason.PROVIDER_ERROR
    return lacking or message.status is MessageStatus.EXPIRED
