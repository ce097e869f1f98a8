"""Every figure, at every grouping, equals a plain and slow computation on small hospitals that Hypothesis makes.

Nothing here is taken from the figures themselves: the definitions are written down a second time, over plain objects.
``pytest --hypothesis-profile=thorough`` tries thousands of hospitals.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from statistics import mean, median
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hcrm.accounts.domain import Scope
from hcrm.appointments.queries import visit_figures_by_department
from hcrm.organization.models import Clinician, Department
from hcrm.reporting import service
from hcrm.reporting.domain.measures import MEASURES
from hcrm.reporting.domain.reach import tries_until_reached
from hcrm.reporting.domain.recount import recount
from hcrm.reporting.domain.reports import Basis, By, Selection
from hcrm.reporting.domain.revisits import Stay
from hcrm.reporting.queries.attempts import tries_by_hour, tries_of_tasks
from hcrm.reporting.queries.tasks import TaskFilter
from hcrm.reporting.service.analysis import return_sides
from hcrm.reporting.service.rollup import work_off
from hcrm.survey.models import Questionnaire, QuestionnaireVersion
from hcrm.wiring import install_defaults
from tests.benchmarks.many_discharges import fill
from tests.integration.reporting.small_hospitals import (
    NOW,
    ZONE,
    Hospital,
    PlainResponse,
    PlainStay,
    PlainTask,
    hospitals,
    write,
)

EXCLUDING = {
    "readmitted", "deceased", "transferred", "opted_out", "duplicate_merged", "entered_in_error", "condition_not_met",
    "ineligible", "superseded",
}  # fmt: skip
CHAPTERS = {"": None, "I21.0": "I00", "i210": "I00", "J44.1": "J00", "Z51.1": "Z00", "O80 birth": "O00", "unwell": None}
BEDS = {"IMP", "SS", "OBSENC"}
ANSWERED = {"answered_patient", "answered_proxy"}
PEOPLE = {"phone", "home_visit"}
Group = Any


class Ground:
    """A database with departments, clinicians, staff and questionnaires, into which hospitals are written."""

    def __init__(self, session: Session, facility: int) -> None:
        install_defaults(session, NOW)
        for code in ("D1", "D2"):
            session.add(Department(facility_id=facility, code=code, name=code, name_zh="", needs_review=False,
                                   active=True, created_at=NOW))  # fmt: skip
        session.flush()
        self.session, self.facility = session, facility
        self.places = tuple(session.scalars(select(Department.id).where(Department.code.in_(("D1", "D2")))))
        self.clinicians = tuple(session.scalars(select(Clinician.id)))
        self.staff: tuple[int, ...] = ()
        self.version = session.scalar(
            select(QuestionnaireVersion.id)
            .join(Questionnaire, Questionnaire.id == QuestionnaireVersion.questionnaire_id)
            .where(Questionnaire.code == "SAT_IP")
        )


@pytest.fixture
def ground(session: Session, facility: int) -> Ground:
    return Ground(session, facility)


@contextmanager
def in_the_database(ground: Ground, hospital: Hospital) -> Iterator[None]:
    """The hospital is there, and gone afterwards."""
    point = ground.session.begin_nested()
    try:
        write(ground.session, ground.facility, ground.version or 0, hospital)
        yield
    finally:
        point.rollback()


@settings(
    max_examples=max(12, settings.default.max_examples // 8),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_every_figure_equals_the_plain_computation(ground: Ground, data: st.DataObject) -> None:
    hospital = data.draw(hospitals(ground.places, (901, 902), (801, 802)))
    whole = Selection(date(2026, 1, 10), date(2026, 2, 20), {ground.facility: None})
    selection = data.draw(
        st.sampled_from(
            [
                whole,
                Selection(None, None, {ground.facility: None}),
                Selection(whole.from_on, whole.to_on, {ground.facility: frozenset(ground.places[:1])}),
                Selection(whole.from_on, whole.to_on, {ground.facility: None}, ground.places[1]),
            ]
        )
    )
    with in_the_database(ground, hospital):
        if data.draw(st.booleans()):
            while work_off(ground.session, NOW):
                pass
        check_followup(ground.session, hospital, selection, data.draw(st.sampled_from(Basis)))
        check_tries(ground.session, hospital, selection)
        for code in data.draw(st.lists(st.sampled_from(list(MEASURES)), min_size=2, max_size=2, unique=True)):
            check_returns(ground.session, ground.facility, hospital, selection, code)
        check_answers(ground.session, hospital, selection)
        check_visits(ground.session, ground.facility, hospital, selection)
        assert [each for each in service.verify(ground.session, NOW) if each.differences] == []


def inside(selection: Selection, department: int | None, day: date) -> bool:
    (allowed,) = (selection.scope or {}).values()
    here = (allowed is None or department in allowed) and selection.department_id in {None, department}
    return here and (selection.from_on or date.min) <= day <= (selection.to_on or date.max)


def grouped(records: Iterable[Any], key: Callable[[Any], Group]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for each in records:
        value = key(each)
        found["unknown" if value is None else str(value)].append(each)
    return found


# Follow-up


def funnel_of(tasks: list[PlainTask]) -> dict[str, Any]:
    left_out, due, still_open = Counter[str](), [], 0
    for each in tasks:
        taken_back = each.ended_at is not None and each.ended_at <= each.due_at
        cause = each.reason in EXCLUDING or (each.reason == "fatigue_limit" and each.form == "SAT_IP")
        if taken_back and (each.status == "entered_in_error" or (each.status == "cancelled" and cause)):
            left_out[each.reason or "entered_in_error"] += 1
        elif each.status in {"open", "on_hold"} and each.due_at >= NOW:
            still_open += 1
        else:
            due.append(each)
    done = [each for each in due if each.status == "completed"]
    return {
        "planned": len(tasks),
        "excluded": dict(left_out),
        "open": still_open,
        "due": len(due),
        "attempted": sum(each.first_attempt_at is not None for each in due),
        "reached": sum(each.reached_at is not None for each in due),
        "completed": len(done),
        "completed_in_time": sum(
            each.completed_at is not None and each.completed_at.astimezone(ZONE).date() <= each.due_on for each in done
        ),
    }


def said_funnel(row: Any) -> dict[str, Any]:
    names = ("planned", "open", "due", "attempted", "reached", "completed", "completed_in_time")
    return {"excluded": dict(row.funnel.excluded), **{name: getattr(row.funnel, name) for name in names}}


def check_followup(session: Session, hospital: Hospital, selection: Selection, basis: Basis) -> None:
    def day(each: PlainTask) -> date:
        return each.due_on if basis is Basis.WINDOW else each.stay.ended_on

    keys: dict[By, Callable[[PlainTask], Group]] = {
        By.DEPARTMENT: lambda each: each.department,
        By.TIER: lambda each: each.tier,
        By.CHANNEL: lambda each: each.channel,
        By.CLINICIAN: lambda each: each.clinician,
        By.STAFF: lambda each: each.ended_by if each.ended_by is not None else each.assignee,
        By.STEP: lambda each: each.step,
        By.MONTH: lambda each: f"{day(each):%Y-%m}",
        By.WEEK: lambda each: "{}-W{:02d}".format(*day(each).isocalendar()[:2]),
        By.DAY: lambda each: f"{day(each):%Y-%m-%d}",
        By.NONE: lambda _each: "all",
    }
    of_stays: dict[By, Callable[[PlainStay], Group]] = {
        By.DEPARTMENT: lambda each: each.department,
        By.CLINICIAN: lambda each: each.clinician,
        By.MONTH: lambda each: f"{each.ended_on:%Y-%m}",
    }
    tasks = [each for each in hospital.tasks if inside(selection, each.department, day(each))]
    live = [each for each in hospital.stays if _left_alive(hospital, each)]
    live = [each for each in live if inside(selection, each.department, each.ended_on)]
    for by, key in keys.items():
        report = service.followup_report(session, selection=selection, by=by, now=NOW, only=TaskFilter(basis=basis))
        expected = {group: funnel_of(found) for group, found in grouped(tasks, key).items()}
        rows = {row.label.key: row for row in report.rows if row.funnel.planned or by is not By.NONE}
        assert {group: said_funnel(row) for group, row in rows.items() if row.funnel.planned} == expected, by
        assert said_funnel(report.total) == funnel_of(tasks)
        assert (report.total.discharged, report.total.followed_up) == _contacts(hospital, live)
        for name in ("planned", "due", "open", "attempted", "reached", "completed", "completed_in_time"):
            assert sum(getattr(row.funnel, name) for row in report.rows) == getattr(report.total.funnel, name)
        if by in of_stays:
            discharges = {group: _contacts(hospital, found) for group, found in grouped(live, of_stays[by]).items()}
            said = {key: (row.discharged, row.followed_up) for key, row in rows.items() if row.discharged}
            assert said == discharges, by


def _left_alive(hospital: Hospital, each: PlainStay) -> bool:
    died_on = next(person.died_on for person in hospital.people if person.id == each.patient)
    died = each.disposition == "expired" or (died_on is not None and died_on <= each.ended_on)
    return each.kind in BEDS and each.status == "finished" and not each.post_acute and not died


def _contacts(hospital: Hospital, stays: list[PlainStay]) -> tuple[int, int]:
    done = {task.stay.id for task in hospital.tasks if task.status == "completed" and task.channel in PEOPLE}
    return len(stays), sum(each.id in done for each in stays)


def check_tries(session: Session, hospital: Hospital, selection: Selection) -> None:
    by_hour: dict[tuple[int, int], list[bool]] = defaultdict(list)
    for each in hospital.tries:
        local = each.at.astimezone(ZONE)
        if not each.by_patient and inside(selection, each.task.department, local.date()):
            by_hour[local.weekday(), local.hour].append(each.connection in ANSWERED)
    found = {(hour.weekday, hour.hour): (hour.tries, hour.reached) for hour in tries_by_hour(session, selection)}
    assert found == {place: (len(tries), sum(tries)) for place, tries in by_hour.items()}

    reached, made = [], Counter[int]()
    for task in hospital.tasks:
        if task.channel not in PEOPLE or not inside(selection, task.department, task.due_on):
            continue
        own = sorted((each.at, each.id, each.connection) for each in hospital.tries
                     if each.task == task and not each.by_patient)  # fmt: skip
        made.update(range(1, len(own) + 1))
        reached += [at for at, each in enumerate(own, 1) if each[2] in ANSWERED][:1]
    assert tries_until_reached(*tries_of_tasks(session, selection)) == tries_until_reached(reached, made)


# Returns


def check_returns(session: Session, facility: int, hospital: Hospital, selection: Selection, code: str) -> None:
    measure = MEASURES[code]
    stays = [_stay(hospital, facility, each) for each in hospital.stays if _counts(each)]
    by_id = {each.id: each for each in hospital.stays}
    found = [
        each
        for each in recount(stays, measure, from_on=selection.from_on, to_on=selection.to_on, now=NOW)
        if inside(selection, by_id[each[0]].department, by_id[each[0]].ended_on)
    ]
    for by, key in _keys_of_returns(hospital, facility).items():
        report = service.revisit_report(session, measure=code, selection=selection, by=by, now=NOW)
        expected = {
            group: _returned(own) for group, own in grouped(found, lambda each, key=key: key(by_id[each[0]])).items()
        }
        assert {row.label.key: _said_returns(row) for row in report.rows} == (expected or _nothing(by)), (code, by)
        assert _said_returns(report.total) == _returned(found)


def _nothing(by: By) -> dict[str, Any]:
    return {"all": _returned([])} if by is By.NONE else {}


def _keys_of_returns(hospital: Hospital, facility: int) -> dict[By, Callable[[PlainStay], Group]]:
    def age(each: PlainStay) -> str | None:
        born = next(person.born_on for person in hospital.people if person.id == each.patient)
        if born is None or born > each.ended_on:
            return None
        years = each.ended_on.year - born.year - ((each.ended_on.month, each.ended_on.day) < (born.month, born.day))
        return f"{max(low for low in (0, 18, 45, 65, 75, 85) if low <= years):02d}"

    def outcome(each: PlainStay) -> str:
        calls = [task for task in hospital.tasks if task.stay.id == each.id and task.channel in PEOPLE]
        reached = any(task.reached_at is not None for task in calls)
        return ("reached" if reached else "not_reached") if calls else "no_call"

    return {
        By.DEPARTMENT: lambda each: each.department,
        By.MONTH: lambda each: f"{each.ended_on:%Y-%m}",
        By.FACILITY: lambda _each: facility,
        By.DIAGNOSIS: lambda each: CHAPTERS[each.diagnosis],
        By.DISPOSITION: lambda each: each.disposition,
        By.AGE: age,
        By.OUTCOME: outcome,
        By.NONE: lambda _each: "all",
    }


def _counts(each: PlainStay) -> bool:
    return each.status in {"finished", "in_progress"} and not each.post_acute


def _stay(hospital: Hospital, facility: int, each: PlainStay) -> Stay:
    over = each.status == "finished"
    return Stay(
        each.id, hospital.person(each.patient), facility, ZONE, each.kind, each.begins,
        each.begins.astimezone(ZONE).date(), each.ends if over else None, each.ended_on if over else None, each.planned,
        each.disposition, each.diagnosis, each.return_plan, hospital.died_on(each.patient), each.department,
    )  # fmt: skip


def _returned(found: list[Any]) -> tuple[Any, ...]:
    kept = [each for each in found if each[1] is None]
    reasons = Counter(each[1] for each in found if each[1])
    return sum(each[3] is not None for each in kept), len(kept), sum(each[2] for each in kept), dict(reasons)


def _said_returns(row: Any) -> tuple[Any, ...]:
    return row.rate.numerator, row.rate.denominator, row.provisional, dict(row.excluded)


# Answers


def check_answers(session: Session, hospital: Hospital, selection: Selection) -> None:
    given = [
        (response, answer)
        for response in hospital.responses
        for answer in response.answers
        if not answer.superseded and inside(selection, response.department, answer.at.astimezone(ZONE).date())
    ]
    asked = [
        each
        for each in hospital.responses
        if each.state != "ineligible" and inside(selection, each.department, each.invited_at.astimezone(ZONE).date())
    ]
    by_question = service.satisfaction_report(session, selection=selection, by=By.QUESTION)
    said = {row.question: _said_answers(row) for row in by_question.rows if row.n}
    values = grouped([(each[1].question, each[1].value) for each in given], lambda each: each[0])
    assert said == {
        question: scores for question, own in values.items() if (scores := _scores(question, own, part=True))[0]
    }
    keys: dict[By, tuple[Callable[[Any], Group], Callable[[PlainResponse], Group]]] = {
        By.DEPARTMENT: (lambda each: each[0].department, lambda each: each.department),
        By.MONTH: (
            lambda each: f"{each[1].at.astimezone(ZONE):%Y-%m}",
            lambda each: f"{each.invited_at.astimezone(ZONE):%Y-%m}",
        ),
        By.NONE: (lambda _each: "all", lambda _each: "all"),
    }
    for by, (of_answer, of_response) in keys.items():
        report = service.satisfaction_report(session, selection=selection, by=by)
        rows = {row.label.key: row for row in report.rows}
        answers, invited = grouped(given, of_answer), grouped(asked, of_response)
        for group in rows.keys() | answers.keys() | invited.keys():
            if by is By.NONE and group not in answers and group not in invited:
                continue
            overall = [("overall", each[1].value) for each in answers.get(group, []) if each[1].question == "overall"]
            assert _said_answers(rows[group]) == _scores("overall", overall, part=by is not By.NONE), (by, group)
            responses = invited.get(group, [])
            assert rows[group].invited == len(responses)
            replied = sum(each.state in {"completed", "partial"} for each in responses)
            assert rows[group].response_rate.value == (replied / len(responses) if responses else None)


def _scores(question: str, given: list[Any], *, part: bool) -> tuple[Any, ...]:
    """(n, positive, very satisfied, mean); of a part with fewer than five answers only n."""
    values = [value for _question, value in given if value != "na"]
    good, best = ((9, 10), (9, 10)) if question == "recommend" else ((4, 5), (5,))
    if not values or (part and len(values) < 5):
        return len(values), None, None, None
    return (
        len(values),
        sum(value in good for value in values),
        pytest.approx(sum(value in best for value in values) / len(values)),
        pytest.approx(mean(values)),
    )


def _said_answers(row: Any) -> tuple[Any, ...]:
    return row.n, row.positive, row.top_box.value, row.mean.value


# Return visits


def check_visits(session: Session, facility: int, hospital: Hospital, selection: Selection) -> None:
    if selection.from_on is None or selection.to_on is None:
        return
    (allowed,) = (selection.scope or {}).values()
    found = visit_figures_by_department(
        session, Scope({facility: allowed}), from_on=selection.from_on, to_on=selection.to_on, zone=ZONE, now=NOW,
        department_id=selection.department_id,
    )  # fmt: skip
    due = [
        each
        for each in hospital.visits
        if each.state != "cancelled"
        and each.starts_at < NOW
        and inside(selection, each.department, each.starts_at.astimezone(ZONE).date())
    ]
    live = [
        each
        for each in hospital.stays
        if _left_alive(hospital, each) and inside(selection, each.department, each.ended_on)
    ]
    for department in [*hospital.departments, None]:
        here = [each for each in due if department in {None, each.department}]
        ended = [each for each in live if department in {None, each.department}]
        booked = sum(any(_booked_before(hospital, stay, visit) for visit in hospital.visits) for stay in ended)
        leads = [max(0.0, (each.starts_at - each.booked_at) / timedelta(days=1)) for each in here]
        expected = (
            len(ended), booked, len(here), sum(each.state in {"arrived", "fulfilled"} for each in here),
            sum(each.state == "noshow" for each in here), pytest.approx(median(leads)) if leads else None,
        )  # fmt: skip
        said = found.get(department)
        if said is None:
            assert expected[:3] == (0, 0, 0)
            continue
        assert (said.discharged, said.booked_before, said.due, said.kept, said.missed, said.lead_days) == expected


def _booked_before(hospital: Hospital, stay: PlainStay, visit: Any) -> bool:
    return (
        hospital.person(visit.patient) == hospital.person(stay.patient)
        and visit.state != "cancelled"
        and visit.booked_at <= stay.ends < visit.starts_at
    )


def test_expected_returns_add_up_to_the_observed_ones(session: Session, facility: int) -> None:
    """O/E: over all departments together as many are expected as came back; what each observed is its own number."""
    install_defaults(session, NOW)
    fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=NOW, discharges=600)
    session.execute(text("UPDATE enrolment SET risk_score = id % 12"))
    session.execute(text("UPDATE patient SET sex = 'male' WHERE id % 3 = 0"))
    everything = Selection(scope={facility: None})
    sides = return_sides(session, selection=everything, measure="readmit_30d", by=By.DEPARTMENT, now=NOW)
    report = service.revisit_report(session, measure="readmit_30d", selection=everything, by=By.DEPARTMENT, now=NOW)
    assert sides.modelled == sides.discharges == report.total.rate.denominator
    assert sum(each.ratio.expected for each in sides.expected) == pytest.approx(report.total.rate.numerator, abs=0.01)
    observed = {each.label.key: (each.ratio.observed, each.discharges) for each in sides.expected}
    assert observed == {row.label.key: (row.rate.numerator, row.rate.denominator) for row in report.rows}
