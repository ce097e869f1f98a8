"""*Why (not)?* of a message tells what happened in order: rule, fact and time; it is never empty."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hcrm.messaging.domain import (
    Attempt,
    AttemptStatus,
    Check,
    MessageSnapshot,
    MessageStatus,
    Purpose,
    Reason,
    explain,
)

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
S = MessageStatus
PASSED, STOPPED = Check("alive", True, "none"), Check("not_stopped", False, "2026-03-09T00:00:00+00:00")

MESSAGE = MessageSnapshot(
    id=1, facility_id=1, patient_id=1, encounter_id=None, task_id=None, purpose=Purpose.CARE, template_code="welcome",
    status=S.SCHEDULED, reason=None, not_before=LATER, expires_at=LATER, next_try_at=LATER, created_at=NOW,
    decided_at=None, accepted_at=None, sent_at=None, delivered_at=None, to_number=None, body=None, segments=None,
    conversation_topic=None, conversation_subject_id=None,
)  # fmt: skip
TAKEN = Attempt(1, "twilio", AttemptStatus.ACCEPTED, None, NOW, LATER)
REFUSED = Attempt(2, "twilio", AttemptStatus.TEMPORARY_FAILURE, "30003", NOW, LATER)
IN_DOUBT = Attempt(1, "twilio", AttemptStatus.UNKNOWN, None, NOW, None)


def told(attempts=(), **changes):
    return [(each.rule, each.passed, each.fact, each.at) for each in explain(replace(MESSAGE, **changes), attempts)]


def test_what_nobody_has_looked_at_yet_is_not_due_or_waits_for_its_turn():
    assert told() == [("due", False, LATER.isoformat(timespec="seconds"), NOW)]
    assert told(status=S.QUEUED) == [("its_turn", None, "", NOW)]


def test_the_rule_that_held_it_back_is_the_last_one_and_has_the_time_of_the_decision():
    decided = {"status": S.SUPPRESSED, "reason": Reason.OPTED_OUT, "checks": (PASSED, STOPPED)}
    assert told(**decided, decided_at=NOW, checked_at=NOW) == [
        ("alive", True, "none", NOW),
        ("not_stopped", False, STOPPED.fact, NOW),
    ]


@pytest.mark.parametrize(
    ("status", "reason", "rule"),
    [
        (S.SUPPRESSED, Reason.DECEASED, "still_wanted"),
        (S.CANCELLED, Reason.PLAN_CANCELLED, "still_wanted"),
        (S.EXPIRED, Reason.OUTSIDE_WINDOW, "still_useful"),
    ],
)
def test_what_ended_it_after_the_last_check_is_told_with_its_own_time(status, reason, rule):
    waited = (PASSED, Check("sending_hours", False, LATER.isoformat()))
    for checks in ((), waited):
        *_, last = told(status=status, reason=reason, checks=checks, checked_at=NOW, decided_at=LATER)
        assert (last[0], last[1], last[3]) == (rule, False, LATER)


def test_hand_overs_follow_the_checks_with_the_code_of_each_and_what_the_phone_told():
    found = explain(replace(MESSAGE, status=S.DELIVERED, checks=(PASSED,), delivered_at=LATER), [REFUSED, TAKEN])
    assert [(each.rule, each.passed, each.fact, each.detail) for each in found] == [
        ("alive", True, "none", ""),
        ("handed_over", False, "twilio", "30003"),
        ("handed_over", True, "twilio", ""),
        ("arrived", True, "delivered", ""),
    ]


def test_doubt_is_told_as_doubt_until_a_person_settles_it():
    released = replace(TAKEN, status=AttemptStatus.RELEASED)
    assert told([released, IN_DOUBT], status=S.UNKNOWN) == [("handed_over", None, "twilio", NOW)]
    assert told([IN_DOUBT], status=S.UNKNOWN, settled_at=LATER)[-1] == ("settled", True, "", LATER)


@pytest.mark.parametrize("status", list(S))
def test_every_message_has_an_answer(status):
    assert told(status=status)
