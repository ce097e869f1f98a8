"""What appointments do when something happened below: a reminder could not go out, somebody died, a visit came in."""

from __future__ import annotations

from sqlalchemy.orm import Session

from hcrm.appointments import service
from hcrm.appointments.domain.texts import TOPIC
from hcrm.events import EncountersChanged, MessagesChanged, PatientsDeceased
from hcrm.messaging import queries as messaging


def on_messages_changed(session: Session, event: MessagesChanged) -> None:
    """A reminder that could not wait for a reply goes out without asking for one."""
    for message in messaging.messages(session, event.message_ids):
        if message.conversation_topic == TOPIC:
            service.send_plain_instead(session, message, now=event.now)


def on_patients_deceased(session: Session, event: PatientsDeceased) -> None:
    """Visits of the dead are given up without a word, and their places go to others."""
    service.cancel_of_deceased(session, event.patient_ids, now=event.now)


def on_encounters_changed(session: Session, event: EncountersChanged) -> None:
    """A record that is a booked visit fulfils it."""
    service.note_visits(session, event.of_known_patients, now=event.now)
