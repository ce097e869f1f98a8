"""Plans whatever they say: checked, stored, compared, expanded, sampled, paused and tried."""

from __future__ import annotations

import calendar as months
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hcrm.followup.domain.eligibility import PublishedPlan, StayFacts, choose_plan, takes
from hcrm.followup.domain.expansion import expand_plan, is_sampled, plan_occurrences, plan_step
from hcrm.followup.domain.pausing import Fate, WardStay, fate, pauses_for
from hcrm.followup.domain.plan import (
    Asked,
    ChangeKind,
    Condition,
    DayKind,
    Eligibility,
    FlawKind,
    HolidayRule,
    Known,
    PerformerRole,
    Plan,
    PlanInvalid,
    PlanScope,
    RiskLevel,
    Step,
    StepChannel,
    Trigger,
    differences,
    flaws_against,
    flaws_in,
    moved,
    plan_from_mapping,
    plan_to_mapping,
    with_step,
)
from hcrm.followup.domain.trial import Assumptions, TriedStay, Work, try_plans
from hcrm.followup.readers import plan_file, read_plan_file, shipped_plans
from hcrm.organization.domain import Calendar
from hcrm.patients.domain import age_in_years

ZONES = st.sampled_from(
    [ZoneInfo(name) for name in ("Asia/Shanghai", "Europe/London", "America/New_York", "Australia/Lord_Howe", "UTC")]
)
DAYS = st.dates(date(2024, 1, 1), date(2032, 12, 31))
CLOCKS = st.times().map(lambda at: at.replace(second=0, microsecond=0))
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda name: name.strip()
)
LANGUAGES = frozenset({"en", "zh_Hans"})
PLANS = [shipped.plan for shipped in shipped_plans()]


@st.composite
def steps(draw, code="call", *, patient=False):
    first = draw(st.integers(0, 60))
    last = first + draw(st.integers(1, 20))
    channel = draw(st.sampled_from(StepChannel))
    by_program = channel in (StepChannel.SMS, StepChannel.WEB)
    people = [each for each in PerformerRole if each is not PerformerRole.SYSTEM]
    every = draw(st.integers(4, 20)) if patient and draw(st.booleans()) else 0
    return Step(
        code=code,
        name_en=draw(NAMES),
        name_zh=draw(NAMES),
        tier=draw(st.sampled_from([None, 1, 2, 3])),
        channel=channel,
        performer=PerformerRole.SYSTEM if by_program else draw(st.sampled_from(people)),
        from_day=first,
        until_day=last,
        target_day=draw(st.integers(first, last)),
        from_time=draw(CLOCKS),
        until_time=draw(CLOCKS),
        target_time=draw(CLOCKS),
        day_kind=draw(st.sampled_from(DayKind)),
        holiday_rule=draw(st.sampled_from(HolidayRule)),
        sample=draw(st.floats(0.01, 1.0)),
        risks=frozenset(draw(st.sets(st.sampled_from(RiskLevel), min_size=1))),
        template="welcome" if by_program else None,
        questionnaires=(("*", "CLIN_GEN"),),
        repeat_weeks=every,
        repeat_until_day=first + every * 7 * draw(st.integers(0, 6)) if every else 0,
    )


@st.composite
def plans(draw):
    scope = draw(st.sampled_from(PlanScope))
    codes = [f"step_{number}" for number in range(draw(st.integers(1, 4)))]
    made = [draw(steps(code, patient=scope is PlanScope.PATIENT)) for code in codes]
    for number in range(1, len(made)):
        if draw(st.booleans()):
            condition = draw(st.sampled_from(Condition))
            made[number] = replace(
                made[number],
                condition=condition,
                trigger=Trigger.STEP_ENDED,
                after_steps=(made[number - 1].code,),
                answer_question="feeling" if condition is Condition.IF_ANSWER else "",
                answer_values=("worse",) if condition is Condition.IF_ANSWER else (),
            )
    rules = Eligibility(
        classes=frozenset(draw(st.sets(st.sampled_from(["IMP", "EMER", "SS"]), min_size=1))),
        departments=frozenset(draw(st.sets(st.sampled_from(["MED", "SUR"])))),
        diagnoses=tuple(draw(st.lists(st.sampled_from(["I50", "C", "E119"]), unique=True))),
        surgery=draw(st.sampled_from([None, True, False])),
        age_from=draw(st.sampled_from([None, 14, 65])),
        risks=frozenset(draw(st.sets(st.sampled_from(RiskLevel)))),
    )
    return Plan(draw(st.from_regex(r"[a-z]{2,8}", fullmatch=True)), draw(NAMES), draw(NAMES), scope, rules, tuple(made))


