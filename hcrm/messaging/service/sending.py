"""Claiming due messages: every fact is read again, and what may go out is leased to this sender and rendered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.messaging.domain import (
    DUE_STATES,
    Check,
    Decision,
    Expire,
    MessageStatus,
    Purpose,
    Reason,
    Send,
    Suppress,
    Wait,
    measure,
    move,
    our_number,
)
from hcrm.messaging.models import OutboxMessage, one_of
from hcrm.messaging.providers.base import OutgoingSms, Providers
from hcrm.messaging.queries import Sent, subject_of
from hcrm.messaging.service import allowances, conversations
from hcrm.messaging.service.allowances import Rates
from hcrm.messaging.service.judging import Batch, gather, judge
from hcrm.messaging.service.leasing import lease_all
from hcrm.messaging.service.outbox import announce
from hcrm.messaging.service.pauses import pauses
from hcrm.organization import queries as organization

PRIORITIES = sorted({purpose.priority for purpose in Purpose})


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: the name of the worker, the providers, how long a lease holds, and how many a second may go out."""

    worker: str
    providers: Providers
    lease: timedelta
    rates: Rates = field(default_factory=Rates)


@dataclass(frozen=True, slots=True)
class Claimed:
    """How many due messages were looked at, and those of them that are to be handed over now.

    ``held_back``: more are due, but no more may go out at this moment. ``trying``: these names of providers had trouble
    before, and these messages try whether it is over.
    """

    looked_at: int
    outgoing: tuple[OutgoingSms, ...] = ()
    held_back: bool = False
    trying: frozenset[str] = frozenset()


def claim(session: Session, *, now: datetime, sender: Sender, limit: int) -> Claimed:
    """Take up to ``limit`` due messages and decide about each; those to hand over come most urgent first.

    Each of them is ``sending`` with a leased attempt once the caller has committed. The others wait, are suppressed or
    have expired, with the checks that decided kept.
    """
    troubled = {name: pause for name, pause in pauses(session).items() if name in sender.providers.names}
    if all(name in troubled and troubled[name].left for name in sender.providers.names):
        return Claimed(0, held_back=True)
    due = _due(session, now, 1 if any(each.tripped for each in troubled.values()) else limit)
    rows = _allowed(session, due, sender)
    if not rows:
        return Claimed(0, held_back=bool(due))
    batch = gather(session, rows, now=now, terms=sender.providers.terms, troubled=troubled, hold=True)
    texts = {row.id: words for row in rows if (words := _settle(row, batch)) is not None}
    conversations.open_all(session, batch.opened, now=now)
    going = [row for row in rows if row.id in texts]
    attempts = (
        lease_all(session, going, worker=sender.worker, providers=sender.providers, lease=sender.lease) if going else {}
    )
    session.flush()
    ended = (MessageStatus.SUPPRESSED, MessageStatus.EXPIRED)
    announce(session, [row.id for row in rows if row.status in ended], now=now)
    _give_back(session, [row for row in rows if row.id not in texts], batch, sender.rates)
    return Claimed(
        looked_at=len(rows),
        outgoing=tuple(texts[row.id].handed_over_as(attempts[row.id], row) for row in going),
        held_back=len(rows) < len(due),
        trying=frozenset(troubled),
    )


def _allowed(session: Session, due: Sequence[OutboxMessage], sender: Sender) -> list[OutboxMessage]:
    """Those of the due messages that may go out at this moment; the others stay as they are."""
    if not sender.rates.limited:
        return list(due)
    counts = Counter(row.facility_id for row in due)
    numbers = {facility_id: our_number(organization.facility(session, facility_id)) for facility_id in counts}
    left = allowances.take(session, {each: (numbers[each], count) for each, count in counts.items()}, sender.rates)
    rows = []
    for row in due:
        if left[row.facility_id] > 0:
            left[row.facility_id] -= 1
            rows.append(row)
    return rows


def _give_back(session: Session, unsent: Sequence[OutboxMessage], batch: Batch, rates: Rates) -> None:
    if unsent and rates.limited:
        unused = Counter(row.facility_id for row in unsent)
        numbers = {facility_id: our_number(batch.facts.facilities[facility_id][0]) for facility_id in unused}
        allowances.give_back(session, {each: (numbers[each], count) for each, count in unused.items()}, rates)


def _due(session: Session, now: datetime, limit: int) -> list[OutboxMessage]:
    rows: list[OutboxMessage] = []
    for priority in PRIORITIES:
        if len(rows) < limit:
            rows += session.scalars(
                select(OutboxMessage)
                .where(
                    one_of(OutboxMessage.status, DUE_STATES),
                    OutboxMessage.priority == priority,
                    OutboxMessage.next_try_at <= now,
                )
                .order_by(OutboxMessage.next_try_at, OutboxMessage.id)
                .limit(limit - len(rows))
                .with_for_update(skip_locked=True)
            )
    return rows


@dataclass(frozen=True, slots=True)
class Text:
    """What is handed over: the words, and what the provider registered them under."""

    body: str
    template_number: str

    def handed_over_as(self, attempt_id: int, row: OutboxMessage) -> OutgoingSms:
        return OutgoingSms(
            attempt_id=attempt_id,
            to_number=row.to_number or "",
            from_number=row.from_number or "",
            body=self.body,
            message_id=row.id,
            template_number=self.template_number,
        )


def _settle(row: OutboxMessage, batch: Batch) -> Text | None:
    """Decide about one message and write it down; the text to hand over, or None."""
    found = judge(row, batch)
    row.language = found.language
    if found.decision.checks[-1].code == "phone_free":
        row.to_number = found.recipient.number  # by which it is woken as soon as the phone is free
    _note(row, found.decision, batch.now)
    number, wording, rendered = found.recipient.number, found.wording, found.rendered
    if not isinstance(found.decision, Send) or rendered is None or wording is None or number is None:
        return None
    _remember_survey(row, batch)
    row.to_number, row.from_number = number, found.ours
    row.contact_point_id = found.recipient.contact_point_id
    row.body, row.segments = rendered.kept, measure(rendered.whole).segments
    row.template_version = wording.version
    if row.awaits_reply:
        opened = conversations.conversation_for(row, our_number=found.ours, number=number, now=batch.now)
        batch.phones[found.ours, number] = opened
        batch.opened.append(opened)
    return Text(rendered.body, wording.registrations.get(found.provider, ""))


def _note(row: OutboxMessage, decision: Decision, now: datetime) -> None:
    """Write the decision and its checks to the message."""
    row.decision = {"at": now.isoformat(), "checks": [_kept(check) for check in decision.checks]}
    row.decided_at = now
    row.reason = None
    if isinstance(decision, Wait):
        row.status = move(row.status, MessageStatus.QUEUED)
        row.next_try_at = decision.until
    elif isinstance(decision, Suppress):
        row.status, row.reason = move(row.status, MessageStatus.SUPPRESSED), decision.reason
    elif isinstance(decision, Expire):
        row.status, row.reason = move(row.status, MessageStatus.EXPIRED), Reason.OUTSIDE_WINDOW
    else:
        row.status = move(row.status, MessageStatus.SENDING)


def _kept(check: Check) -> dict[str, str | bool]:
    return {"code": check.code, "passed": check.passed, "fact": check.fact}


def _remember_survey(row: OutboxMessage, batch: Batch) -> None:
    """Count this message against the limits of the others in the batch."""
    if row.purpose is Purpose.SURVEY and row.in_reply_to is None and row.patient_id is not None:
        batch.surveys[batch.facts.patients[row.patient_id].person_id].append(Sent(subject_of(row), batch.now))
