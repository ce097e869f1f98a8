"""What the pages behind the overview show: follow-up, returns and what patients say, each looked at from many sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from hcrm.patients.domain import Sex
from hcrm.reporting.domain.case_mix import Case, Model, Ratio, fit, ratio
from hcrm.reporting.domain.comments import DEFAULT_WORDS, Tone, tone, topics
from hcrm.reporting.domain.drivers import LEAST_PAIRS, Correlation, correlation
from hcrm.reporting.domain.groups import years_old
from hcrm.reporting.domain.kaplan_meier import Returned
from hcrm.reporting.domain.reach import Hour, Try, best_hours, tries_until_reached
from hcrm.reporting.domain.reports import By, FollowupReport, Label, RevisitReport, SatisfactionReport, Selection
from hcrm.reporting.domain.revisits import Outcome
from hcrm.reporting.domain.spc import Chart, xmr_chart
from hcrm.reporting.queries.answers import responses_with_answers
from hcrm.reporting.queries.attempts import tries_by_hour, tries_of_tasks
from hcrm.reporting.queries.comments import word_lists, written
from hcrm.reporting.queries.indexes import known
from hcrm.reporting.queries.tasks import TaskFilter
from hcrm.reporting.service.followup import followup_report
from hcrm.reporting.service.labels import Labels
from hcrm.reporting.service.revisits import ONE_BY_ONE, counted_figures, revisit_figures
from hcrm.reporting.service.satisfaction import DEFAULT_QUESTIONNAIRE, OVERALL, SCORED_KINDS, satisfaction_report
from hcrm.survey.domain import QuestionKind
from hcrm.survey.domain.redaction import redacted
from hcrm.survey.domain.scoring import SMALL_GROUP
from hcrm.survey.queries import questionnaire as published_questionnaire
from hcrm.survey.queries import questionnaires as published_questionnaires

COMMENTS = 200
"""So many comments are shown, the newest."""

MONTHS = 24
"""So many months stand on the chart of satisfaction."""


@dataclass(frozen=True, slots=True)
class FollowupSides:
    """The funnel in groups, the days, when patients are reached and how many tries it takes."""

    report: FollowupReport
    days: FollowupReport
    hours: tuple[Hour, ...]
    best: tuple[Hour, ...]
    tries: tuple[Try, ...]


def followup_sides(session: Session, *, selection: Selection, by: By, now: datetime, only: TaskFilter) -> FollowupSides:
    """Everything on the page of follow-up."""
    hours = tries_by_hour(session, selection)
    reached_at, made = tries_of_tasks(session, selection)
    people = TaskFilter(basis=only.basis, human=True, without_recall=True)
    return FollowupSides(
        followup_report(session, selection=selection, by=by, now=now, only=only),
        followup_report(session, selection=selection, by=By.DAY, now=now, only=people),
        tuple(hours),
        tuple(best_hours(hours)),
        tuple(tries_until_reached(reached_at, made)),
    )


@dataclass(frozen=True, slots=True)
class Expected:
    """A department's returns beside what the case mix lets expect."""

    label: Label
    discharges: int
    ratio: Ratio


@dataclass(frozen=True, slots=True)
class ReturnSides:
    """A revisit measure in groups, its curve, and returns against what the case mix lets expect.

    ``modelled`` of ``discharges`` had an age, a sex and a LACE index; None without a model (too few returns).
    """

    report: RevisitReport
    curve: tuple[Returned, ...]
    expected: tuple[Expected, ...]
    modelled: int
    discharges: int
    model: Model | None


def return_sides(session: Session, *, selection: Selection, measure: str, by: By, now: datetime) -> ReturnSides:
    """Everything on the page of returns. Raises ``UnknownMeasure``."""
    each = revisit_figures(session, measure=measure, selection=selection, now=now)
    figures = each if by in ONE_BY_ONE else counted_figures(session, measure=measure, selection=selection, now=now)
    indexes = [outcome for outcome in each.outcomes if outcome.excluded is None]
    cases = _cases(session, indexes)
    model = fit(list(cases.values()))
    return ReturnSides(
        figures.report(session, by),
        each.returned_by_day(),
        _expected(session, indexes, cases, model),
        len(cases),
        len(indexes),
        model,
    )


def _cases(session: Session, indexes: list[Outcome]) -> dict[int, Case]:
    """The indexes that the model can use, by their place in the list."""
    found = known(session, (outcome.index.id for outcome in indexes))
    cases = {}
    for at, outcome in enumerate(indexes):
        facts, day = found.get(outcome.index.id), outcome.index.discharged_on
        if facts is None or facts.born_on is None or facts.lace is None or day is None:
            continue
        if facts.sex not in {Sex.MALE, Sex.FEMALE} or facts.born_on > day:
            continue
        age = years_old(facts.born_on, day)
        cases[at] = Case(age, facts.sex is Sex.MALE, facts.lace, outcome.revisit is not None)
    return cases