KNOWN = Known(
    languages=LANGUAGES,
    templates={"welcome": LANGUAGES},
    questionnaires={"CLIN_GEN": Asked(LANGUAGES, {"feeling": frozenset({"better", "worse"})})},
    departments=frozenset({"MED", "SUR"}),
)


@given(plans())
def test_a_plan_that_can_be_has_no_flaw_and_survives_being_stored_and_exported(plan):
    assert flaws_in(plan) == flaws_against(plan, KNOWN) == []
    assert plan_from_mapping(plan_to_mapping(plan)) == plan
    assert plan_from_mapping(read_plan_file(plan_file(plan, 7).encode())) == plan


@pytest.mark.parametrize("content", [b"code = " + b"[" * 90_000, b"position = " + b"1" * 5_000, b"\xff", b"[", b""])
def test_a_file_that_is_no_plan_is_refused_in_words(content):
    with pytest.raises(PlanInvalid):
        read_plan_file(content)


BREAKS = {
    FlawKind.WINDOW_EMPTY: {"from_day": 30, "target_day": 30, "until_day": 29},
    FlawKind.TARGET_OUTSIDE: {"target_day": 99},
    FlawKind.SHARE: {"sample": 0.0},
    FlawKind.CONDITION_WITHOUT_STEP: {"condition": Condition.IF_NOT_COMPLETED, "after_steps": ()},
    FlawKind.STEP_LATER: {"condition": Condition.IF_NOT_COMPLETED, "after_steps": ("step_0",)},
    FlawKind.STEP_UNKNOWN: {"condition": Condition.IF_NOT_COMPLETED, "after_steps": ("nowhere",)},
    FlawKind.ANSWER_MISSING: {"condition": Condition.IF_ANSWER, "answer_question": ""},
    FlawKind.NO_RISKS: {"risks": frozenset()},
    FlawKind.STEP_NAME_MISSING: {"name_zh": " "},
    FlawKind.NOTHING_TO_SAY: {"template": None, "questionnaires": ()},
}


@given(plans(), st.sampled_from(list(BREAKS.items())))
def test_what_is_broken_is_named_with_its_step(plan, broken):
    kind, change = broken
    worse = with_step(plan, replace(plan.steps[0], **change))
    assert (kind, "step_0") in {(flaw.kind, flaw.step) for flaw in flaws_in(worse)}


@given(plans(), st.floats(1.0, 5.0, exclude_min=True))
def test_a_share_above_one_is_refused(plan, share):
    worse = with_step(plan, replace(plan.steps[-1], sample=share))
    assert FlawKind.SHARE in {flaw.kind for flaw in flaws_in(worse) if flaw.step == plan.steps[-1].code}


@given(plans(), st.sampled_from(sorted(LANGUAGES)))
def test_a_text_or_questionnaire_that_lacks_a_language_is_refused(plan, language):
    known = replace(
        KNOWN,
        templates={"welcome": LANGUAGES - {language}},
        questionnaires={"CLIN_GEN": replace(KNOWN.questionnaires["CLIN_GEN"], languages=LANGUAGES - {language})},
    )
    found = {(flaw.kind, flaw.step) for flaw in flaws_against(plan, known)}
    for step in plan.steps:
        assert (FlawKind.QUESTIONNAIRE_LANGUAGE, step.code) in found
        assert ((FlawKind.TEMPLATE_LANGUAGE, step.code) in found) is (step.template is not None)
    nothing = Known(languages=LANGUAGES)
    assert {FlawKind.QUESTIONNAIRE_UNKNOWN} <= {flaw.kind for flaw in flaws_against(plan, nothing)}


@given(plans())
def test_a_condition_on_a_step_that_was_moved_behind_it_is_refused(plan):
    waiting = next((step for step in plan.steps if step.after_steps), None)
    assume(waiting is not None)
    turned = moved(plan, waiting.after_steps[0], len(plan.steps))
    assert (FlawKind.STEP_LATER, waiting.code) in {(flaw.kind, flaw.step) for flaw in flaws_in(turned)}


@given(plans(), st.data())
def test_differences_are_there_exactly_when_versions_differ(plan, data):
    assert differences(plan, plan) == []
    number = data.draw(st.integers(0, len(plan.steps) - 1))
    step = plan.steps[number]
    changed = replace(step, until_day=step.until_day + 1)
    found = differences(plan, with_step(plan, changed))
    assert [(each.kind, each.step, each.field) for each in found] == [(ChangeKind.CHANGED, step.code, "until_day")]
    fewer = replace(plan, steps=plan.steps[:-1])
    gone, new = differences(plan, fewer), differences(fewer, plan)
    assert [(each.kind, each.step) for each in gone] == [(ChangeKind.REMOVED, plan.steps[-1].code)]
    assert [(each.kind, each.step) for each in new] == [(ChangeKind.ADDED, plan.steps[-1].code)]


