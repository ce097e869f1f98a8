"""Which team visits whom, and when."""

from __future__ import annotations

from base64 import b64decode
from collections import Counter
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from hcrm.followup.domain.drafts import draft_key
from hcrm.followup.domain.home_visits import Booking, NoVisit, ServiceArea, Team, Visit, district_of, plan_visits
from hcrm.followup.domain.plan import RiskLevel
from hcrm.organization.domain import Calendar

MONDAY = date(2026, 3, 9)
TEAMS = (Team(1, "East", ("浦东", "黄浦"), 2), Team(2, "North", ("宝山",), 1))
CALENDAR = Calendar()


def visit(task_id: int, address: str, days: int = 4, risk: RiskLevel = RiskLevel.LOW) -> Visit:
    return Visit(task_id, address, MONDAY, MONDAY + timedelta(days=days), risk)


def test_the_longest_district_in_an_address_counts():
    teams = (*TEAMS, Team(3, "Far east", ("浦东惠南",), 1))
    team, district = district_of("上海市浦东惠南镇1号", teams)
    assert (team.id, district) == (3, "浦东惠南")
    assert district_of("杭州市西湖区", teams) is None


def test_visits_to_one_district_share_a_day_and_a_full_day_is_left_alone():
    visits = [visit(1, "浦东1"), visit(2, "黄浦1"), visit(3, "浦东2"), visit(4, "杭州"), visit(5, "宝山", days=0)]
    booked, left = plan_visits(visits, TEAMS, {(2, MONDAY): ["宝山"]}, CALENDAR, MONDAY)
    assert booked[1] == Booking(1, MONDAY, "浦东")
    assert booked[2].day == MONDAY
    assert booked[3].day == MONDAY + timedelta(days=1)
    assert left == {4: NoVisit.OUTSIDE, 5: NoVisit.FULL}


@settings(max_examples=60)
@given(
    st.lists(
        st.builds(
            Visit,
            task_id=st.integers(1, 10_000),
            address=st.sampled_from(["浦东1", "黄浦2", "宝山3", "杭州4"]),
            first_on=st.integers(0, 6).map(lambda days: MONDAY + timedelta(days=days)),
            last_on=st.integers(3, 12).map(lambda days: MONDAY + timedelta(days=days)),
            risk=st.sampled_from(RiskLevel),
        ),
        max_size=12,
        unique_by=lambda each: each.task_id,
    )
)
def test_no_team_does_more_than_it_can_and_every_day_is_a_workday_in_the_window(visits):
    booked, left = plan_visits(visits, TEAMS, {}, CALENDAR, MONDAY)
    assert booked.keys() | left.keys() == {each.task_id for each in visits}
    assert not booked.keys() & left.keys()
    capacity = {team.id: team.per_day for team in TEAMS}
    for (team_id, _day), count in Counter((each.team_id, each.day) for each in booked.values()).items():
        assert count <= capacity[team_id]
    for each in visits:
        if each.task_id in booked:
            day = booked[each.task_id].day
            assert each.first_on <= day <= each.last_on
            assert CALENDAR.is_workday(day)


def test_only_addresses_in_a_district_of_some_team_are_in_the_service_area():
    area = ServiceArea.of((*TEAMS, Team(3, "Abroad", ("Riverside",), 1)))
    assert area.takes("上海市宝山区2号")
    assert area.takes("4 RIVERSIDE Road")
    assert not area.takes("杭州市西湖区")
    assert not area.takes("")


def test_without_any_team_the_area_is_not_known_and_keeps_nobody_out():
    area = ServiceArea.of(())
    assert not area.is_known
    assert area.takes("杭州市西湖区")


def test_a_draft_has_a_key_of_its_own_for_each_user_and_visit():
    keys = {draft_key(secret, user, visit) for secret in ("a", "b") for user in (1, 2) for visit in (1, 2)}
    assert len(keys) == 8
    assert draft_key("a", 1, 2) == draft_key("a", 1, 2)
    assert all(len(b64decode(key)) == 32 for key in keys)
