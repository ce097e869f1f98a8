"""Rules about passwords and sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hcrm.accounts.domain import PasswordProblem, SessionLimits, password_problem, session_ended

START = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
LIMITS = SessionLimits(idle=timedelta(minutes=30), lifetime=timedelta(hours=12))


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("twelve chars", None),
        ("eleven char", PasswordProblem.TOO_SHORT),
        ("", PasswordProblem.TOO_SHORT),
        ("x" * 201, PasswordProblem.TOO_LONG),
        ("Head.Of.Surgery", PasswordProblem.IS_USERNAME),
        ("四个汉字再加八个汉字就够了", None),
    ],
)
def test_password_has_12_to_200_characters_and_is_not_the_user_name(
    password: str, problem: PasswordProblem | None
) -> None:
    assert password_problem(password, "head.of.surgery") == problem


def test_session_ends_when_nothing_was_done_for_too_long() -> None:
    seen = START + timedelta(hours=1)

    assert not session_ended(START, seen, LIMITS, seen + timedelta(minutes=30))
    assert session_ended(START, seen, LIMITS, seen + timedelta(minutes=30, seconds=1))


def test_session_ends_after_its_lifetime_whatever_was_done() -> None:
    now = START + timedelta(hours=12, seconds=1)

    assert session_ended(START, now, LIMITS, now)