@st.composite
def calendars(draw):
    first = draw(DAYS)
    holidays = frozenset(first + timedelta(days=n) for n in range(draw(st.integers(0, 40))))
    return Calendar(holidays=holidays, workdays=frozenset(draw(st.lists(DAYS, max_size=8))))


@settings(max_examples=200)
@given(steps(patient=True), DAYS, calendars(), ZONES)
def test_any_window_holds_its_target_through_gaps_overlaps_leap_days_and_holidays(step, day, calendar, zone):
    found = list(plan_occurrences(step, day, calendar, zone))
    assert [each.occurrence for each in found] == list(range(1, len(found) + 1))
    for each in found:
        assert each.window_starts_at < each.due_at
        assert each.window_starts_at <= each.target_at <= each.due_at
        assert each.due_at.tzinfo is UTC
        # A clock time that daylight saving skips, or a window it swallows, ends an hour later at most.
        assert each.due_at.astimezone(zone).date() in {each.due_on, each.due_on + timedelta(days=1)}
    starts = [each.window_starts_at for each in found]
    assert starts == sorted(starts)


@given(st.sampled_from(HolidayRule), DAYS, st.integers(1, 20), ZONES)
def test_a_window_entirely_of_holidays_follows_the_rule(rule, day, length, zone):
    """The window and the days around it are holidays; the first workday after them is known."""
    calendar = Calendar(
        weekend=frozenset(), holidays=frozenset(day + timedelta(days=n) for n in range(-30, length + 31))
    )
    step = replace(PLANS[0].steps[0], from_day=1, target_day=1, until_day=length, holiday_rule=rule,
                   day_kind=DayKind.DAYS, from_time=time(8), until_time=time(20), target_time=time(10))  # fmt: skip
    planned = plan_step(step, day, calendar, zone)
    target = planned.target_at.astimezone(zone).date()
    if rule is HolidayRule.POSTPONE:
        assert target == planned.due_on == day + timedelta(days=length + 31)
    else:
        assert (target, planned.due_on) == (day + timedelta(days=1), day + timedelta(days=length))


@given(st.integers(2024, 2036), st.integers(1, 400))
def test_days_are_counted_through_leap_days(year, later):
    step = replace(PLANS[0].steps[0], from_day=later, target_day=later, until_day=later + 1,
                   day_kind=DayKind.DAYS, holiday_rule=HolidayRule.KEEP, from_time=time(8))  # fmt: skip
    planned = plan_step(step, date(year, 2, 28), Calendar(), ZoneInfo("UTC"))
    assert (planned.window_starts_at.date() - date(year, 2, 28)).days == later
    if later == 1:
        assert planned.window_starts_at.date() == (date(year, 2, 29) if months.isleap(year) else date(year, 3, 1))


@given(st.dates(date(1920, 1, 1), date(2030, 12, 31)), DAYS)
def test_age_grows_by_one_each_birthday(born, day):
    age = age_in_years(born, day)
    if day < born:
        assert age is None
    else:
        assert 365 * age <= (day - born).days < 366.25 * (age + 1) + 1
        assert age_in_years(born, day + timedelta(days=366)) in {age + 1, age + 2}


@settings(max_examples=30, deadline=None)
@given(st.floats(0.02, 0.98), st.from_regex(r"[a-z]{1,8}:[0-9]{1,3}", fullmatch=True), st.integers(0, 10**9))
def test_shares_are_reproducible_and_within_binomial_bounds(share, label, first):
    step = replace(PLANS[0].steps[0], sample=share)
    drawn = [is_sampled(step, label, encounter) for encounter in range(first, first + 2_000)]
    assert drawn == [is_sampled(step, label, encounter) for encounter in range(first, first + 2_000)]
    # Five standard deviations: one run in two million would be outside.
    assert abs(sum(drawn) - 2_000 * share) <= 5 * (2_000 * share * (1 - share)) ** 0.5
    wider = replace(step, sample=min(1.0, share + 0.01))
    assert all(is_sampled(wider, label, first + n) for n, chosen in enumerate(drawn) if chosen)


HOURS = st.integers(0, 3_000).map(lambda hours: datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=hours))


@st.composite
def ward_stays(draw):
    found = []
    for number in range(draw(st.integers(0, 4))):
        begins = draw(HOURS)
        stays_on = draw(st.booleans())
        left = None if stays_on else begins + timedelta(hours=draw(st.integers(1, 500)))
        found.append(WardStay(number, begins, left))
    return found


