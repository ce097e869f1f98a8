"""Claiming due messages: every fact is read again, and what may go out is leased to this sender and rendered."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hcrm.messaging.domain import (
    DUE_STATES,
    Check,
    Decision,
    Expire,
    LinkBuilder,
    MessageStatus,
    MissingTemplateData,
    Purpose,
    Reason,
    Recipient,
    Rendered,
    Send,
    SendFacts,
    Suppress,
    Wait,
    answering,
    choose_recipient,
    closest_language,
    decide,
    measure,
    move,
    next_opening,
    our_number,
    placeholders,
    render,
)
from hcrm.messaging.models import OutboxMessage, one_of
from hcrm.messaging.providers.base import Capabilities, OutgoingSms, Providers, country_of
from hcrm.messaging.queries import (
    SendingFacts,
    Sent,
    Wording,
    published_wordings,
    sending_facts,
    stopped_numbers,
    subject_of,
)
from hcrm.messaging.service import allowances, conversations
from hcrm.messaging.service.allowances import Rates
from hcrm.messaging.service.leasing import lease_all
from hcrm.messaging.service.outbox import announce
from hcrm.messaging.service.pauses import Pause, pauses
from hcrm.messaging.service.subjects import outdated
from hcrm.organization import queries as organization
from hcrm.patients.domain import DeceasedState
from hcrm.patients.queries import records_by_patient

STOP_CONFIRMATION = "stop_confirm"
STAFF_ANSWER = "staff_answer"
"""Written by a person: it keeps to the hours and limits that answers of the program itself need not wait for."""

LOOK_BACK = timedelta(days=400)
CHANGING = timedelta(seconds=2)
"""A message about something that is being changed at this moment is looked at again after this."""

PERSON_LOCKS = 4_202_001
NUMBER_LOCKS = 4_202_002
PRIORITIES = sorted({purpose.priority for purpose in Purpose})


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: the name of the worker, the providers, how long a lease holds, and how many a second may go out."""

    worker: str
    providers: Providers
    lease: timedelta
    rates: Rates = field(default_factory=Rates)


@dataclass(slots=True)
class Batch:
    """One batch of claimed messages with all that their decisions need; grows as messages are decided."""

    now: datetime
    facts: SendingFacts
    templates: Mapping[tuple[str, str], Wording]
    links: Mapping[str, LinkBuilder]
    recipients: Mapping[int, Recipient]
    stopped: Mapping[tuple[int, str], datetime]
    surveys: defaultdict[int, list[Sent]]
    phones: dict[tuple[str, str], conversations.Waiting]
    pauses: Mapping[str, Pause]
    outdated: Mapping[str, bool] = field(default_factory=dict)
    opened: list[conversations.Waiting] = field(default_factory=list)


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
    batch = _batch(session, rows, now, troubled)
    texts = {row.id: words for row in rows if (words := _settle(row, batch, sender)) is not None}
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


def _batch(session: Session, rows: Sequence[OutboxMessage], now: datetime, troubled: Mapping[str, Pause]) -> Batch:
    """Lock the persons, then the numbers, so that two senders never decide about the same one at the same time."""
    known = records_by_patient(session, [row.patient_id for row in rows if row.patient_id is not None])
    _lock(session, PERSON_LOCKS, [str(records[0]) for records in known.values()])
    facts = sending_facts(session, rows, records=known, look_back_from=now - LOOK_BACK)
    recipients = {row.id: _recipient(row, facts, now) for row in rows}
    _lock(session, NUMBER_LOCKS, [each.number for each in recipients.values() if each.number is not None])
    numbers = {(row.facility_id, number) for row in rows if (number := recipients[row.id].number) is not None}
    pairs = {
        (our_number(facts.facilities[row.facility_id][0]), number)
        for row in rows
        if row.awaits_reply and (number := recipients[row.id].number) is not None
    }
    return Batch(
        now=now,
        facts=facts,
        templates=published_wordings(session, {row.template_code for row in rows}),
        links=session.info["links"],
        recipients=recipients,
        stopped=stopped_numbers(session, numbers),
        surveys=defaultdict(list, {person: list(sent) for person, sent in facts.surveys.items()}),
        phones=conversations.waiting_with_all(session, pairs, now=now),
        pauses=troubled,
        outdated=outdated(session, rows),
    )


def _lock(session: Session, family: int, names: Sequence[str]) -> None:
    """Lock each name until the end of the transaction, always in the same order, so that no two senders block both."""
    session.execute(
        text(
            "SELECT pg_advisory_xact_lock(:family, key) FROM"
            " (SELECT DISTINCT hashtext(name) AS key FROM unnest(CAST(:names AS text[])) AS name ORDER BY key) AS keys"
        ),
        {"family": family, "names": list(names)},
    )


def _recipient(row: OutboxMessage, facts: SendingFacts, now: datetime) -> Recipient:
    if row.to_number is not None and (row.in_reply_to is not None or row.purpose is Purpose.STAFF):
        return answering(row.to_number)
    if row.patient_id is None:
        return Recipient(None, None, Reason.INVALID_NUMBER, "no_number")
    facility, _ = facts.facilities[row.facility_id]
    stay = facts.stays.get(row.encounter_id or 0)
    return choose_recipient(
        facts.contacts.get(row.patient_id, []),
        age=facts.age(row.patient_id, now.astimezone(facility.zone).date()),
        sensitive=stay is not None and stay.sensitive,
    )


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