def _expected(
    session: Session, indexes: list[Outcome], cases: Mapping[int, Case], model: Model | None
) -> tuple[Expected, ...]:
    if model is None:
        return ()
    groups: dict[Any, list[Case]] = {}
    for at, case in cases.items():
        groups.setdefault(indexes[at].index.department_id, []).append(case)
    labels, found = Labels(session, By.DEPARTMENT), []
    for key in labels.ordered(groups):
        here = ratio(sum(case.returned for case in groups[key]), sum(model.expected(case) for case in groups[key]))
        if here is not None:
            found.append(Expected(labels.of(key), len(groups[key]), here))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Comment:
    """What a patient wrote, blackened, with the topics and the tone of its words."""

    words: str
    department: Label
    answered_at: datetime
    topics: tuple[str, ...]
    tone: Tone


@dataclass(frozen=True, slots=True)
class Driver:
    """How a question moves with the overall score; ``found`` None with too few answers."""

    label: Label
    found: Correlation | None


@dataclass(frozen=True, slots=True)
class SaidSides:
    """What patients say: by question, by group, over months, what moves with the whole, and in their own words."""

    questions: SatisfactionReport
    report: SatisfactionReport
    months: SatisfactionReport
    chart: Chart
    drivers: tuple[Driver, ...]
    comments: tuple[Comment, ...]


def said_sides(
    session: Session, *, selection: Selection, facility_id: int, by: By, topic: str = "", today: date
) -> SaidSides:
    """Everything on the page of satisfaction; ``topic`` narrows the comments to a topic or a tone."""
    until = selection.to_on or today
    first = (until.replace(day=1) - timedelta(days=31 * (MONTHS - 1))).replace(day=1)
    long = Selection(first, until, selection.scope, selection.department_id)
    months = satisfaction_report(session, selection=long, by=By.MONTH, with_index=False)
    means = [row.mean.value for row in months.rows if row.mean.value is not None]
    return SaidSides(
        satisfaction_report(session, selection=selection, by=By.QUESTION, with_index=False),
        satisfaction_report(session, selection=selection, by=by),
        months,
        xmr_chart(means),
        _drivers(session, selection),
        comments_of(session, selection, facility_id, topic),
    )


def _drivers(session: Session, selection: Selection) -> tuple[Driver, ...]:
    if not published_questionnaires(session):
        return ()
    form = published_questionnaire(session, DEFAULT_QUESTIONNAIRE)
    answers = [each for _key, each in responses_with_answers(session, selection, form.code, By.NONE)]
    found = []
    for question in form.questions:
        if question.kind not in SCORED_KINDS or question.code == OVERALL:
            continue
        pairs = [
            (float(one), float(whole))
            for each in answers
            if isinstance(one := each.get(question.code), int) and isinstance(whole := each.get(OVERALL), int)
        ]
        text = question.wording.patient
        moved = correlation(pairs) if len(pairs) >= LEAST_PAIRS else None
        found.append(Driver(Label(question.code, text.en, text.zh, question.code), moved))
    return tuple(sorted(found, key=lambda driver: -(driver.found.r if driver.found else -2)))


def comments_of(session: Session, selection: Selection, facility_id: int, topic: str = "") -> tuple[Comment, ...]:
    """The newest comments of a place, blackened and sorted; ``topic`` narrows them to a topic or a tone.

    Of fewer than five nobody's is shown, so that nobody can be recognised.
    """
    if not published_questionnaires(session):
        return ()
    form = published_questionnaire(session, DEFAULT_QUESTIONNAIRE)
    asked = [question.code for question in form.questions if question.kind is QuestionKind.TEXT]
    lists = lists_of(session, facility_id)
    labels = Labels(session, By.DEPARTMENT)
    told, found = written(session, selection, form.code, asked, limit=COMMENTS), []
    for each in told if len(told) >= SMALL_GROUP else ():
        comment = Comment(
            redacted(redacted(each.words, each.staff), each.names),
            labels.of(each.department_id),
            each.answered_at,
            topics(each.words, lists),
            tone(each.words, lists),
        )
        if not topic or topic in comment.topics or topic == comment.tone:
            found.append(comment)
    return tuple(found)


def lists_of(session: Session, facility_id: int) -> dict[str, str]:
    """The lists of words that hold in a hospital: its own where it has one, else the shipped ones."""
    return {**DEFAULT_WORDS, **word_lists(session, facility_id)}
