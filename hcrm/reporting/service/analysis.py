"""What the pages behind the overview show: follow-up, returns and what patients say, each looked at from many sides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from hcrm.reporting.domain.case_mix import Ratio, ratio
from hcrm.reporting.domain.comments import DEFAULT_WORDS, Tone, tone, topics
from hcrm.reporting.domain.drivers import Correlation
from hcrm.reporting.domain.kaplan_meier import Returned
from hcrm.reporting.domain.measures import Measure, Unit
from hcrm.reporting.domain.reach import Hour, Try, best_hours, tries_until_reached
from hcrm.reporting.domain.reports import (
    By,
    FollowupReport,
    Label,
    RevisitReport,
    SatisfactionReport,
    SatisfactionRow,
    Selection,
)
from hcrm.reporting.domain.spc import Chart, xmr_chart
from hcrm.reporting.queries.comments import word_lists, written
from hcrm.reporting.queries.measures import named_measure
from hcrm.reporting.queries.places import facility_zones
from hcrm.reporting.queries.tasks import TaskFilter
from hcrm.reporting.service.followup import followup_report
from hcrm.reporting.service.kept import result
from hcrm.reporting.service.kept_figures import DRIVERS, RETURNS, RETURNS_BY_OUTCOME, TRIES, Counted, settled
from hcrm.reporting.service.labels import Labels
from hcrm.reporting.service.revisits import counted_report, curve_of, of_its_hospital
from hcrm.reporting.service.satisfaction import DEFAULT_QUESTIONNAIRE, months_of_question, satisfaction_report
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
    kept = result(session, TRIES, selection, now)
    hours = [Hour(*hour) for hour in kept["hours"]]
    reached_at = [number for number, tasks in kept["reached"] for _ in range(tasks)]
    made = dict(kept["made"])
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


def return_sides(session: Session, *, selection: Selection, measure: str, by: By, now: datetime) -> ReturnSides:
    """Everything on the page of returns. Raises ``UnknownMeasure``."""
    named = named_measure(session, measure, selection)
    here = of_its_hospital(selection, named.facility_id)
    counted = Counted.read(_returns(session, named.measure, here, by, now))
    return ReturnSides(
        counted_report(session, named.measure, named.definition, here, by, counted.groups, counted.total),
        curve_of(named.measure, counted.watched),
        _expected(session, counted),
        counted.modelled,
        counted.total.denominator,
    )


def _returns(session: Session, measure: Measure, here: Selection, by: By, now: datetime) -> Any:
    """What became of the indexes. While windows run it is kept for the day, or, where hours count, not at all."""
    figure = RETURNS_BY_OUTCOME if by is By.OUTCOME else RETURNS
    asked = {"measure": measure.code, "by": by.value}
    zones = [ZoneInfo(zone) for zone in facility_zones(session, here).values()]
    today = max((now.astimezone(zone).date() for zone in zones), default=now.date())
    if settled(measure, here.to_on, today):
        return result(session, figure, here, now, **asked)
    if measure.unit is Unit.DAYS:
        return result(session, figure, here, now, **asked, day=today.isoformat())
    return figure.work_out(session, here, asked, now)


def _expected(session: Session, counted: Counted) -> tuple[Expected, ...]:
    if counted.expected is None:
        return ()
    labels, found = Labels(session, By.DEPARTMENT), []
    for key in labels.ordered(counted.expected):
        discharges, observed, expected = counted.expected[key]
        here = ratio(observed, expected)
        if here is not None:
            found.append(Expected(labels.of(key), discharges, here))
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
    """What patients say: by question, by group, one question by month, what moves with all, in their own words."""

    questions: SatisfactionReport
    report: SatisfactionReport
    months: tuple[SatisfactionRow, ...]
    chart: Chart
    drivers: tuple[Driver, ...]
    comments: tuple[Comment, ...]


def said_sides(
    session: Session,
    *,
    selection: Selection,
    facility_id: int,
    by: By,
    question: str,
    topic: str = "",
    now: datetime,
    today: date,
) -> SaidSides:
    """Everything on the page of satisfaction: the months of one ``question``, comments of one ``topic`` or tone.

    Raises ``KeyError`` for a question that has no score.
    """
    until = selection.to_on or today
    first = (until.replace(day=1) - timedelta(days=31 * (MONTHS - 1))).replace(day=1)
    long = Selection(first, until, selection.scope, selection.department_id)
    months = months_of_question(session, selection=long, question=question)
    means = [row.mean.value for row in months if row.mean.value is not None]
    return SaidSides(
        satisfaction_report(session, selection=selection, by=By.QUESTION, with_index=False),
        satisfaction_report(session, selection=selection, by=by, now=now),
        months,
        xmr_chart(means),
        _drivers(session, selection, now),
        comments_of(session, selection, facility_id, topic),
    )


def _drivers(session: Session, selection: Selection, now: datetime) -> tuple[Driver, ...]:
    if not published_questionnaires(session):
        return ()
    form = published_questionnaire(session, DEFAULT_QUESTIONNAIRE)
    kept = result(session, DRIVERS, selection, now, questionnaire=form.code, version=str(form.version))
    found = []
    for code, moved in kept:
        text = form.question(code).wording.patient
        found.append(Driver(Label(code, text.en, text.zh, code), None if moved is None else Correlation(*moved)))
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
