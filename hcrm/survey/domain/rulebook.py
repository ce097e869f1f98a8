"""Conditions as rows of a form: who, how, what, joined by *and* and *or*; and back to the sentence that is stored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hcrm.survey.domain.conditions import InvalidCondition, Test, parse_condition


class Comparison(StrEnum):
    """How an answer is looked at."""

    IS = "is"
    IS_NOT = "is_not"
    AT_MOST = "at_most"
    AT_LEAST = "at_least"
    ANSWERED = "answered"
    NOT_ANSWERED = "not_answered"


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One test of a condition; ``joined`` is ``and`` or ``or``, the row before it; several values with commas."""

    subject: str
    comparison: Comparison
    value: str = ""
    joined: str = "and"


def rows_of(text: str) -> tuple[RuleRow, ...]:
    """The rows of a stored condition; none for an empty or unreadable one."""
    try:
        condition = parse_condition(text)
    except InvalidCondition:
        return ()
    rows: list[RuleRow] = []
    for tests in condition.alternatives:
        rows += [_row(test, "or" if at == 0 else "and", text) for at, test in enumerate(tests)]
    return tuple(rows)


def _row(test: Test, joined: str, text: str) -> RuleRow:
    if test.op == "answered":
        return RuleRow(test.subject, Comparison.NOT_ANSWERED if test.negated else Comparison.ANSWERED, joined=joined)
    if test.op == "in":
        comparison = Comparison.IS_NOT if test.negated else Comparison.IS
        as_written = sorted(test.values, key=lambda value: (text.find(value), value))
        return RuleRow(test.subject, comparison, ", ".join(as_written), joined)
    return _bounded(test, joined)


def _bounded(test: Test, joined: str) -> RuleRow:
    """``not x >= 4`` is true of nothing known as well, which *at most 3* is not: it is shown with its *not*."""
    comparison = Comparison.AT_MOST if test.op == "<=" else Comparison.AT_LEAST
    return RuleRow(("not " if test.negated else "") + test.subject, comparison, str(test.bound), joined)


def condition_text(rows: Sequence[RuleRow]) -> str:
    """The sentence that is stored; rows without a subject are left out. Whether it can be read is judged later."""
    parts: list[str] = []
    for row in rows:
        if not row.subject:
            continue
        parts += [row.joined] if parts else []
        parts.append(_sentence(row))
    return " ".join(parts)


def _sentence(row: RuleRow) -> str:
    value = re.sub(r"\s*[,，、]\s*", ",", row.value.strip())
    match row.comparison:
        case Comparison.ANSWERED:
            return f"{row.subject} answered"
        case Comparison.NOT_ANSWERED:
            return f"not {row.subject} answered"
        case Comparison.AT_MOST:
            return f"{row.subject} <= {value}"
        case Comparison.AT_LEAST:
            return f"{row.subject} >= {value}"
        case Comparison.IS | Comparison.IS_NOT:
            negation = "not " if row.comparison is Comparison.IS_NOT else ""
            return f"{negation}{row.subject} {'in' if ',' in value else '='} {value}"
