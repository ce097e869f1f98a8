"""Patients with phones, stays and messages, as messaging's tests need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hcrm.messaging import service
from hcrm.messaging.domain import ConversationRequest, ConversationState, MessageRequest, MessageStatus, Purpose
from hcrm.messaging.models import Conversation, OutboxMessage, Receipt, SendAttempt
from hcrm.messaging.providers.base import Capabilities, Providers, SendResult, Understood
from hcrm.messaging.providers.console import ConsoleProvider
from hcrm.patients.domain import EncounterClass, EncounterStatus, Language, LineType, OwnerKind
from hcrm.patients.models import ContactPoint, Encounter, Patient


class Silent(ConsoleProvider):
    """Takes a text, gives no answer, and knows nothing of it afterwards."""

    def send(self, sms):  # noqa: ARG002
        raise TimeoutError

    def find(self, asked):  # noqa: ARG002
        return None


@dataclass(frozen=True)
class Declared:
    """A provider that says what it takes and is never called."""

    name: str = "console"
    capabilities: Capabilities = field(default_factory=Capabilities)
    at_once: int = 1

    def send(self, sms):
        raise AssertionError(sms)

    def find(self, asked):
        raise AssertionError(asked)


SENDER = service.Sender("test-worker", Providers(Declared()), timedelta(seconds=60))


def sender_with(**capabilities) -> service.Sender:
    """A sender whose provider takes what is said here."""
    return replace(SENDER, providers=Providers(Declared(capabilities=Capabilities(**capabilities))))


def open_conversations(session: Session, topic: str, subject_id: int) -> list[Conversation]:
    """Conversations about one subject that are not finished."""
    return list(
        session.scalars(
            select(Conversation).where(
                Conversation.topic == topic,
                Conversation.subject_id == subject_id,
                Conversation.state != ConversationState.FINISHED,
            )
        )
    )


def told(raw: Mapping[str, Any]) -> Understood:
    """A receipt of a provider that speaks our own words."""
    return Understood(raw["message"], raw["attempt"], None, SendResult(MessageStatus(raw["status"])))


def receipt(session: Session, attempt_id: int, status: MessageStatus, key: str, now: datetime) -> bool:
    """Store a receipt about an attempt and apply it; False when this event was stored before."""
    message_id = session.get_one(SendAttempt, attempt_id).message_id
    raw = {"message": message_id, "attempt": attempt_id, "status": status.value}
    if not service.keep_receipt(session, provider="console", event_key=key, raw=raw, now=now):
        return False
    kept = session.scalars(select(Receipt.id).where(Receipt.event_key == key)).one()
    return service.apply_receipt(session, kept, told, now=now)


def filled(model: Any, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """``values`` and something harmless for every other column that must not be empty."""
    harmless = {int: 0, str: "", datetime: now, bytes: b"0" * 16, bool: False}
    attributes = model.__mapper__.column_attrs
    return {
        attribute.key: harmless[attribute.columns[0].type.python_type]
        for attribute in attributes
        if not (column := attribute.columns[0]).nullable and column.default is None and column.identity is None
        if attribute.key not in values
    } | values


@dataclass(slots=True)
class MessagingFactory:
    """Makes rows in ``session`` at the business time ``now``."""

    session: Session
    now: datetime
    facility_id: int
    counter: int = field(default=0)

    def number(self) -> int:
        self.counter += 1
        return self.counter

    def patient(self, **values: Any) -> int:
        """A patient; without values a woman of 40 who reads Chinese."""
        each = self.number()
        defaults = {
            "facility_id": self.facility_id,
            "person_id": 0,
            "full_name": f"病人{each}",
            "name_sort_key": f"bingren{each}",
            "birth_date": date(1986, 1, 1),
            "language": Language.CHINESE,
        }
        row = Patient(**filled(Patient, defaults | values, self.now))
        self.session.add(row)
        self.session.flush()
        row.person_id = values.get("person_id") or row.id
        self.session.flush()
        return row.id

    def contact(self, patient_id: int, number: str | None = None, **values: Any) -> str:
        """A phone of a patient; without values the patient's own mobile. Gives the number."""
        number = number or f"+86138{self.number():08d}"
        defaults = {
            "facility_id": self.facility_id,
            "patient_id": patient_id,
            "number": number,
            "number_reversed": number.lstrip("+")[::-1],
            "raw": number,
            "line_type": LineType.MOBILE,
            "owner_kind": OwnerKind.PATIENT,
            "may_discuss_health": True,
            "valid_from": self.now,
        }
        self.session.add(ContactPoint(**filled(ContactPoint, defaults | values, self.now)))
        self.session.flush()
        return number

    def stay(self, patient_id: int, **values: Any) -> int:
        """An inpatient stay that ended two days ago."""
        discharged_at = self.now - timedelta(days=2)
        defaults = {
            "facility_id": self.facility_id,
            "patient_id": patient_id,
            "source": "test",
            "visit_number": f"V{self.number()}",
            "encounter_class": EncounterClass.INPATIENT,
            "status": EncounterStatus.FINISHED,
            "admitted_at": discharged_at - timedelta(days=3),
            "discharged_at": discharged_at,
            "admitted_on": (discharged_at - timedelta(days=3)).date(),
            "discharged_on": discharged_at.date(),
        }
        row = Encounter(**filled(Encounter, defaults | values, self.now))
        self.session.add(row)
        self.session.flush()
        return row.id

    def request(self, patient_id: int | None, **values: Any) -> MessageRequest:
        """A welcome message that is due now and useful for a day."""
        defaults: dict[str, Any] = {
            "facility_id": self.facility_id,
            "patient_id": patient_id,
            "encounter_id": None,
            "task_id": None,
            "purpose": Purpose.CARE,
            "template_code": "welcome",
            "values": {},
            "key": f"care:test:{self.number()}:0",
            "not_before": self.now,
            "expires_at": self.now + timedelta(days=1),
        }
        return MessageRequest(**(defaults | values))

    def survey(self, patient_id: int, subject_id: int, **values: Any) -> MessageRequest:
        """The first question of a satisfaction survey by text."""
        return self.request(
            patient_id,
            **{
                "purpose": Purpose.SURVEY,
                "template_code": "survey_invite_sms",
                "key": f"survey:{subject_id}:{self.number()}:0",
                "conversation": ConversationRequest("test", subject_id),
            }
            | values,
        )

    def message(self, request: MessageRequest) -> int:
        """Store a message."""
        return service.enqueue(self.session, request, now=self.now)

    def row(self, message_id: int) -> OutboxMessage:
        """A message as it stands now."""
        return self.session.get_one(OutboxMessage, message_id, populate_existing=True)

    def reachable(self, count: int = 1) -> list[int]:
        """Patients with a phone of their own, each with a welcome message due; ids of the messages."""
        ids = []
        for _ in range(count):
            patient_id = self.patient()
            self.contact(patient_id)
            ids.append(self.message(self.request(patient_id)))
        return ids


