from __future__ import annotations

import pytest

from hcrm.messaging import service as messaging
from tests.factories_appointments import Clinic
from tests.factories_messaging import SENDER, MessagingFactory


@pytest.fixture
def make(session, now, facility) -> MessagingFactory:
    """Makes patients, phones and stays in the session that is rolled back."""
    messaging.install_default_templates(session, now)
    return MessagingFactory(session, now, facility)


@pytest.fixture
def clinic(session, now, facility, departments) -> Clinic:
    """Publishes sessions of internal medicine and books there."""
    return Clinic(session, now, facility, departments["MED"])


@pytest.fixture
def patient(make):
    """``patient()`` makes a patient with a phone; gives the id."""

    def new() -> int:
        patient_id = make.patient()
        make.contact(patient_id)
        return patient_id

    return new


@pytest.fixture
def claim(session, now):
    """``claim()`` claims what is due, as a sender does; gives the texts to hand over."""

    def run(at=now, sender=SENDER):
        claimed = messaging.claim(session, now=at, sender=sender, limit=100)
        session.expire_all()
        return claimed.outgoing

    return run


@pytest.fixture
def text_in(session, facility):
    """``text_in(number, body, at)``: a phone writes, and the text is taken."""
    counter = iter(range(10_000))

    def run(number, body, at):
        inbound_id = messaging.receive(
            session,
            facility_id=facility,
            provider="console",
            provider_message_id=f"in-{next(counter)}",
            from_number=number,
            to_number=f"1069{facility:06d}",
            body=body,
            now=at,
        )
        state = messaging.take(session, inbound_id, now=at)
        session.expire_all()
        return state

    return run
