from __future__ import annotations

import pytest

from hcrm.accounts.domain import Language, MembershipSnapshot, Role
from hcrm.accounts.service import create_user
from hcrm.messaging import service
from tests.factories_messaging import SENDER, MessagingFactory


@pytest.fixture
def make(session, now, facility) -> MessagingFactory:
    """Makes patients, phones, stays and messages in the session that is rolled back."""
    service.install_default_templates(session, now)
    return MessagingFactory(session, now, facility)


@pytest.fixture
def claim(session, now):
    """``claim()`` claims what is due, as a sender does; gives the texts to hand over."""

    def run(at=now, limit=50, sender=SENDER):
        claimed = service.claim(session, now=at, sender=sender, limit=limit)
        session.expire_all()
        return claimed.outgoing

    return run


@pytest.fixture
def user(session, now, facility) -> int:
    """The id of a service agent."""
    return create_user(
        session,
        username="agent",
        password="correct horse battery staple",
        display_name="Agent",
        language=Language.EN,
        memberships=[MembershipSnapshot(facility, Role.SERVICE_AGENT)],
        now=now,
    )
