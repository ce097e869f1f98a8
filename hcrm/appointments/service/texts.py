"""Texts about visits, stored in the transaction that they tell of."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from hcrm.appointments.domain.texts import TOPIC, hour, key_of, place, when
from hcrm.appointments.models import Appointment
from hcrm.messaging.domain import ConversationRequest, MessageRequest, Purpose
from hcrm.messaging.domain.requests import TemplateValue
from hcrm.messaging.service import enqueue

TELL_WITHIN = timedelta(days=2)
"""News about a visit is not sent later than this, nor after the visit."""


def tell(
    session: Session,
    row: Appointment,
    template: str,
    *,
    zone: ZoneInfo,
    now: datetime,
    until: datetime | None = None,
    awaits_reply: bool = False,
    by: datetime | None = None,
    key: str | None = None,
) -> int | None:
    """Store a text about the visit as it stands; its id, None when it would come too late.

    ``by``: until when an answer is waited for. ``key``: another key than that of this template and time.
    """
    at = row.starts_at
    expires_at = until or min(now + TELL_WITHIN, at or now + TELL_WITHIN)
    if at is None or expires_at <= now:
        return None
    conversation = ConversationRequest(TOPIC, row.id, awaits_reply=awaits_reply, expires_at=by or row.starts_at)
    request = request_about(
        row,
        template,
        key=key or key_of(row.id, template, row.generation),
        at=at,
        zone=zone,
        now=now,
        expires_at=expires_at,
        by=by,
        conversation=conversation,
    )
    return enqueue(session, request, now=now)


def request_about(
    row: Appointment,
    template: str,
    *,
    key: str,
    at: datetime,
    zone: ZoneInfo,
    now: datetime,
    expires_at: datetime,
    by: datetime | None = None,
    conversation: ConversationRequest | None = None,
) -> MessageRequest:
    """A text that says when and where."""
    values: dict[str, TemplateValue] = {"when": when(at, zone), "place": place(row.room)}
    if by is not None:
        values["by"] = hour(by, zone)
    if row.link_generation:
        values["link_generation"] = str(row.link_generation)
    return MessageRequest(
        facility_id=row.facility_id,
        patient_id=row.patient_id,
        encounter_id=row.encounter_id,
        task_id=row.task_id if template.startswith("appt_reminder") else None,
        purpose=Purpose.CARE,
        template_code=template,
        values=values,
        key=key,
        not_before=now,
        expires_at=expires_at,
        conversation=conversation,
    )
