"""What always holds for drafts: flaws of skip rules against brute force; a draft without flaws can be asked."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hcrm.survey.domain import AskContext, is_shown
from hcrm.survey.domain.changes import ChangeKind, changes
from hcrm.survey.domain.definition import questionnaire_from
from hcrm.survey.domain.drafts import NotADraft, full_width, moved, tidied
from hcrm.survey.domain.review import FlawKind, review
from hcrm.survey.domain.rulebook import condition_text, rows_of

CODES = ("a", "b", "c", "d")
VALUES = {"a": ("yes", "no"), "b": ("yes", "no"), "c": (1, 2, 3, 4, 5), "d": ("yes", "no")}
KINDS = {"a": "yes_no", "b": "yes_no", "c": "scale5", "d": "yes_no"}
TESTS = st.one_of(
    st.sampled_from(["a = yes", "a = no", "b = yes", "b = no", "d = yes", "c <= 2", "c >= 4", "c = 3", "a answered"]),
    st.sampled_from(["not a = yes", "not b answered", "not c <= 4", "any_scale5 >= 5", "not any_scale5 <= 3"]),
)
ALL = st.lists(TESTS, min_size=1, max_size=3).map(" and ".join)
RULES = st.none() | st.lists(ALL, min_size=1, max_size=2).map(" or ".join)


def draft_of(rules: list[str | None]) -> dict[str, Any]:
    text = {"en": "x", "zh": "题"}
    return tidied(
        {
            "code": "SAT_P", "purpose": "quality", "name": text, "intro": text, "about": text,
            "question": [
                {"code": code, "kind": KINDS[code], "flags": ["core"], "show_if": rule, **text}
                for code, rule in zip(CODES, rules, strict=True)
            ],
        }
    )  # fmt: skip


def truly_reachable(draft: dict[str, Any], code: str) -> bool:
    """Whether any answers to earlier questions let this one be asked; they may leave out whatever they like."""
    form = questionnaire_from(draft)
    others = CODES[: CODES.index(code)]
    for values in itertools.product(*([None, *VALUES[each]] for each in others)):
        answers = {each: value for each, value in zip(others, values, strict=True) if value is not None}
        if is_shown(form, form.question(code), answers, AskContext()):
            return True
    return False


@settings(max_examples=150, deadline=None)
@given(st.lists(RULES, min_size=4, max_size=4))
def test_a_draft_is_refused_exactly_for_loops_looks_ahead_and_questions_nobody_reaches(rules):
    draft = draft_of(rules)
    flaws = {(flaw.kind, flaw.place) for flaw in review(draft)}
    ahead = {
        place
        for place, rule in enumerate(rules, 1)
        if any(code in (rule or "").replace("any_scale5", "").replace("and", "").split() for code in CODES[place - 1 :])
    }
    assert {place for kind, place in flaws if kind in (FlawKind.LOOP, FlawKind.LOOKS_AHEAD)} >= ahead
    if not ahead and not any(kind in (FlawKind.LOOP, FlawKind.LOOKS_AHEAD) for kind, _ in flaws):
        reached = {code for code in CODES if truly_reachable(draft, code)}
        refused = {CODES[place - 1] for kind, place in flaws if kind is FlawKind.UNREACHABLE}
        assert refused == set(CODES) - reached


TEXTS = st.text(max_size=12)
ANY_KIND = st.sampled_from(["yes_no", "scale5", "choice", "multi", "number", "text", "nps"])
CHOICES = st.lists(
    st.fixed_dictionaries({"value": st.sampled_from(["p", "q", "none", ""]), "en": TEXTS, "zh": TEXTS}), max_size=3
)
ALERTS = st.lists(
    st.fixed_dictionaries(
        {
            "code": st.sampled_from(["low", "x y"]),
            "when": ALL | TEXTS,
            "severity": st.sampled_from(["high", "soon"]),
            "cause": st.sampled_from(["service", "x"]),
        }
    ),
    max_size=2,
)
QUESTIONS = st.fixed_dictionaries(
    {"code": st.sampled_from(["a", "b", "overall", "", "Ä"]) | TEXTS, "kind": ANY_KIND},
    optional={
        "flags": st.lists(st.sampled_from(["core", "scored", "sms", "na", "opt", "words"]), max_size=4),
        "en": st.just("x") | TEXTS,
        "zh": st.just("题") | TEXTS,
        "choices": st.just("frequency") | CHOICES,
        "minimum": st.integers(0, 5),
        "maximum": st.integers(0, 9),
        "weight": st.sampled_from([0.5, 1, 0, -1]),
        "show_if": RULES | TEXTS,
        "module": st.sampled_from(["", "M"]),
        "sms_text": st.just({"en": "x", "zh": "题"}),
        "alerts": ALERTS,
    },
)
DRAFTS = st.fixed_dictionaries(
    {
        "code": st.just("SAT_F"), "purpose": st.sampled_from(["satisfaction", "clinical", "quality"]),
        "name": st.just({"en": "x", "zh": "题"}), "intro": st.just({"en": "x", "zh": "题"}),
        "about": st.just({"en": "x", "zh": "题"}), "question": st.lists(QUESTIONS, max_size=4),
        "modules": st.sampled_from([[], ["M"]]),
    }
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(DRAFTS)
def test_a_draft_without_flaws_can_be_asked_and_reads_back_the_same(data):
    draft = tidied(data)
    assert tidied(draft) == draft
    if not review(draft):
        assert questionnaire_from(draft).code == "SAT_F"


NAMES = st.sampled_from(["code", "purpose", "question", "en", "kind", "name"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(JSON, st.lists(QUESTIONS, max_size=2) | JSON)
def test_any_file_is_read_or_refused_by_its_place(data, questions):
    whole = {"code": "SAT_J", "purpose": "quality", "question": questions}
    for each in (data, whole, {**whole, "question": [data]}):
        with contextlib.suppress(NotADraft):
            assert tidied(tidied(each)) == tidied(each)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_moves_are_told_by_as_few_questions_as_can_be(moves):
    draft = draft_of([None] * 4)
    after = draft
    for at in moves:
        after = moved(after, 1 + at % 4, at)
    told = [change for change in changes(draft, after) if change.kind is ChangeKind.MOVED]
    assert len(told) <= min(3, len(moves))
    assert bool(told) == (draft["question"] != after["question"])


@given(st.lists(ALL, min_size=1, max_size=3).map(" or ".join))
def test_a_rule_shown_as_rows_and_read_again_is_the_same_rule(rule):
    assert rows_of(condition_text(rows_of(rule))) == rows_of(rule)


@given(st.text(max_size=40))
def test_putting_punctuation_right_twice_changes_nothing_more(text):
    assert full_width(full_width(text)) == full_width(text)
