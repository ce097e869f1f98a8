"""What patients say: scores of each question, or of the whole stay by group, with response rates."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.orm import Session

from hcrm.reporting.domain.reports import (
    ALL,
    SATISFACTION_GROUPINGS,
    TOTAL,
    By,
    Label,
    Rate,
    SatisfactionReport,
    SatisfactionRow,
    Selection,
)
from hcrm.reporting.models import MarkKind
from hcrm.reporting.queries.answers import Answered, Responses, responses_with_answers
from hcrm.reporting.queries.marks import Changed, changed
from hcrm.reporting.queries.rolled import answer_counts, response_counts
from hcrm.reporting.service.kept import Arguments, Figure, result
from hcrm.reporting.service.labels import Labels
from hcrm.survey.domain import AnswerValue, Question, QuestionKind, Questionnaire, scoring
from hcrm.survey.queries import questionnaire as published_questionnaire
from hcrm.survey.queries import questionnaires as published_questionnaires

DEFAULT_QUESTIONNAIRE = "SAT_IP"
OVERALL = "overall"
NOTHING = SatisfactionRow(TOTAL, OVERALL, 0, scoring.NO_SCORE, scoring.NO_SCORE, scoring.NO_SCORE)
"""What is said before anybody was asked."""

SCORED_KINDS = (QuestionKind.SCALE5, QuestionKind.NPS)


def satisfaction_report(
    session: Session,
    *,
    selection: Selection,
    by: By,
    questionnaire: str = DEFAULT_QUESTIONNAIRE,
    with_index: bool = True,
    now: datetime | None = None,
) -> SatisfactionReport:
    """Scores by question, or of the question ``overall`` by department or month, and in total.

    The index needs every single response: ``with_index`` False leaves it out where nobody looks at it, and pages give
    ``now``, so that what it came to may be kept. Raises
    ``ValueError`` for a grouping it lacks, ``UnknownQuestionnaire`` for a questionnaire nobody published; before any is
    published the report is empty.
    """
    if by not in SATISFACTION_GROUPINGS:
        raise ValueError(by)
    if not published_questionnaires(session):
        return SatisfactionReport(questionnaire, by, selection.from_on, selection.to_on, (), NOTHING)
    form = published_questionnaire(session, questionnaire)
    changes = changed(session)
    counted = answer_counts(session, changes, selection, form.code, By.NONE)
    return _report(session, changes, selection, by, form, counted, _Index(session, form, now) if with_index else None)


def months_of_question(
    session: Session, *, selection: Selection, question: str, questionnaire: str = DEFAULT_QUESTIONNAIRE
) -> tuple[SatisfactionRow, ...]:
    """The scores of one question in each month that has answers; nothing before a questionnaire is published.

    Raises ``KeyError`` for a question that the questionnaire does not score.
    """
    if not published_questionnaires(session):
        return ()
    form = published_questionnaire(session, questionnaire)
    asked = form.question(question)
    if asked.kind not in SCORED_KINDS:
        raise KeyError(question)
    counted = answer_counts(session, changed(session), selection, form.code, By.MONTH)
    labels = Labels(session, By.MONTH)
    months = labels.ordered({month for month, code in counted if code == question})
    return tuple(_shown(_row(labels.of(month), asked, counted[month, question])) for month in months)


def satisfaction_and_before(
    session: Session, *, selection: Selection, earlier_on: date, questionnaire: str = DEFAULT_QUESTIONNAIRE
) -> tuple[SatisfactionReport, dict[str, Rate]]:
    """The report by question, without the index, and the share satisfied of each question in the time before.

    ``earlier_on`` is the first day of that time, which ends the day before the selection begins. Both are read at once.
    """
    if not published_questionnaires(session):
        return SatisfactionReport(questionnaire, By.QUESTION, selection.from_on, selection.to_on, (), NOTHING), {}
    form = published_questionnaire(session, questionnaire)
    both = Selection(earlier_on, selection.to_on, selection.scope, selection.department_id)
    changes = changed(session)
    read = answer_counts(session, changes, both, form.code, By.NONE, since=selection.from_on)
    counted = {(ALL, question): answered for (later, question), answered in read.items() if later}
    rates = {
        question: _rate(form.question(question), answered.values)
        for (later, question), answered in read.items()
        if not later and question in form.by_code and form.question(question).kind in SCORED_KINDS
    }
    return _report(session, changes, selection, By.QUESTION, form, counted, None), rates


def _rate(question: Question, values: Counter[AnswerValue]) -> Rate:
    score = _satisfied(question, values)
    return Rate(_positive(score) or 0, score.n)


def _report(
    session: Session,
    changes: Changed,
    selection: Selection,
    by: By,
    form: Questionnaire,
    counted: Mapping[tuple[Any, str], Answered],
    index: _Index | None,
) -> SatisfactionReport:
    total = _totals(session, changes, selection, form, By.NONE, counted, index)
    whole = total[0] if total else _row(TOTAL, form.question(OVERALL), Answered())
    if by is By.NONE:
        rows = [whole]
    elif by is By.QUESTION:
        rows = _questions(form, counted)
    else:
        groups = answer_counts(session, changes, selection, form.code, by)
        rows = [_shown(row) for row in _totals(session, changes, selection, form, by, groups, index)]
    return SatisfactionReport(form.code, by, selection.from_on, selection.to_on, tuple(rows), whole)


def _indexes(session: Session, selection: Selection, arguments: Arguments, _now: datetime) -> Any:
    """The index of the responses of each group, as a score."""
    form, groups = published_questionnaire(session, arguments["questionnaire"]), defaultdict(list)
    for key, answers in responses_with_answers(session, selection, form.code, By(arguments["by"])):
        index = scoring.response_index(form.questions, answers)
        if index is not None:
            groups[key].append(index)
    return [[key, list(astuple(scoring.index(values)))] for key, values in groups.items()]


INDEXES = Figure("satisfaction_index", (MarkKind.ANSWER,), _indexes)


@dataclass(frozen=True, slots=True)
class _Index:
    """Where the index of a questionnaire comes from: kept results for pages, which give ``now``; else the answers."""

    session: Session
    form: Questionnaire
    now: datetime | None

    def of(self, selection: Selection, by: By) -> dict[Any, scoring.Score]:
        """The index by the keys of the groups."""
        asked = {"questionnaire": self.form.code, "version": str(self.form.version), "by": by.value}
        if self.now is None:
            found = _indexes(self.session, selection, asked, datetime.max.replace(tzinfo=UTC))
        else:
            found = result(self.session, INDEXES, selection, self.now, **asked)
        return {key: scoring.Score(*score) for key, score in found}


def _questions(form: Questionnaire, counted: Mapping[tuple[Any, str], Answered]) -> list[SatisfactionRow]:
    found = {question: answered for (_, question), answered in counted.items()}
    return [
        _shown(_row(_question_label(question), question, found.get(question.code, Answered())))
        for question in form.questions
        if question.kind in SCORED_KINDS and (not question.module or question.code in found)
    ]


def _question_label(question: Question) -> Label:
    text = question.wording.patient
    return Label(question.code, text.en, text.zh, question.code)


def _totals(
    session: Session,
    changes: Changed,
    selection: Selection,
    form: Questionnaire,
    by: By,
    counted: Mapping[tuple[Any, str], Answered],
    index: _Index | None,
) -> list[SatisfactionRow]:
    """One row for each group: its overall satisfaction, recommendation, index and response rates."""
    responses = response_counts(session, changes, selection, form.code, by)
    indexes = index.of(selection, by) if index else {}
    labels = Labels(session, by)
    keys = labels.ordered({key for key, _ in counted} | set(responses))
    return [
        _total(labels.of(key), key, form, counted, responses.get(key, Responses()), indexes.get(key)) for key in keys
    ]


def _total(
    label: Label,
    key: Any,
    form: Questionnaire,
    counted: Mapping[tuple[Any, str], Answered],
    responses: Responses,
    index: scoring.Score | None,
) -> SatisfactionRow:
    row = _row(label, form.question(OVERALL), counted.get((key, OVERALL), Answered()))
    recommend = next((question for question in form.questions if question.kind is QuestionKind.NPS), None)
    recommended = counted.get((key, recommend.code), Answered()) if recommend else Answered()
    return replace(
        row,
        nps=scoring.nps(recommended.values),
        index=scoring.NO_SCORE if index is None else index,
        invited=responses.invited,
        response_rate=scoring.response_rate(responses.answered, responses.invited),
        delivered_rate=scoring.response_rate(responses.answered_of_delivered, responses.delivered),
    )


def _row(label: Label, question: Question, answered: Answered) -> SatisfactionRow:
    values = answered.values
    top = scoring.top_box(question, values)
    score = _satisfied(question, values)
    return SatisfactionRow(
        label=label,
        question=question.code,
        n=score.n,
        score=score,
        top_box=top,
        mean=scoring.item_mean(question, values),
        positive=_positive(score),
        nps=scoring.nps(values) if question.kind is QuestionKind.NPS else None,
        modes=dict(sorted(answered.modes.items())),
    )


def _satisfied(question: Question, values: Counter[AnswerValue]) -> scoring.Score:
    """The share of 4 and 5; of 9 and 10 for a recommendation."""
    return scoring.csat(values) if question.kind is QuestionKind.SCALE5 else scoring.top_box(question, values)


def _positive(score: scoring.Score) -> int | None:
    return None if score.value is None else round(score.value * score.n)


def _shown(row: SatisfactionRow) -> SatisfactionRow:
    """The row as part of a whole: nothing but its size when fewer than five answered."""
    if row.n == 0 or not scoring.suppressed_if_small(row.score).suppressed:
        return row
    return replace(
        row,
        score=scoring.suppressed_if_small(row.score),
        top_box=scoring.suppressed_if_small(row.top_box),
        mean=scoring.suppressed_if_small(row.mean),
        positive=None,
        nps=None if row.nps is None else scoring.Score(None, None, None, row.nps.n, caution=True, suppressed=True),
        index=None
        if row.index is None
        else scoring.Score(None, None, None, row.index.n, caution=True, suppressed=True),
        modes={},
    )
