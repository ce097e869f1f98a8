"""Measures that a hospital makes: what is refused and why, and the definition that their parameters say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hcrm.reporting.domain.measures import MEASURES, Counted, Exclusion, Link, Measure, Unit
from hcrm.reporting.domain.own_definitions import definition_of
from hcrm.reporting.domain.own_measures import LONGEST_DAYS, Problem, problems
from hcrm.reporting.forms.measures import PROBLEM_FIELDS, PROBLEM_TEXTS, MeasureForm
from hcrm.survey.domain import Text

PLAIN = Measure("heart_14d", frozenset({"IMP"}), frozenset({"IMP"}), 14)


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda measure: measure.code)
def test_every_shipped_measure_could_be_made_by_parameters(measure: Measure) -> None:
    assert problems(measure) == ()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"last": 3650}, Problem.WINDOW_TOO_LONG),
        ({"last": 87_600, "unit": Unit.HOURS}, Problem.WINDOW_TOO_LONG),
        ({"last": LONGEST_DAYS + 1}, Problem.WINDOW_TOO_LONG),
        ({"first": 15}, Problem.WINDOW_REVERSED),
        ({"first": -1}, Problem.WINDOW_REVERSED),
        ({"index_classes": frozenset()}, Problem.NO_INDEX),
        ({"revisit_classes": frozenset({"AMB"})}, Problem.NO_REVISIT),
        ({"code": "Heart failure"}, Problem.BAD_CODE),
        ({"code": "h" * 41}, Problem.BAD_CODE),
        ({"bands": ((0, 3), (3, 9))}, Problem.BAD_BANDS),
        ({"bands": ((0, 15),)}, Problem.BAD_BANDS),
        ({"bands": ((0, 3),), "unit": Unit.HOURS}, Problem.BANDS_IN_HOURS),
        ({"ignored_diagnoses": ("Z51",)}, Problem.BAD_DIAGNOSIS),
        ({"index_diagnoses": ("heart",)}, Problem.BAD_DIAGNOSIS),
        ({"counted": Counted.FIRST_DECIDES}, Problem.NOTHING_DECIDES),
    ],
)
def test_what_cannot_be_counted_or_understood_is_refused(changes: dict[str, Any], problem: Problem) -> None:
    assert problems(replace(PLAIN, **changes)) == (problem,)


def test_a_year_is_the_longest_window() -> None:
    assert problems(replace(PLAIN, last=LONGEST_DAYS)) == ()


def test_every_problem_has_a_sentence_at_a_field() -> None:
    assert set(PROBLEM_TEXTS) == set(PROBLEM_FIELDS) == set(Problem)
    assert all(hasattr(MeasureForm, field) for field in PROBLEM_FIELDS.values())


def test_the_definition_says_every_parameter_in_both_languages() -> None:
    measure = Measure(
        "own",
        frozenset({"IMP", "SS"}),
        frozenset({"EMER"}),
        14,
        first=1,
        link=Link.EPISODE,
        excluded=frozenset(Exclusion),
        counted=Counted.ANY,
        unplanned_only=True,
        same_department=True,
        ignored_diagnoses=("Z511",),
        index_diagnoses=("I50",),
        bands=((1, 1), (2, 14)),
        discharge_day=1,
    )
    definition = definition_of(measure, Text("Heart failure", "心力衰竭"))
    english, chinese = definition.sentence("en"), definition.sentence("zh_Hans")
    for part in ("Heart failure.", "emergency visit", "days 1 to 14", "being day 1", "to the department", "Z511", "I50",
                 "inpatient stay or day case", "against advice", "1, 2–14", "are one"):  # fmt: skip
        assert part in english
    for part in (
        "心力衰竭。",
        "急诊就诊",
        "第1至14天",
        "第1天",
        "原出院科室",
        "Z511",
        "I50",
        "住院或日间病例",
        "非医嘱离院",
        "合并",
    ):
        assert part in chinese


def test_an_own_measure_without_a_chinese_name_keeps_the_name_it_has() -> None:
    assert definition_of(PLAIN, Text("Heart failure", "")).title == Text("Heart failure.", "Heart failure。")
