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
