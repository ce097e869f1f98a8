from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hcrm.messaging.domain import Expire, Purpose, Reason, Recipient, Send, SendFacts, Suppress, Wait, decide
from hcrm.patients.domain import DeceasedState

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RECIPIENT = Recipient("+8613800000001", 1, None, "own_number")
CARE = SendFacts(
    now=NOW, purpose=Purpose.CARE, not_before=NOW - HOUR, expires_at=NOW + DAY, recipient=RECIPIENT, opening=NOW
)
SURVEY = replace(CARE, purpose=Purpose.SURVEY)
SYSTEM = replace(CARE, purpose=Purpose.SYSTEM, answers=True)
LANDLINE = Recipient(None, None, Reason.LANDLINE, "only_landline")


def test_a_due_message_goes_out_and_says_what_was_checked():
    decision = decide(CARE)
    assert isinstance(decision, Send)
    assert [check.code for check in decision.checks] == [
        "still_useful", "due", "alive", "plan_goes_on", "consent", "number", "not_stopped", "complete",
        "provider_takes_it", "sending_hours",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (replace(CARE, deceased=DeceasedState.PENDING), Reason.DECEASED),
        (replace(CARE, deceased=DeceasedState.CONFIRMED), Reason.DECEASED),
        (replace(SYSTEM, deceased=DeceasedState.CONFIRMED), Reason.DECEASED),
        (replace(CARE, plan_ended="readmitted"), Reason.PLAN_CANCELLED),
        (replace(CARE, consent=False), Reason.NO_CONSENT),
        (replace(SURVEY, open_dispute=True), Reason.NO_CONSENT),
        (replace(CARE, recipient=LANDLINE), Reason.LANDLINE),
        (replace(CARE, stopped_at=NOW - DAY), Reason.OPTED_OUT),
        (replace(SYSTEM, stopped_at=NOW - DAY), Reason.OPTED_OUT),
        (replace(SURVEY, other_surveys=(NOW - 29 * DAY,)), Reason.FATIGUE_LIMIT),
        (replace(SURVEY, non_clinical=(NOW - DAY, NOW - 2 * DAY, NOW - 3 * DAY)), Reason.FATIGUE_LIMIT),
        (replace(CARE, missing=("phone",)), Reason.MISSING_TEMPLATE_DATA),
        (replace(CARE, provider_lacks="country_not_served"), Reason.PROVIDER_ERROR),
    ],
)
def test_what_is_true_at_the_moment_of_sending_suppresses(facts, reason):
    decision = decide(facts)
    assert isinstance(decision, Suppress)
    assert decision.reason is reason
    assert not decision.checks[-1].passed


@pytest.mark.parametrize(
    "facts",
    [
        replace(CARE, open_dispute=True),
        replace(CARE, other_surveys=(NOW - DAY,), non_clinical=(NOW,) * 9),
        replace(SURVEY, other_surveys=(NOW - 30 * DAY,)),
        replace(SURVEY, non_clinical=(NOW - DAY, NOW - 2 * DAY, NOW - 7 * DAY)),
        replace(SYSTEM, consent=False),
        replace(SYSTEM, stopped_at=NOW, confirms_stop=True),
        replace(SYSTEM, opening=NOW + HOUR),
        replace(SURVEY, answers=True, other_surveys=(NOW - DAY,), non_clinical=(NOW,) * 9, opening=NOW + HOUR),
    ],
)
def test_what_does_not_concern_a_message_lets_it_go(facts):
    assert isinstance(decide(facts), Send)


def test_quiet_hours_wait_until_the_opening():
    assert decide(replace(CARE, opening=NOW + 5 * HOUR)).until == NOW + 5 * HOUR


def test_a_busy_phone_waits():
    decision = decide(replace(SURVEY, busy_until=NOW + 2 * HOUR))
    assert isinstance(decision, Wait)
    assert decision.checks[-1].code == "phone_free"


def test_before_its_time_it_waits():
    assert decide(replace(CARE, not_before=NOW + HOUR)).until == NOW + HOUR


def test_past_its_latest_time_it_expires_instead_of_going_out_late():
    assert isinstance(decide(replace(CARE, expires_at=NOW)), Expire)


def test_it_expires_at_once_when_the_next_opening_is_too_late():
    assert isinstance(decide(replace(CARE, expires_at=NOW + HOUR, opening=NOW + HOUR)), Expire)


def test_what_ends_a_message_is_found_before_what_delays_it():
    assert isinstance(decide(replace(CARE, consent=False, opening=NOW + HOUR)), Suppress)
