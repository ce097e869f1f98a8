"""The rules tried in advance say what the sender then does, and change nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from hcrm.messaging import service
from hcrm.messaging.domain import MessageStatus, Reason
from hcrm.patients.domain import DeceasedState

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NIGHT = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)  # 20:30 in Shanghai
OPENING = datetime(2026, 3, 11, 0, 0, tzinfo=UTC)


@pytest.fixture
def foresee(session, now):
    """``foresee(message_id)`` tries the rules in advance and makes sure that nothing was written by it."""

    def run(message_id, at=now):
        before = _everything(session)
        found = service.foresee(session, message_id, now=at)
        session.flush()
        assert _everything(session) == before
        return found

    return run


def _everything(session):
    return [
        session.execute(text(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")).scalar()
        for table in ("outbox_message", "send_attempt", "conversation", "number_state", "send_allowance")
    ]


def rules(foresight):
    return [(each.rule, each.passed) for each in foresight.findings()]


def test_what_is_due_goes_now(make, foresee, now):
    found = foresee(make.reachable()[0])
    assert (found.goes_at, found.reason, found.held) == (now, None, ())
    assert rules(found)[-1] == ("sending_hours", True)


def test_what_comes_due_at_night_waits_for_the_morning_and_then_really_goes(make, foresee, claim):
    patient_id = make.patient()
    make.contact(patient_id)
    message_id = make.message(make.request(patient_id, not_before=NIGHT, expires_at=NIGHT + DAY))
    found = foresee(message_id)
    assert [each.rule for each in found.held] == ["due", "sending_hours"]
    assert [each.until for each in found.held] == [NIGHT, OPENING]
    assert found.goes_at == OPENING
    assert claim(NIGHT) == ()
    assert claim(OPENING - timedelta(seconds=1)) == ()
    assert len(claim(OPENING)) == 1


@pytest.mark.parametrize(
    ("spoil", "rule", "reason"),
    [
        ({"deceased_state": DeceasedState.PENDING}, "alive", Reason.DECEASED),
        ({"stopped": True}, "not_stopped", Reason.OPTED_OUT),
        ({"phone": False}, "number", Reason.INVALID_NUMBER),
    ],
)
def test_what_would_be_held_back_is_told_with_the_rule_before_its_time_comes(
    make, foresee, claim, session, now, facility, spoil, rule, reason
):
    of_patient = {key: value for key, value in spoil.items() if key == "deceased_state"}
    stopped, phone = spoil.get("stopped", False), spoil.get("phone", True)
    patient_id = make.patient(**of_patient)
    if phone:
        number = make.contact(patient_id)
    message_id = make.message(make.request(patient_id, not_before=now + HOUR))
    if stopped:
        service.stop(session, facility_id=facility, number=number, source="keyword", now=now)
    found = foresee(message_id)
    assert (found.goes_at, found.reason) == (None, reason)
    assert rules(found)[-1] == (rule, False)
    assert claim(now + HOUR) == ()
    assert make.row(message_id).reason is reason


def test_a_message_that_would_be_too_late_is_told_to_expire(make, foresee):
    patient_id = make.patient()
    make.contact(patient_id)
    found = foresee(make.message(make.request(patient_id, not_before=NIGHT, expires_at=NIGHT + HOUR)))
    assert (found.goes_at, found.reason) == (None, Reason.OUTSIDE_WINDOW)


def test_behind_another_conversation_it_waits_until_that_is_over(make, foresee, claim, now):
    first, second = make.patient(), make.patient()
    number = make.contact(first)
    make.contact(second, number)
    make.message(make.survey(first, 1))
    behind = make.message(make.survey(second, 2, expires_at=now + 10 * DAY))
    assert len(claim()) == 1
    found = foresee(behind, now + timedelta(minutes=30))
    assert found.held[-1].rule == "phone_free"
    assert found.goes_at == now + 3 * DAY


def test_while_the_provider_rests_it_is_told_when_it_takes_messages_again(make, foresee, session, now):
    for _ in range(2):
        service.note_trouble(session, "console", refuses_all=True)
    found = foresee(make.reachable()[0])
    assert [each.rule for each in found.held] == ["provider_ready"]
    assert now < found.goes_at < now + timedelta(minutes=6)


def test_a_survey_too_soon_after_another_is_foreseen_as_too_much(make, foresee, claim, now):
    patient_id = make.patient()
    make.contact(patient_id)
    make.message(make.survey(patient_id, 1))
    assert len(claim()) == 1
    found = foresee(make.message(make.survey(patient_id, 2, not_before=now + DAY, expires_at=now + 2 * DAY)))
    assert (found.reason, rules(found)[-1]) == (Reason.FATIGUE_LIMIT, ("survey_limit", False))


def test_what_waits_no_more_has_nothing_to_be_foreseen(make, foresee, claim):
    message_id = make.reachable()[0]
    claim()
    assert make.row(message_id).status is MessageStatus.SENDING
    assert foresee(message_id) is None
    assert service.foresee(make.session, 999_999, now=make.now) is None
