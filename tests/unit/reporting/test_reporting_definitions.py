"""Definitions are complete, in both languages, and docs/figures.md says what the program says."""

from __future__ import annotations

from pathlib import Path

import pytest

from hcrm.reporting.domain.definitions import DEFINITIONS, Definition
from hcrm.reporting.domain.measures import MEASURES

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "figures.md").read_text(encoding="utf-8")


def test_every_measure_has_a_definition() -> None:
    assert set(MEASURES) <= set(DEFINITIONS)


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=lambda definition: definition.code)
def test_document_holds_every_definition_in_both_languages(definition: Definition) -> None:
    for text in (
        definition.title,
        definition.numerator,
        definition.denominator,
        definition.excluded,
        definition.source,
    ):
        assert text.en in DOCUMENT
        assert text.zh in DOCUMENT
        assert text.en.endswith(".")
        assert not set(text.zh) & set(",;:?!()"), "Chinese text has full-width punctuation"


def test_sentence_says_numerator_denominator_and_exclusions() -> None:
    sentence = DEFINITIONS["readmit_30d"].sentence("en")
    assert "Counted:" in sentence
    assert "Of:" in sentence
    assert "Left out: deaths." in sentence
