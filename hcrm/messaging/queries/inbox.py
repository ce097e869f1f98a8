"""Reads texts from phones: those that wait for a person, and everything said with one phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session

from hcrm.accounts.domain import Scope
from hcrm.messaging.domain import (
    Check,
    ConversationSnapshot,
    InboundSnapshot,
    InboundState,
    MessageSnapshot,
)
from hcrm.messaging.models import Conversation, InboundMessage, OutboxMessage, one_of
from hcrm.messaging.queries.outbox import message_snapshot
from hcrm.patients.models import Encounter, EncounterLocation

WAITING_FOR_PERSON = (InboundState.MATCHED, InboundState.AMBIGUOUS, InboundState.UNMATCHED)
THREAD_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Spoken:
    """One text of an exchange with a phone, in either direction; ``message`` or ``inbound`` says which."""

    at: datetime
    body: str
    message: MessageSnapshot | None = None
    inbound: InboundSnapshot | None = None


def inbound_snapshot(row: InboundMessage) -> InboundSnapshot:
    """The frozen picture of a row."""
    return InboundSnapshot(
        id=row.id,
        facility_id=row.facility_id,
        from_number=row.from_number,
        to_number=row.to_number,
        body=row.body,
        received_at=row.received_at,
        state=row.state,
        patient_id=row.patient_id,
        conversation_id=row.conversation_id,
        keyword=row.keyword,
        outcome=row.outcome,
        handled_at=row.handled_at,
        handled_by=row.handled_by,
        claimed_by=row.claimed_by,
        claimed_at=row.claimed_at,
        media_count=row.media_count,
        checks=tuple(Check(each["code"], each["passed"], each["fact"]) for each in row.reading.get("checks", [])),
        taken_at=datetime.fromisoformat(row.reading["at"]) if "at" in row.reading else None,
    )


def conversation_snapshot(row: Conversation) -> ConversationSnapshot:
    """The frozen picture of a row."""
    return ConversationSnapshot(
        id=row.id,
        facility_id=row.facility_id,
        our_number=row.our_number,
        their_number=row.their_number,
        patient_id=row.patient_id,
        topic=row.topic,
        subject_id=row.subject_id,
        state=row.state,
        opened_at=row.opened_at,
        expires_at=row.expires_at,
    )


def untaken(session: Session, *, limit: int) -> list[InboundSnapshot]:
    """Texts that are stored and not yet dealt with by any rule, oldest first."""
    rows = session.scalars(
        select(InboundMessage)
        .where(one_of(InboundMessage.state, [InboundState.RECEIVED]))
        .order_by(InboundMessage.id)
        .limit(limit)
    )
    return [inbound_snapshot(row) for row in rows]


def inbox(session: Session, scope: Scope, *, limit: int = 101, offset: int = 0) -> list[InboundSnapshot]:
    """Texts that wait for a person inside ``scope``, oldest first."""
    rows = session.scalars(
        _waiting(scope).order_by(InboundMessage.received_at, InboundMessage.id).limit(limit).offset(offset)
    )
    return [inbound_snapshot(row) for row in rows]


def inbox_count(session: Session, scope: Scope) -> int:
    """How many texts wait for a person inside ``scope``."""
    waiting = _waiting(scope).with_only_columns(InboundMessage.id).subquery()
    return session.execute(select(func.count()).select_from(waiting)).scalar_one()


def inbound(session: Session, inbound_id: int) -> InboundSnapshot | None:
    """One text; None when there is none with this id."""
    row = session.get(InboundMessage, inbound_id)
    return None if row is None else inbound_snapshot(row)


def _waiting(scope: Scope) -> Select[tuple[InboundMessage]]:
    return select(InboundMessage).where(one_of(InboundMessage.state, WAITING_FOR_PERSON), _inside(scope))


def _inside(scope: Scope) -> ColumnElement[bool]:
    """Texts of the facilities in scope; where it is bound to departments, only of patients who stayed in one."""
    conditions: list[ColumnElement[bool]] = []
    for facility_id, departments in scope.departments.items():
        here = InboundMessage.facility_id == facility_id
        conditions.append(here if departments is None else and_(here, _stayed_in(sorted(departments))))
    return or_(false(), *conditions)


def _stayed_in(departments: Sequence[int]) -> ColumnElement[bool]:
    earlier = select(EncounterLocation.encounter_id).where(EncounterLocation.department_id.in_(departments))
    stays = select(Encounter.patient_id).where(or_(Encounter.department_id.in_(departments), Encounter.id.in_(earlier)))
    return InboundMessage.patient_id.in_(stays)


def exchange(session: Session, *, facility_id: int, number: str, patient_id: int | None = None) -> list[Spoken]:
    """The last texts with one phone in both directions, oldest first.

    With ``patient_id`` only what concerns that patient: other patients of a shared number stay unseen.
    """
    sent = select(OutboxMessage).where(
        OutboxMessage.facility_id == facility_id,
        OutboxMessage.to_number == number,
        OutboxMessage.body.is_not(None),
    )
    came = select(InboundMessage).where(InboundMessage.facility_id == facility_id, InboundMessage.from_number == number)
    if patient_id is not None:
        sent = sent.where(or_(OutboxMessage.patient_id == patient_id, OutboxMessage.patient_id.is_(None)))
        came = came.where(or_(InboundMessage.patient_id == patient_id, InboundMessage.patient_id.is_(None)))
    spoken = [
        Spoken(at=row.decided_at or row.created_at, body=row.body or "", message=message_snapshot(row))
        for row in session.scalars(sent.order_by(OutboxMessage.id.desc()).limit(THREAD_LENGTH))
    ]
    spoken += [
        Spoken(at=row.received_at, body=row.body, inbound=inbound_snapshot(row))
        for row in session.scalars(came.order_by(InboundMessage.id.desc()).limit(THREAD_LENGTH))
    ]
    return sorted(spoken, key=lambda each: (each.at, each.inbound is None))[-THREAD_LENGTH:]
