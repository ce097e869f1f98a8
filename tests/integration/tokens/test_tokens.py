"""Tokens open what they were made for, until their time is over or somebody takes them back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from hcrm.accounts.domain import Language, MembershipSnapshot, Role
from hcrm.accounts.service import create_user
from hcrm.audit.models import AuditEntry
from hcrm.tokens.domain import PREFIXES, TokenPurpose
from hcrm.tokens.queries import token, tokens
from hcrm.tokens.service import make_token, revoke_token, use_token

RECORDS, FIGURES = TokenPurpose.RECORDS, TokenPurpose.FIGURES


@pytest.fixture
def user(session, now, facility):
    return create_user(
        session, username="admin", password="correct horse battery staple", display_name="Admin", language=Language.EN,
        memberships=[MembershipSnapshot(facility, Role.ADMINISTRATOR)], now=now,
    )  # fmt: skip


@pytest.fixture
def make(session, facility, user, now):
    def run(purpose, **more):
        return make_token(
            session, purpose=purpose, facility_id=facility, name="A system", now=now, actor_user_id=user, **more
        )

    return run


@pytest.mark.parametrize("purpose", TokenPurpose)
def test_a_token_opens_what_it_was_made_for_and_nothing_else(session, make, now, purpose):
    known, shown = make(purpose, scopes=["b", "a"])
    (other,) = set(TokenPurpose) - {purpose}
    assert shown.startswith(PREFIXES[purpose])
    assert use_token(session, shown, purpose=purpose, now=now).id == known.id
    assert use_token(session, shown, purpose=other, now=now) is None
    assert use_token(session, shown + "x", purpose=purpose, now=now) is None
    assert token(session, other, known.id) is None
    assert known.scopes == ("a", "b")
    stored = session.execute(text("SELECT t::text FROM access_token t")).scalar_one()
    assert shown not in stored


def test_it_opens_nothing_from_its_end_on_or_once_taken_back(session, make, user, now):
    end = now + timedelta(days=1)
    known, shown = make(RECORDS, expires_at=end)
    assert use_token(session, shown, purpose=RECORDS, now=end - timedelta(seconds=1)) is not None
    assert use_token(session, shown, purpose=RECORDS, now=end) is None
    revoke_token(session, token_id=known.id, now=now, actor_user_id=user)
    revoke_token(session, token_id=known.id, now=end, actor_user_id=user)
    assert use_token(session, shown, purpose=RECORDS, now=now) is None
    assert token(session, RECORDS, known.id).revoked_at == now


def test_its_use_is_noted_once_a_minute(session, make, now):
    _, shown = make(FIGURES)
    seen = [
        use_token(session, shown, purpose=FIGURES, now=now + timedelta(seconds=each)).last_used_at
        for each in (0, 59, 60)
    ]
    assert seen == [now, now, now + timedelta(seconds=60)]


def test_those_in_use_are_listed_first_and_each_change_is_audited(session, make, user, facility, now):
    first, _ = make(FIGURES)
    second, _ = make(FIGURES)
    make(RECORDS)
    revoke_token(session, token_id=second.id, now=now, actor_user_id=user)
    assert [each.id for each in tokens(session, FIGURES, [facility])] == [first.id, second.id]
    said = [each for each in session.scalars(select(AuditEntry.action)) if "token" in each]
    assert said == ["figures.token_created"] * 2 + ["access_token.created", "figures.token_revoked"]


@pytest.mark.parametrize("address", ["/imports/access", "/figures/access"])
def test_the_last_day_is_a_day_of_the_facility_and_not_over(client, login, runtime, address):
    login("administrator")
    data = {"name": "engine", "reports": ["followup"], "department": ""}
    refused = client.post(address, data=data | {"last_day": "2026-03-01"})
    assert (refused.status_code, "This day is over." in refused.text) == (422, True)
    page = client.post(address, data=data | {"last_day": "2026-03-12"})
    assert "12 Mar 2026" in page.text
    with runtime.sessions() as session:
        ends = session.execute(text("SELECT expires_at FROM access_token")).scalar_one()
    assert ends == datetime(2026, 3, 13, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert ends.astimezone(UTC).date() == date(2026, 3, 12)
