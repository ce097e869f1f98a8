"""Whether skip rules let every question be reached: loops, looks ahead, and rules that can never hold.

A rule that no answers can meet is found by looking for answers that meet it: for each subject of a rule some value must
pass all tests on it, and a question that has to be answered has to be asked itself. The search gives up after
``STEPS`` and then takes the rest as reachable, so that a good questionnaire is never refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product

from hcrm.survey.domain.conditions import ANY_SCALE5, Condition, Test
from hcrm.survey.domain.questionnaire import (
    BY_KEY,
    NONE_OF_THESE,
    NOT_APPLICABLE,
    AskContext,
    Question,
    QuestionKind,
    Respondent,
)

STEPS = 20_000
_ALONE = frozenset({NONE_OF_THESE, *(choice.value for choice in BY_KEY)})
_FACTS = {f"@{entry.name}": str(entry.type) for entry in fields(AskContext)}


@dataclass(frozen=True, slots=True)
class Rule:
    """A question as skip rules see it.

    ``several``: it takes more than one of its ``values``; ``rated``: it is one of the ratings 1 to 5.
    """

    code: str
    show_if: Condition | None
    values: tuple[object, ...]
    several: bool = False
    open_text: bool = False
    rated: bool = False


def rule_of(question: Question) -> Rule:
    """What a question can be answered with."""
    extra = (NOT_APPLICABLE,) if question.na else ()
    if question.ranged:
        span = range(question.minimum, question.maximum + 1)
        rated = question.kind is QuestionKind.SCALE5
        return Rule(question.code, question.show_if, (*span, *extra), rated=rated)
    by_key = tuple(choice.value for choice in BY_KEY) if question.choices else ()
    own = tuple(choice.value for choice in question.choices)
    return Rule(
        question.code,
        question.show_if,
        tuple(dict.fromkeys((*own, *by_key, *extra))),
        several=question.kind is QuestionKind.MULTI,
        open_text=question.kind is QuestionKind.TEXT,
    )


def loop_through(code: str, rules: Mapping[str, Rule]) -> tuple[str, ...]:
    """The way of skip rules from a question back to itself, both ends included; empty when there is none."""
    way: dict[str, str] = {}
    waiting = [code]
    while waiting:
        at = waiting.pop()
        for subject in sorted(_asked_about(rules[at]) & rules.keys()):
            if subject == code:
                return _way_back(way, code, at)
            if subject not in way:
                way[subject] = at
                waiting.append(subject)
    return ()


def _way_back(way: Mapping[str, str], code: str, at: str) -> tuple[str, ...]:
    back = [code, at]
    while at != code:
        at = way[at]
        back.append(at)
    return tuple(reversed(back)) if len(back) > 2 else (code, code)


def _asked_about(rule: Rule) -> frozenset[str]:
    return rule.show_if.subjects if rule.show_if is not None else frozenset()


def unreachable(rules: Sequence[Rule]) -> frozenset[str]:
    """Codes of questions that no answers and no facts let be asked. Rules have to look at earlier questions only."""
    rated: list[str] = []
    before: dict[str, tuple[str, ...]] = {}
    for rule in rules:
        before[rule.code] = tuple(rated)
        rated += [rule.code] if rule.rated else []
    search = _Search({rule.code: rule for rule in rules}, before)
    return frozenset(rule.code for rule in rules if not search.can_hold((rule.code,)))


@dataclass(slots=True)
class _Search:
    """``before`` are the satisfaction ratings that stand before each question; ``steps`` counts for all of them."""

    rules: Mapping[str, Rule]
    before: Mapping[str, tuple[str, ...]]
    steps: int = 0

    def can_hold(self, needed: tuple[str, ...], tests: tuple[Test, ...] = ()) -> bool:
        """Whether all ``needed`` questions can be asked while all ``tests`` hold."""
        self.steps += 1
        if self.steps > STEPS:
            return True
        if not self._consistent(tests):
            return False
        if not needed:
            return True
        rule, rest = self.rules[needed[0]], needed[1:]
        if rule.show_if is None:
            return self.can_hold(rest, tests)
        return any(self.can_hold(more, found) for more, found in self._ways(rule, rest, tests))

    def _ways(
        self, rule: Rule, rest: tuple[str, ...], tests: tuple[Test, ...]
    ) -> Iterator[tuple[tuple[str, ...], tuple[Test, ...]]]:
        """Each way to meet the rule of a question: what else has to be asked then, and all tests that have to hold."""
        for alternative in rule.show_if.alternatives if rule.show_if is not None else ():
            for plain in product(*(self._plain(test, rule.code) for test in alternative)):
                added = tuple(test for together in plain for test in together)
                asked = tuple(test.subject for test in added if not test.negated and test.subject in self.rules)
                yield tuple(dict.fromkeys((*rest, *asked))), tuple(dict.fromkeys((*tests, *added)))

    def _plain(self, test: Test, code: str) -> list[tuple[Test, ...]]:
        """What a test on *any rating* can mean: one rating for which it holds; none at all where it is negated."""
        if test.subject != ANY_SCALE5:
            return [(test,)]
        each = [replace(test, subject=subject) for subject in self.before[code]]
        return [tuple(each)] if test.negated else [(one,) for one in each]

    def _consistent(self, tests: Collection[Test]) -> bool:
        by_subject: dict[str, list[Test]] = defaultdict(list)
        for test in tests:
            by_subject[test.subject].append(test)
        return all(self._possible(subject, together) for subject, together in by_subject.items())

    def _possible(self, subject: str, tests: Sequence[Test]) -> bool:
        """Whether something can be said of one subject so that all tests on it hold; saying nothing counts."""
        if all(test.negated for test in tests):
            return True
        if subject in self.rules:
            return _answerable(self.rules[subject], tests)
        return any(_passes(tests, (value,)) for value in _facts(subject, tests))


def _answerable(rule: Rule, tests: Sequence[Test]) -> bool:
    if rule.open_text:
        return not any(test.op == "answered" and test.negated for test in tests) and all(
            test.op == "answered" or test.negated or test.values for test in tests
        )
    if any(_passes(tests, (value,)) for value in rule.values):
        return True
    return rule.several and _together(tests, tuple(value for value in rule.values if value not in _ALONE))


def _together(tests: Sequence[Test], values: tuple[object, ...]) -> bool:
    """Several values at once: all of them that no negated test forbids meet as many tests as any choice can."""
    negated = [test for test in tests if test.negated]
    return _passes(tests, tuple(value for value in values if _allowed(negated, value)))


def _allowed(negated: Sequence[Test], value: object) -> bool:
    return all(test.holds(lambda _: (value,)) for test in negated)


def _passes(tests: Sequence[Test], values: tuple[object, ...]) -> bool:
    return bool(values) and all(test.holds(lambda _: values) for test in tests)


def _facts(subject: str, tests: Sequence[Test]) -> Iterator[object]:
    """Values that a fact could have, as far as the tests tell them apart."""
    kind = _FACTS.get(subject, "")
    if subject == "@respondent":
        yield from (entry.value for entry in Respondent)
    elif "bool" in kind:
        yield from (True, False)
    elif "int" in kind:
        bounds = {test.bound for test in tests if test.op in ("<=", ">=")}
        bounds |= {int(value) for test in tests for value in test.values if value.isdecimal()}
        yield from sorted({at for bound in bounds | {0} for at in (bound - 1, bound, bound + 1) if at >= 0})
    else:
        yield from sorted({value for test in tests for value in test.values})
        yield "another"
