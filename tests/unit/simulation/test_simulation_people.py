"""What made-up people do with texts and questions."""

from __future__ import annotations

import pytest

from hcrm.messaging.domain import Outcome
from hcrm.simulation.people import COMPLAINTS, ODD_REPLIES, WHO_WE_ARE, WRONG_PERSON, text_answer


@pytest.mark.parametrize("body", [*COMPLAINTS["en"], *COMPLAINTS["zh"], *WRONG_PERSON["en"][:1], *WRONG_PERSON["zh"]])
def test_complaints_and_wrong_numbers_are_passed_on(body: str) -> None:
    assert text_answer(body).outcome is Outcome.PASSED_ON


def test_a_question_is_answered_in_its_language() -> None:
    assert text_answer(ODD_REPLIES["en"][1]).reply == WHO_WE_ARE["en"]
    assert text_answer(ODD_REPLIES["zh"][1]).reply == WHO_WE_ARE["zh"]


@pytest.mark.parametrize(("body", "outcome"), [("4", Outcome.NO_ACTION), ("4 or 5", Outcome.PHONED)])
def test_a_number_is_left_and_anything_else_asked_about(body: str, outcome: Outcome) -> None:
    assert text_answer(body).outcome is outcome
