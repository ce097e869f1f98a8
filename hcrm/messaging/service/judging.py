"""Judging messages: all facts that decide are read together, each rule is asked, and nothing is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from hcrm.messaging.domain import (
    Decision,
    LinkBuilder,
    MissingTemplateData,
    Purpose,
    Reason,
    Recipient,
    Rendered,
    Send,
    SendFacts,
    answering,
    choose_recipient,
    closest_language,
    decide,
    next_opening,
    our_number,
    placeholders,
    render,
)
from hcrm.messaging.models import OutboxMessage
from hcrm.messaging.providers.base import Capabilities, TermsOf, country_of
from hcrm.messaging.queries import (
    SendingFacts,
    Sent,
    Wording,
    published_wordings,
    sending_facts,
    stopped_numbers,
    subject_of,
)
from hcrm.messaging.service import conversations
from hcrm.messaging.service.pauses import Pause
from hcrm.messaging.service.subjects import outdated
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


@dataclass(slots=True)
class Batch:
    """Messages with all that the decisions about them need; grows as messages are decided.

    ``patience``: how soon a message behind another conversation is looked at again.
    """

    now: datetime
    facts: SendingFacts
    templates: Mapping[tuple[str, str], Wording]
    links: Mapping[str, LinkBuilder]
    recipients: Mapping[int, Recipient]
    stopped: Mapping[tuple[int, str], datetime]
    surveys: defaultdict[int, list[Sent]]
    phones: dict[tuple[str, str], conversations.Waiting]
    pauses: Mapping[str, Pause]
    terms: TermsOf
    patience: timedelta = conversations.LOOK_AGAIN
    outdated: Mapping[str, bool] = field(default_factory=dict)
    opened: list[conversations.Waiting] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The decision about one message, and the words that go out where it may go."""

    decision: Decision
    recipient: Recipient
    ours: str
    language: str
    provider: str
    wording: Wording | None
    rendered: Rendered | None


def gather(
    session: Session,
    rows: Sequence[OutboxMessage],
    *,
    now: datetime,
    terms: TermsOf,
    troubled: Mapping[str, Pause],
    hold: bool,
) -> Batch:
    """Read everything that decides about ``rows``.

    With ``hold`` the persons, then the numbers, are locked until the end of the transaction, so that two senders never
    decide about the same one at the same time, and conversations whose time is over are ended. Without it nothing is
    changed.
    """
    known = records_by_patient(session, [row.patient_id for row in rows if row.patient_id is not None])
    if hold:
        _lock(session, PERSON_LOCKS, [str(records[0]) for records in known.values()])
    facts = sending_facts(session, rows, records=known, look_back_from=now - LOOK_BACK)
    recipients = {row.id: _recipient(row, facts, now) for row in rows}
    if hold:
        _lock(session, NUMBER_LOCKS, [each.number for each in recipients.values() if each.number is not None])
    numbers = {(row.facility_id, number) for row in rows if (number := recipients[row.id].number) is not None}
    pairs = {
        (our_number(facts.facilities[row.facility_id][0]), number)
        for row in rows
        if row.awaits_reply and (number := recipients[row.id].number) is not None
    }
    phones: Callable[..., dict[tuple[str, str], conversations.Waiting]] = (
        conversations.waiting_with_all if hold else conversations.seen_waiting
    )
    return Batch(
        now=now,
        facts=facts,
        templates=published_wordings(session, {row.template_code for row in rows}),
        links=session.info["links"],
        recipients=recipients,
        stopped=stopped_numbers(session, numbers),
        surveys=defaultdict(list, {person: list(sent) for person, sent in facts.surveys.items()}),
        phones=phones(session, pairs, now=now),
        pauses=troubled,
        terms=terms,
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


def judge(row: OutboxMessage, batch: Batch) -> Judgement:
    """Ask every rule about one message of the batch, as things are; the message stays as it is."""
    recipient = batch.recipients[row.id]
    terms = batch.terms(recipient.number or "")
    capabilities = terms.capabilities.at(country_of(recipient.number)) if recipient.number else terms.capabilities
    language = _language(row, batch)
    wording = batch.templates.get((row.template_code, language))
    rendered, missing = (None, ("template",)) if wording is None else _rendered(row, wording, batch, capabilities)
    facts = replace(
        _facts(row, batch, missing),
        provider_lacks=_lacks(row, wording, terms.name, capabilities),
        provider_rests=batch.pauses[terms.name].left if terms.name in batch.pauses else timedelta(0),
    )
    ours = our_number(batch.facts.facilities[row.facility_id][0])
    decision = decide(facts)
    if isinstance(decision, Send) and row.awaits_reply and recipient.number is not None:
        waiting = batch.phones.get((ours, recipient.number))
        busy = conversations.busy_until(waiting, row, now=batch.now, patience=batch.patience)
        decision = decision if busy is None else decide(replace(facts, busy_until=busy))
    return Judgement(decision, recipient, ours, language, terms.name, wording, rendered)


def _language(row: OutboxMessage, batch: Batch) -> str:
    """The patient's language, else the one that the message was asked for in."""
    patient = batch.facts.patients.get(row.patient_id or 0)
    return closest_language(patient.language if patient else row.language or "en")


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
