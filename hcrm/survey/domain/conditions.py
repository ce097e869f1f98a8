"""Conditions on answers and known facts, written as short sentences in the data files.

Grammar::

    condition = all {"or" all}
    all       = test {"and" test}
    test      = ["not"] subject (("=" | "in" | "<=" | ">=") operand | "answered")
    subject   = question code | "@" fact | "any_scale5"

``feeling = worse`` · ``med_have in all,some`` · ``any_scale5 <= 2 or comment answered`` · ``not @days_since >= 4``.
A test about something unknown or unanswered is false, so ``not …`` states what happens when nothing is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

ANY_SCALE5 = "any_scale5"
_TEST = re.compile(
    r"(?P<negated>not\s+)?(?P<subject>@?[a-z0-9_]+)\s*(?:(?P<op>=|<=|>=|in\b)\s*(?P<operand>[a-z0-9_,\-]+)|answered)"
)

Lookup = Callable[[str], Iterable[object]]
"""Gives the values of a subject; none when it is unknown."""


class InvalidCondition(ValueError):
    """A condition that cannot be read; the argument is its text."""


@dataclass(frozen=True, slots=True)
class Test:
    """``subject`` has a value for which ``op`` holds: ``in`` with ``values``, ``<=`` or ``>=`` with ``bound``."""

    subject: str
    op: str
    values: frozenset[str] = frozenset()
    bound: int = 0
    negated: bool = False

    def holds(self, lookup: Lookup) -> bool:
        found = any(self._matches(value) for value in lookup(self.subject))
        return found != self.negated

    def _matches(self, value: object) -> bool:
        if self.op == "answered":
            return True
        if self.op == "in":
            return _plain(value) in self.values
        if not isinstance(value, int) or isinstance(value, bool):
            return False
        return value <= self.bound if self.op == "<=" else value >= self.bound


@dataclass(frozen=True, slots=True)
class Condition:
    """Alternatives, each of which is a series of tests that must all hold; ``text`` is what was written."""

    text: str
    alternatives: tuple[tuple[Test, ...], ...]

    def holds(self, lookup: Lookup) -> bool:
        return any(all(test.holds(lookup) for test in tests) for tests in self.alternatives)

    @property
    def subjects(self) -> frozenset[str]:
        return frozenset(test.subject for tests in self.alternatives for test in tests)


def parse_condition(text: str) -> Condition:
    """Read a condition. Raises ``InvalidCondition``."""
    alternatives = tuple(
        tuple(_parse_test(part, text) for part in re.split(r"\s+and\s+", alternative.strip()))
        for alternative in re.split(r"\s+or\s+", text.strip())
    )
    return Condition(text, alternatives)


def _parse_test(part: str, whole: str) -> Test:
    match = _TEST.fullmatch(part.strip())
    if match is None:
        raise InvalidCondition(whole)
    op, operand, negated = match["op"], match["operand"], match["negated"] is not None
    if op is None:
        return Test(match["subject"], "answered", negated=negated)
    if op in ("=", "in"):
        return Test(match["subject"], "in", values=frozenset(operand.split(",")), negated=negated)
    if not re.fullmatch(r"-?\d+", operand):
        raise InvalidCondition(whole)
    return Test(match["subject"], op, bound=int(operand), negated=negated)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
