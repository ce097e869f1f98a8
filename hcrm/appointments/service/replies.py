"""Replies by text: 1 comes, 2 wants another time, 3 does not come; or takes and leaves an offered place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from hcrm.appointments.domain.refusals import Refused
from hcrm.appointments.domain.replies import Reply, read_reply
from hcrm.appointments.domain.states import AppointmentState, CancelReason, Via
from hcrm.appointments.domain.texts import TOPIC
from hcrm.appointments.models import Appointment
from hcrm.appointments.service.booking import ask_to_move, cancel, confirm
from hcrm.appointments.service.places import locked
from hcrm.appointments.service.texts import request_about
from hcrm.appointments.service.waiting import decline
from hcrm.messaging.domain import ConversationRequest, MessageRequest
from hcrm.messaging.service.replies import ANSWER_WITHIN
from hcrm.organization.queries import facility


@dataclass(frozen=True, slots=True)
class ReplyTaken:
    """What became of a reply: the answer, whether a person has to read it, whether nothing more is asked.

    ``read_as``: the word for what it asks for; None when it could not be read.
    """

    answer: MessageRequest | None = None
    for_person: bool = False
    finished: bool = False
    read_as: str | None = None


def take_reply_text(
    session: Session, *, appointment_id: int, inbound_id: int, text: str, asked_at: datetime, now: datetime
) -> ReplyTaken:
    """Do what a reply asks for. ``asked_at``: when the conversation began.

    What cannot be read, and what answers a visit that is over, goes to a person. A reply to a reminder of an earlier
    time confirms nothing: it is answered with the visit as it stands.
    """
    row = locked(session, appointment_id)
    meant = read_reply(text)
    if row is None or meant is None or row.state not in _OPEN or row.starts_at is None or row.starts_at <= now:
        return ReplyTaken(for_person=True, read_as=meant)
    if row.moved_at is not None and row.moved_at > asked_at and meant is Reply.CONFIRM:
        return ReplyTaken(_answer(session, row, "appt_booked", inbound_id, now), read_as=meant)
    try:
        return replace(_DO[meant](session, row, inbound_id, now), read_as=meant)
    except Refused:
        return ReplyTaken(for_person=True, finished=True, read_as=meant)


_OPEN = frozenset({AppointmentState.BOOKED, AppointmentState.PROPOSED, AppointmentState.PENDING})


def _comes(session: Session, row: Appointment, inbound_id: int, now: datetime) -> ReplyTaken:
    confirm(session, appointment_id=row.id, via=Via.REPLY, now=now)
    return ReplyTaken(_answer(session, row, "appt_confirmed", inbound_id, now), finished=True)


def _wants_another_time(session: Session, row: Appointment, inbound_id: int, now: datetime) -> ReplyTaken:
    ask_to_move(session, appointment_id=row.id, via=Via.REPLY, now=now)
    return ReplyTaken(_answer(session, row, "appt_move", inbound_id, now), finished=True)


def _does_not_come(session: Session, row: Appointment, inbound_id: int, now: datetime) -> ReplyTaken:
    answer = _answer(session, row, "appt_released", inbound_id, now)
    if row.state is AppointmentState.PROPOSED and row.asked_at is not None:
        decline(session, appointment_id=row.id, via=Via.REPLY, now=now)
        return ReplyTaken(answer, finished=True)
    cancel(session, appointment_id=row.id, reason=CancelReason.PATIENT, via=Via.REPLY, now=now)
    return ReplyTaken(answer, finished=True)


_DO = {Reply.CONFIRM: _comes, Reply.MOVE: _wants_another_time, Reply.CANCEL: _does_not_come}


def _answer(session: Session, row: Appointment, template: str, inbound_id: int, now: datetime) -> MessageRequest:
    assert row.starts_at is not None
    return request_about(
        row,
        template,
        key=f"care:inbound-{inbound_id}:{template}:0",
        at=row.starts_at,
        zone=facility(session, row.facility_id).zone,
        now=now,
        expires_at=now + ANSWER_WITHIN,
        conversation=ConversationRequest(TOPIC, row.id, awaits_reply=False),
    )
