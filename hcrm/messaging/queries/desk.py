"""Reads what the Inbox page shows: the list, the text that is open, whom it concerns, and what is in doubt."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from hcrm.accounts.domain import ACTIONS, Action, Actor, Scope, scope_of
from hcrm.accounts.queries import StaffSnapshot, staff, user_names
from hcrm.messaging.domain import InboundSnapshot, MessageSnapshot, SensitiveCheck
from hcrm.messaging.models import Conversation
from hcrm.messaging.queries.inbox import Spoken, exchange, inbound, inbox
from hcrm.messaging.queries.outbox import in_doubt
from hcrm.patients.domain import ContactSnapshot, PatientSnapshot
from hcrm.patients.queries import contacts, departments_of_person, patient_snapshots, patients_with_number

DOUBT_AFTER = timedelta(minutes=10)
"""A message without evidence is offered to a person this long after its sender should have been done."""


@dataclass(frozen=True, slots=True)
class OpenText:
    """The text that is open: everything said with its phone, who may have written it, and who can take it over."""

    text: InboundSnapshot
    spoken: Sequence[Spoken]
    owners: Sequence[PatientSnapshot]
    contact: ContactSnapshot | None
    colleagues: Sequence[StaffSnapshot]


@dataclass(frozen=True, slots=True)
class Desk:
    """The Inbox as one person sees it. ``users`` names those who hold texts."""

    texts: Sequence[InboundSnapshot]
    patients: Mapping[int, PatientSnapshot]
    users: Mapping[int, str]
    chosen: OpenText | None
    doubtful: Sequence[MessageSnapshot]


def desk(session: Session, actor: Actor, *, chosen_id: int | None, limit: int, offset: int) -> Desk:
    """The list of waiting texts, and the one that is chosen (else the first) opened beside it."""
    scope = scope_of(actor, Action.VIEW_INBOX)
    texts = inbox(session, scope, limit=limit, offset=offset)
    text = inbound(session, chosen_id) if chosen_id is not None else next(iter(texts), None)
    whole = [facility for facility, departments in scope.departments.items() if departments is None]
    doubtful = in_doubt(session, whole, waited=DOUBT_AFTER)
    named = [each.patient_id for each in texts] + [each.patient_id for each in doubtful]
    return Desk(
        texts=texts,
        patients=patient_snapshots(session, {each for each in named if each is not None}),
        users=user_names(session, {each.claimed_by for each in texts if each.claimed_by is not None}),
        chosen=None if text is None else _open(session, text, scope),
        doubtful=doubtful,
    )


def _open(session: Session, text: InboundSnapshot, scope: Scope) -> OpenText:
    if text.patient_id is not None:
        owner_ids = [text.patient_id]
    else:
        owner_ids = _visible(
            session, scope, text.facility_id, patients_with_number(session, text.facility_id, text.from_number)
        )
    owners = patient_snapshots(session, owner_ids)
    spoken = exchange(session, facility_id=text.facility_id, number=text.from_number, patient_id=text.patient_id)
    return OpenText(
        text=text,
        spoken=spoken,
        owners=[owners[each] for each in owner_ids],
        contact=_contact(session, text),
        colleagues=_colleagues(session, text.facility_id),
    )


def _visible(session: Session, scope: Scope, facility_id: int, patient_ids: Collection[int]) -> list[int]:
    """Those of the patients whom the viewer may see."""
    return [each for each in patient_ids if scope.covers(facility_id, departments_of_person(session, each))]


def _contact(session: Session, text: InboundSnapshot) -> ContactSnapshot | None:
    """Whose number it is on the patient's record."""
    if text.patient_id is None:
        return None
    known = contacts(session, [text.patient_id])[text.patient_id]
    return next((contact for contact in known if contact.number == text.from_number), None)


def colleagues(session: Session, inbound_id: int) -> list[StaffSnapshot]:
    """Who can take over a text: everybody who works in the Inbox of its facility, by name."""
    text = inbound(session, inbound_id)
    return [] if text is None else _colleagues(session, text.facility_id)


def possible_writers(session: Session, inbound_id: int) -> list[int]:
    """The patients whose record has the number that a text came from."""
    text = inbound(session, inbound_id)
    return [] if text is None else patients_with_number(session, text.facility_id, text.from_number)


def _colleagues(session: Session, facility_id: int) -> list[StaffSnapshot]:
    found = {
        person.user_id: person
        for role, actions in ACTIONS.items()
        if Action.WORK_INBOX in actions
        for person in staff(session, facility_id, role)
    }
    return sorted(found.values(), key=lambda person: person.display_name)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thing belongs, for the access decision: facility and departments (None: the facility as such)."""

    facility_id: int
    department_ids: frozenset[int]


def place_of_text(session: Session, inbound_id: int) -> Place | None:
    """Where a text belongs: the departments of its patient; none of them while it is nobody's."""
    text = inbound(session, inbound_id)
    return None if text is None else _place(session, text.facility_id, text.patient_id)


def place_of_reading(session: Session, inbound_id: int) -> Place | None:
    """Where it belongs what a text was taken for: it tells what the conversation was about."""
    text = inbound(session, inbound_id)
    if text is None:
        return None
    told = None if text.conversation_id is None else session.get(Conversation, text.conversation_id)
    about = (None, None) if told is None else (told.topic, told.subject_id)
    return _place(session, text.facility_id, text.patient_id, about)


def place_of_message(session: Session, message: MessageSnapshot) -> Place:
    """Where a message belongs."""
    about = (message.conversation_topic, message.conversation_subject_id)
    return _place(session, message.facility_id, message.patient_id, about)


def _place(
    session: Session, facility_id: int, patient_id: int | None, about: tuple[str | None, int | None] = (None, None)
) -> Place:
    """The departments of the patient; of what speaks of a sensitive thing those that may know of it."""
    topic, subject_id = about
    sensitive: Mapping[str, SensitiveCheck] = session.info.get("sensitive", {})
    if topic is not None and subject_id is not None and topic in sensitive:
        knowing = sensitive[topic](session, [subject_id]).get(subject_id)
        if knowing is not None:
            return Place(facility_id, knowing)
    departments = frozenset() if patient_id is None else departments_of_person(session, patient_id)
    return Place(facility_id, departments)