def _settle(row: OutboxMessage, batch: Batch, sender: Sender) -> Text | None:
    """Decide about one message and write it down; the text to hand over, or None."""
    recipient = batch.recipients[row.id]
    provider = sender.providers.for_number(recipient.number or "")
    capabilities = provider.capabilities.at(country_of(recipient.number)) if recipient.number else provider.capabilities
    wording = _wording(row, batch)
    rendered, missing = (None, ("template",)) if wording is None else _rendered(row, wording, batch, capabilities)
    facts = replace(
        _facts(row, batch, missing),
        provider_lacks=_lacks(row, wording, provider.name, capabilities),
        provider_rests=batch.pauses[provider.name].left if provider.name in batch.pauses else timedelta(0),
    )
    decision = decide(facts)
    facility, _ = batch.facts.facilities[row.facility_id]
    ours = our_number(facility)
    if isinstance(decision, Send) and row.awaits_reply and recipient.number is not None:
        busy = conversations.busy_until(batch.phones.get((ours, recipient.number)), row, now=batch.now)
        if busy is not None:
            decision = decide(replace(facts, busy_until=busy))
            row.to_number = recipient.number
    _note(row, decision, batch.now)
    if not isinstance(decision, Send) or rendered is None or wording is None or recipient.number is None:
        return None
    _remember_survey(row, batch)
    row.to_number, row.from_number = recipient.number, ours
    row.contact_point_id = recipient.contact_point_id
    row.body, row.segments = rendered.kept, measure(rendered.whole).segments
    row.template_version = wording.version
    if row.awaits_reply:
        opened = conversations.conversation_for(row, our_number=ours, number=recipient.number, now=batch.now)
        batch.phones[ours, recipient.number] = opened
        batch.opened.append(opened)
    return Text(rendered.body, wording.registrations.get(provider.name, ""))


def _facts(row: OutboxMessage, batch: Batch, missing: tuple[str, ...]) -> SendFacts:
    facility, calendar = batch.facts.facilities[row.facility_id]
    patient = batch.facts.patients.get(row.patient_id or 0)
    stay = batch.facts.stays.get(row.encounter_id or 0)
    recipient = batch.recipients[row.id]
    sent = batch.surveys[patient.person_id] if patient else []
    return SendFacts(
        now=batch.now,
        purpose=row.purpose,
        not_before=row.not_before,
        expires_at=row.expires_at,
        recipient=recipient,
        opening=batch.now
        if row.purpose is Purpose.STAFF
        else next_opening(batch.now, facility.settings, facility.zone, calendar),
        answers=row.in_reply_to is not None and row.template_code != STAFF_ANSWER,
        confirms_stop=row.template_code == STOP_CONFIRMATION,
        deceased=patient.deceased_state if patient else DeceasedState.NONE,
        plan_ended="outdated" if batch.outdated.get(row.key) else (stay.plan_ended if stay else ""),
        busy_until=None if batch.outdated.get(row.key, True) else batch.now + CHANGING,
        open_dispute=patient is not None and patient.open_dispute,
        consent=batch.facts.consent.get((row.patient_id or 0, row.purpose), True),
        stopped_at=batch.stopped.get((row.facility_id, recipient.number or "")),
        survey_every_days=facility.settings.survey_every_days,
        non_clinical_per_week=facility.settings.non_clinical_per_week,
        other_surveys=tuple(each.at for each in sent if each.subject != subject_of(row)),
        non_clinical=tuple(each.at for each in sent),
        missing=missing,
    )


def _wording(row: OutboxMessage, batch: Batch) -> Wording | None:
    """The published wording in the patient's language; None when there is none."""
    patient = batch.facts.patients.get(row.patient_id or 0)
    row.language = closest_language(patient.language if patient else row.language or "en")
    return batch.templates.get((row.template_code, row.language))


def _lacks(row: OutboxMessage, wording: Wording | None, provider: str, capabilities: Capabilities | None) -> str:
    """What this message needs and its provider lacks in this country; empty when it can go out."""
    if capabilities is None:
        return "country_not_served"
    if row.awaits_reply and not capabilities.two_way:
        return "no_replies"
    if wording is None:
        return ""
    if "link" in placeholders(wording.body) and not capabilities.links:
        return "no_links"
    if capabilities.template_registration and provider not in wording.registrations:
        return "not_registered"
    return ""


def _rendered(
    row: OutboxMessage, wording: Wording, batch: Batch, capabilities: Capabilities | None
) -> tuple[Rendered | None, tuple[str, ...]]:
    """The text in the patient's language, or what is missing for it."""
    facility, _ = batch.facts.facilities[row.facility_id]
    language = wording.language
    values = {
        "hospital": facility.name_in(language),
        "phone": facility.phone,
        "emergency": facility.emergency_number,
        **row.values,
    }
    link = batch.links.get(row.conversation_topic or "")
    if "link" in placeholders(wording.body) and link is not None and row.conversation_subject_id is not None:
        again = [int(row.values[name]) for name in ("link_generation",) if name in row.values]
        values["link"] = link(row.conversation_subject_id, *again)
    try:
        added = facility.settings.signature_added_by_carrier
        signed = added or (capabilities is not None and capabilities.adds_signature)
        return render(wording.body, values, language, drop_signature=signed), ()
    except MissingTemplateData as problem:
        return None, tuple(problem.args)


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