@given(ward_stays(), HOURS, st.one_of(st.none(), HOURS), st.randoms())
def test_what_a_stay_does_to_a_step_does_not_depend_on_the_order_of_the_records(stays, due, reopened, chance):
    found = fate(due, reopened, stays)
    mixed = list(stays)
    chance.shuffle(mixed)
    assert fate(due, reopened, mixed) == found
    assert pauses_for(mixed) == pauses_for(stays)
    if found[0] is Fate.HELD:
        assert any(each.left_at is None and each.admitted_at < due for each in stays)
    if found[0] is Fate.LEFT_OUT:
        assert any(each.left_at and each.admitted_at == found[1] and found[1] < due <= each.left_at for each in stays)
    if found[0] is Fate.OPEN and reopened is None:
        assert all(due <= each.admitted_at or (each.left_at and each.left_at < due) for each in stays)


STAYS = st.builds(
    StayFacts,
    encounter_class=st.sampled_from(["IMP", "EMER", "SS", "OBSENC", "AMB"]),
    disposition=st.sampled_from(["home", "expired", "transfer_acute", "left_without_being_seen"]),
    post_acute=st.booleans(),
    finished=st.booleans(),
    cancelled=st.just(value=False),
    discharged_on=st.one_of(st.none(), st.dates(date(2026, 2, 1), date(2026, 2, 28))),
    diagnoses=st.lists(st.sampled_from(["I50.9", "C34.1", "O80", "K80.2", "E11.9"]), max_size=3).map(tuple),
    surgery=st.booleans(),
    age=st.one_of(st.none(), st.integers(0, 100)),
    risk=st.sampled_from(RiskLevel),
    department=st.sampled_from(["MED", "SUR", ""]),
)
PUBLISHED = [PublishedPlan(number, number, 1, plan, number) for number, plan in enumerate(PLANS)]


@given(st.lists(plans(), max_size=4), STAYS)
def test_the_first_plan_whose_rules_all_hold_is_the_one(made, stay):
    published = [PublishedPlan(number, number, 1, plan, number) for number, plan in enumerate(made)]
    for scope in PlanScope:
        found = choose_plan(published, stay, scope)
        fitting = [each for each in published if each.plan.scope is scope and takes(each.plan.eligibility, stay)]
        open_to = stay.finished and not stay.post_acute and stay.discharged_on is not None
        assert found == (fitting[0] if fitting and open_to else None)


@settings(max_examples=40, deadline=None)
@given(st.lists(STAYS, max_size=40), ZONES, st.floats(0.0, 1.0), st.floats(1.0, 3.0))
def test_a_trial_adds_up_whichever_way_it_is_counted(facts, zone, reached, attempts):
    stays = [TriedStay(number, each, "en") for number, each in enumerate(facts)]
    assumed = Assumptions(reached=reached, attempts_per_call=attempts)
    found = try_plans(PUBLISHED, stays, Calendar(), zone, assumed, {})
    for parts in (found.by_team.values(), found.by_step.values()):
        whole = sum(parts, Work())
        assert whole.calls == pytest.approx(found.total.calls)
        assert whole.cost == pytest.approx(found.total.cost)
        assert whole.hours == pytest.approx(found.total.hours)
    assert found.enrolled_total == sum(choose_plan(PUBLISHED, each) is not None for each in facts)
    twice = try_plans(
        PUBLISHED, [*stays, *(replace(each, person_id=1_000 + each.person_id) for each in stays)],
        Calendar(), zone, assumed, {},
    )  # fmt: skip
    assert twice.total.calls == pytest.approx(2 * found.total.calls)


def test_a_trial_counts_home_visits_only_where_the_teams_go():
    facts = StayFacts("IMP", "home", post_acute=False, finished=True, cancelled=False, discharged_on=date(2026, 2, 3))
    stays = [TriedStay(number, facts, "en", in_area=number < 30) for number in range(100)]
    found = try_plans(PUBLISHED, stays, Calendar(), ZoneInfo("Asia/Shanghai"), Assumptions(), {})
    everywhere = [replace(each, in_area=True) for each in stays]
    wide = try_plans(PUBLISHED, everywhere, Calendar(), ZoneInfo("Asia/Shanghai"), Assumptions(), {})
    assert found.total.visits == pytest.approx(30 * 0.05)
    assert wide.total.visits == pytest.approx(100 * 0.05)
    assert found.total.calls == pytest.approx(wide.total.calls)


@given(DAYS, st.sampled_from(RiskLevel), calendars(), ZONES)
def test_every_shipped_plan_can_be_expanded(day, risk, calendar, zone):
    for plan in PLANS:
        for planned in expand_plan(plan, day, risk, calendar, zone):
            assert planned.window_starts_at < planned.due_at
