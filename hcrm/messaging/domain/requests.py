"""What other packages ask of messaging, and the frozen pictures of its records that they get."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hcrm.messaging.domain.states import ConversationState, InboundState, MessageStatus, Outcome, Purpose, Reason
from hcrm.organization.domain import FacilitySnapshot

TemplateValue = str | Mapping[str, str]
"""The text of a placeholder, or its text per language ("en", "zh_Hans") when the two differ, such as a date."""


@dataclass(frozen=True, slots=True)
class ConversationRequest:
    """What a message is about. ``topic`` picks the link and the handler of replies, ``subject_id`` is theirs to read.

    With ``awaits_reply`` False the message carries only a link and no reply is waited for. The conversation closes at
    ``expires_at``; without one, three days after the message went out.
    """

    topic: str
    subject_id: int
    awaits_reply: bool = True
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MessageRequest:
    """A message to be sent when it is due and still right.

    ``key`` is ``purpose:subject:occurrence:generation``: the same key is stored once, whatever happens. ``not_before``
    and ``expires_at`` are aware UTC; after ``expires_at`` it is not sent any more. The number is chosen at the moment
    of sending; ``to_number`` is given only for an answer to the phone that wrote and for the duty phone of the staff.
    ``in_reply_to`` is the inbound message that this one answers: such an answer goes out at once, whatever the hour, as
    does what is meant for staff. ``language`` is given only where
    no patient is known whose language it could be.
    """

    facility_id: int
    patient_id: int | None
    encounter_id: int | None
    task_id: int | None
    purpose: Purpose
    template_code: str
    values: Mapping[str, TemplateValue]
    key: str
    not_before: datetime
    expires_at: datetime
    conversation: ConversationRequest | None = None
    to_number: str | None = None
    in_reply_to: int | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a decision: what was asked (``code``), whether it passed, and the fact that it was decided by."""

    code: str
    passed: bool
    fact: str = ""


@dataclass(frozen=True, slots=True)
class MessageSnapshot:
    """One outbox message as it was when read; ``checks`` are those of the last decision, in order, of ``checked_at``.

    ``settled_at``: when a person decided what to do about one of unknown fate.
    """

    id: int
    facility_id: int
    patient_id: int | None
    encounter_id: int | None
    task_id: int | None
    purpose: Purpose
    template_code: str
    status: MessageStatus
    reason: Reason | None
    not_before: datetime
    expires_at: datetime
    next_try_at: datetime
    created_at: datetime
    decided_at: datetime | None
    accepted_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    to_number: str | None
    body: str | None
    segments: int | None
    conversation_topic: str | None
    conversation_subject_id: int | None
    checks: tuple[Check, ...] = ()
    key: str = ""
    checked_at: datetime | None = None
    settled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ConversationSnapshot:
    """One conversation as it was when read."""

    id: int
    facility_id: int
    our_number: str
    their_number: str
    patient_id: int | None
    topic: str
    subject_id: int
    state: ConversationState
    opened_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class InboundSnapshot:
    """One text from a phone as it was when read; ``checks`` are the rules that were asked at ``taken_at``, in order."""

    id: int
    facility_id: int
    from_number: str
    to_number: str
    body: str
    received_at: datetime
    state: InboundState
    patient_id: int | None
    conversation_id: int | None
    keyword: str | None
    outcome: Outcome | None
    handled_at: datetime | None
    handled_by: int | None
    claimed_by: int | None
    claimed_at: datetime | None
    media_count: int = 0
    checks: tuple[Check, ...] = ()
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HandledReply:
    """What a handler made of a reply.

    ``read_as``: what it was read as, in a word of the handler's own (``confirm``, ``overall=5``); None when it could
    not be read.
    ``replies`` are sent back to the phone that wrote (number, reply and expiry are filled in). With ``for_person`` the
    text waits in the Inbox all the same. ``finished`` ends the conversation.
    """

    replies: tuple[MessageRequest, ...] = field(default=())
    for_person: bool = False
    finished: bool = False
    outcome: Outcome = Outcome.ANSWER
    read_as: str | None = None


InboundHandler = Callable[[Any, ConversationSnapshot, InboundSnapshot, datetime], HandledReply]
"""(session, conversation, reply, now) -> what became of it; runs in the transaction that marks the reply."""

OutdatedCheck = Callable[[Any, Collection[tuple[int, str]]], Mapping[str, bool]]
"""(session, (subject id, key) of messages about to go out) -> by key True for one that no longer holds, False for one
whose subject is being changed at this moment; the others hold until the transaction ends. One for each topic that has
any, in the session's ``info`` under ``outdated``.
"""
SensitiveCheck = Callable[[Any, Collection[int]], Mapping[int, frozenset[int]]]
"""(session, subject ids) -> the sensitive ones, each with the departments that may know of it; one for each topic that
has any, in the session's ``info`` under ``sensitive``.
"""
LinkBuilder = Callable[..., str]
"""(subject id) -> the address that ``{link}`` stands for; with (subject id, generation) once one was taken back."""


def our_number(facility: FacilitySnapshot) -> str:
    """The number that a facility texts from; for the console provider one made from its id does as well."""
    return facility.settings.our_number or f"1069{facility.id:06d}"
