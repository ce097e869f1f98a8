from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from hcrm.clock import local_moment
from hcrm.followup.domain.attempts import AttemptContext, AttemptRecord, Connection, consequence
from hcrm.followup.domain.expansion import expand_plan, is_sampled
from hcrm.followup.domain.plan import RiskLevel
from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.readers import shipped_plans
from hcrm.organization.domain import Calendar, FacilitySettings

ZONES = st.sampled_from(
    [ZoneInfo(name) for name in ("Asia/Shanghai", "Europe/London", "America/New_York", "Australia/Lord_Howe", "UTC")]
)
DAYS = st.dates(date(2024, 1, 1), date(2032, 12, 31))
PLANS = st.sampled_from([shipped.plan for shipped in shipped_plans()])


@st.composite
def calendars(draw):
    first = draw(DAYS)
    holidays = frozenset(first + timedelta(days=n) for n in range(draw(st.integers(0, 20))))
    workdays = frozenset(draw(st.lists(DAYS, max_size=5)))
    return Calendar(holidays=holidays, workdays=workdays)


@given(PLANS, DAYS, st.sampled_from(RiskLevel), calendars(), ZONES)
def test_every_window_holds_its_target_and_follows_the_discharge(plan, day, risk, calendar, zone):
    for planned in expand_plan(plan, day, risk, calendar, zone):
        assert planned.window_starts_at < planned.due_at
        assert planned.window_starts_at <= planned.target_at <= planned.due_at
        assert planned.due_at.astimezone(zone).date() == planned.due_on
        assert planned.window_starts_at.astimezone(zone).date() > day


@given(PLANS, DAYS, st.sampled_from(RiskLevel), calendars(), ZONES)
def test_expansion_is_the_same_every_time(plan, day, risk, calendar, zone):
    assert expand_plan(plan, day, risk, calendar, zone) == expand_plan(plan, day, risk, calendar, zone)


@given(DAYS, st.times(), ZONES)
def test_a_local_time_is_never_earlier_than_asked(day, clock, zone):
    wall = local_moment(day, clock, zone).astimezone(zone).replace(tzinfo=None)
    asked = wall.replace(year=day.year, month=day.month, day=day.day, hour=clock.hour, minute=clock.minute)
    assert (
        timedelta(0)
        <= wall.replace(second=0, microsecond=0) - asked.replace(second=0, microsecond=0)
        <= timedelta(hours=1)
    )


def test_the_share_of_home_visits_is_within_binomial_bounds():
    plan = next(shipped.plan for shipped in shipped_plans() if shipped.plan.code == "three_level")
    step = plan.step("home_visit")
    chosen = sum(is_sampled(step, "three_level:1", encounter_id) for encounter_id in range(20_000))
    assert abs(chosen - 1_000) < 5 * (20_000 * 0.05 * 0.95) ** 0.5
    assert is_sampled(step, "three_level:1", 1, flagged=True)


@given(st.lists(st.tuples(st.sampled_from(Connection), st.integers(0, 6), st.integers(9, 19)), max_size=6), ZONES)
def test_a_task_that_stays_open_is_tried_again_later(history, zone):
    settings = FacilitySettings()
    start = local_moment(date(2026, 6, 1), settings.calling_hours[0][0], zone)
    attempts = [
        AttemptRecord(connection, None, start + timedelta(days=day, hours=hour - 9), contact_point_id=1)
        for connection, day, hour in sorted(history, key=lambda entry: entry[1:])
    ]
    for index, attempt in enumerate(attempts):
        context = AttemptContext(
            earlier=tuple(attempts[:index]),
            numbers=(1, 2),
            due_at=start + timedelta(days=7),
            zone=zone,
            calling_hours=settings.calling_hours,
        )
        found = consequence(attempt, context)
        if found.status is TaskStatus.OPEN:
            assert found.callback_at is not None
            assert found.callback_at >= attempt.started_at
            assert found.next_contact_point_id in {1, 2}
        else:
            days = {item.started_at.astimezone(zone).date() for item in attempts[: index + 1]}
            assert len(days) >= 3
