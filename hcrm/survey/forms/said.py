"""Words and rows for what patients say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l

from hcrm.survey.domain import AnswerValue, Mode, Question, QuestionKind, Questionnaire
from hcrm.survey.domain.scoring import Score, csat, suppressed_if_small, top_box
from hcrm.survey.domain.weighting import Cell, weighted_share

MODE_LABELS: Mapping[Mode, str] = {
    Mode.SMS: _l("Text message"),
    Mode.WEB: _l("Web"),
    Mode.PHONE: _l("Phone"),
    Mode.VISIT: _l("Home visit"),
}
RATING_LABELS: Mapping[str, str] = {"low": _l("Dissatisfied"), "high": _l("Satisfied")}
_SATISFIED: Mapping[QuestionKind, tuple[int, ...]] = {QuestionKind.SCALE5: (4, 5), QuestionKind.NPS: (9, 10)}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One question: the share satisfied (4 and 5; 9 and 10 for a recommendation), raw and weighted."""

    question: Question
    raw: Score
    weighted: Score


def scores(form: Questionnaire, cells: Mapping[str, Sequence[Cell]]) -> list[ScoreRow]:
    """A row for each rated question that somebody answered."""
    rows: list[ScoreRow] = []
    for question in form.questions:
        if question.kind in _SATISFIED and question.code in cells:
            values: Counter[AnswerValue] = Counter()
            for cell in cells[question.code]:
                values += cell.values
            raw = csat(values) if question.kind is QuestionKind.SCALE5 else top_box(question, values)
            weighted = weighted_share(cells[question.code], _SATISFIED[question.kind])
            rows.append(ScoreRow(question, suppressed_if_small(raw), suppressed_if_small(weighted)))
    return rows


def cell(text: str) -> str:
    """A comment that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