COPY_PATIENT = (
    "INSERT INTO patient SELECT (jsonb_populate_record(p, jsonb_build_object("
    " 'id', 1000000 + n, 'person_id', 1000000 + n))).* FROM patient p, generate_series(1, :count) AS n WHERE p.id = :id"
)
COPY_PHONE = (
    "INSERT INTO contact_point SELECT (jsonb_populate_record(c, jsonb_build_object('id', 1000000 + n, 'patient_id',"
    " 1000000 + n, 'number', '+1415' || 2000000 + n))).* FROM contact_point c, generate_series(1, :count) AS n"
    " WHERE c.patient_id = :id"
)
COPY_MESSAGE = (
    "INSERT INTO outbox_message SELECT (jsonb_populate_record(m, jsonb_build_object('id', 1000000 + n, 'patient_id',"
    " 1000000 + n, 'key', 'care-copy-' || n))).* FROM outbox_message m, generate_series(1, :count) AS n"
    " WHERE m.patient_id = :id"
)


def many_messages(make: MessagingFactory, count: int, *, survey: bool = False) -> None:
    """So many patients with phones of their own and one message each, all due now, copied by the database."""
    patient_id = make.patient(language="en")
    make.contact(patient_id, "+14151999999")
    request = make.request(patient_id)
    if survey:
        request = replace(request, purpose=Purpose.SURVEY, template_code="thanks")
    make.message(request)
    for statement in (COPY_PATIENT, COPY_PHONE, COPY_MESSAGE):
        make.session.execute(text(statement), {"count": count - 1, "id": patient_id})
