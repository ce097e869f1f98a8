"""Laws of the pure rules of messaging, for any input."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from hcrm.messaging.domain import (
    RANKS,
    Encoding,
    Expire,
    Keyword,
    MessageStatus,
    Purpose,
    Reason,
    Recipient,
    Send,
    SendFacts,
    Suppress,
    Wait,
    after_receipt,
    decide,
    is_open,
    keyword,
    measure,
    next_opening,
)
from hcrm.messaging.domain.keywords import HELP_WORDS, START_WORDS, STOP_WORDS, folded
from hcrm.organization.domain import Calendar, FacilitySettings
from hcrm.patients.domain import DeceasedState

ZONES = ("UTC", "Asia/Shanghai", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago")
BASE = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.integers(0, 2 * 366 * 24 * 60).map(lambda minutes: BASE + timedelta(minutes=minutes))
days = st.integers(0, 366).map(lambda offset: date(2026, 1, 1) + timedelta(days=offset))
calendars = st.builds(Calendar, holidays=st.frozensets(days, max_size=20), workdays=st.frozensets(days, max_size=5))
clock_times = st.integers(0, 24 * 60 - 1).map(lambda minutes: time(minutes // 60, minutes % 60))


@st.composite
def settings(draw):
    start, end = sorted(draw(st.sets(clock_times, min_size=2, max_size=2)))
    return replace(FacilitySettings(), sms_from=start, sms_to=end, sms_on_rest_days=draw(st.booleans()))


@given(moments, settings(), st.sampled_from(ZONES).map(ZoneInfo), calendars)
def test_the_next_opening_is_open_and_nothing_before_it_is(now, hours, zone, calendar):
    opening = next_opening(now, hours, zone, calendar)
    assert opening >= now
    assert is_open(opening, hours, zone, calendar)
    assert next_opening(opening, hours, zone, calendar) == opening
    if opening > now:
        for back in (timedelta(seconds=1), timedelta(minutes=7), timedelta(hours=1)):
            earlier = opening - back
            assert earlier < now or not is_open(earlier, hours, zone, calendar)


evidence = st.lists(st.sampled_from([status for status in RANKS if status is not MessageStatus.SENDING]), max_size=6)


@given(evidence)
def test_receipts_in_any_order_and_repeated_end_in_the_same_status(told):
    ends = set()
    for order in itertools.islice(itertools.permutations(told), 24):
        status = MessageStatus.SENDING
        for each in (*order, *order):
            status = after_receipt(status, each)
        ends.add(status)
    assert len(ends) == 1
    assert ends == {max((MessageStatus.SENDING, *told), key=RANKS.__getitem__)}


widths = st.sampled_from([str, lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)])
cases = st.sampled_from([str.lower, str.upper, str.title])
around = st.text(alphabet=" \t\n.。！", max_size=3)


@given(st.sampled_from(sorted(STOP_WORDS)), widths, cases, around, around)
def test_a_stop_word_stops_in_any_width_case_and_space(word, width, case, before, after):
    assert keyword(before + width(case(word)) + after, stopped=False) is Keyword.STOP


@given(st.text(max_size=40), st.booleans(), st.booleans())
def test_only_a_whole_word_of_the_lists_is_a_keyword(text, stopped, appointment):
    found = keyword(text, stopped=stopped, appointment_waiting=appointment)
    listed = folded(text) in STOP_WORDS | START_WORDS | HELP_WORDS
    assert found is None or listed


@given(st.text(max_size=700))
def test_the_number_of_segments_has_room_for_the_text_and_none_is_wasted(text):
    length = measure(text)
    single, joined = (160, 153) if length.encoding is Encoding.GSM7 else (70, 67)
    if length.segments <= 1:
        assert length.units <= single
    else:
        assert length.units > single
        assert (length.segments - 1) * (joined - 1) < length.units <= length.segments * joined
    assert length.room >= 0
    assert measure(text + "x").units >= length.units + (1 if length.encoding is Encoding.GSM7 else 0)


recipients = st.sampled_from(
    [Recipient("+8613800000001", 1, None, "own_number"), Recipient(None, None, Reason.LANDLINE, "only_landline")]
)
near = st.integers(-60, 60).map(lambda hours: BASE + timedelta(hours=hours))
facts = st.builds(
    SendFacts,
    now=st.just(BASE),
    purpose=st.sampled_from(Purpose),
    not_before=near,
    expires_at=near,
    recipient=recipients,
    opening=st.integers(0, 20).map(lambda hours: BASE + timedelta(hours=hours)),
    answers=st.booleans(),
    confirms_stop=st.booleans(),
    deceased=st.sampled_from(DeceasedState),
    plan_ended=st.sampled_from(["", "readmitted"]),
    open_dispute=st.booleans(),
    consent=st.booleans(),
    stopped_at=st.none() | near,
    other_surveys=st.lists(near, max_size=2).map(tuple),
    non_clinical=st.lists(near, max_size=4).map(tuple),
    missing=st.sampled_from([(), ("phone",)]),
    busy_until=st.none() | st.just(BASE + timedelta(hours=3)),
)


@given(facts)
def test_every_decision_is_explained_and_safe(given_facts):
    decision = decide(given_facts)
    if isinstance(decision, Send):
        assert all(check.passed for check in decision.checks)
        assert given_facts.not_before <= BASE < given_facts.expires_at
        assert given_facts.deceased is DeceasedState.NONE
        assert given_facts.recipient.number
        assert given_facts.stopped_at is None or given_facts.confirms_stop
        assert given_facts.answers or given_facts.opening <= BASE
        assert given_facts.busy_until is None
        return
    assert [check.passed for check in decision.checks] == [True] * (len(decision.checks) - 1) + [False]
    if isinstance(decision, Wait):
        assert BASE < decision.until < given_facts.expires_at
    else:
        assert isinstance(decision, Suppress | Expire)


survey_times = st.lists(st.integers(0, 60 * 24 * 45).map(lambda minutes: BASE - timedelta(minutes=minutes)), max_size=6)


@given(survey_times, survey_times, st.integers(0, 40), st.integers(0, 5), st.booleans(), st.sampled_from(Purpose))
def test_a_survey_goes_out_only_within_both_limits_and_nothing_else_is_limited(
    others, recent, every_days, per_week, answers, purpose
):
    """Counted by brute force: the same as the rule, at the edges to the second too."""
    moment = SendFacts(
        now=BASE,
        purpose=purpose,
        not_before=BASE,
        expires_at=BASE + timedelta(days=1),
        recipient=Recipient("+8613800000001", 1, None, "own_number"),
        opening=BASE,
        answers=answers,
        survey_every_days=every_days,
        non_clinical_per_week=per_week,
        other_surveys=tuple(others),
        non_clinical=tuple(recent),
    )
    too_soon = any((BASE - at).total_seconds() < every_days * 86_400 for at in others)
    too_many = sum((BASE - at).total_seconds() < 7 * 86_400 for at in recent) >= per_week
    limited = purpose is Purpose.SURVEY and not answers and (too_soon or too_many)
    decision = decide(moment)
    assert isinstance(decision, Suppress if limited else Send)
    if limited:
        assert decision.reason is Reason.FATIGUE_LIMIT


@given(moments, settings(), st.sampled_from(ZONES).map(ZoneInfo), calendars)
def test_open_is_what_the_wall_clock_and_the_calendar_say(now, hours, zone, calendar):
    """Also on holidays and on rest days that are worked instead."""
    local = now.astimezone(zone)
    worked = local.date() in calendar.workdays or (local.date() not in calendar.holidays and local.weekday() < 5)
    expected = hours.sms_from <= local.time() < hours.sms_to and (hours.sms_on_rest_days or worked)
    assert is_open(now, hours, zone, calendar) is expected


@given(evidence, st.sampled_from([status for status in MessageStatus if status not in RANKS]))
def test_what_is_not_with_a_provider_is_changed_by_proof_alone(told, waiting):
    status = waiting
    for each in told:
        status = after_receipt(status, each)
    proof = [each for each in told if each in {MessageStatus.DELIVERED, MessageStatus.READ}]
    assert status is (max(proof, key=RANKS.__getitem__) if proof else waiting)
