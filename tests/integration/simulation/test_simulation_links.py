"""Simulated patients tap links: they answer on the web, wholly or in part, each by their own habit."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from hcrm.simulation import people, queries
from hcrm.simulation.browsing import follow_links
from hcrm.simulation.people import Habit
from hcrm.survey.models import SurveyAnswer, SurveyResponse
from hcrm.unit_of_work import Runtime
from tests.factories_survey import invite

pytestmark = pytest.mark.database
SEED = 3


def number_of(habit: Habit) -> str:
    """A number whose holder has this habit."""
    numbers = (f"+8613900{at:06d}" for at in range(10_000))
    return next(number for number in numbers if people.habit_of(SEED, number) is habit)


def test_links_are_answered_by_those_who_answer_at_all(runtime: Runtime, facility: int) -> None:
    texts = []
    for at in range(12):
        _, path = invite(runtime, facility, language="en" if at % 2 else "zh_Hans")
        habit = Habit.AT_ONCE if at < 10 else Habit.NEVER
        texts.append(queries.PhoneText(at, number_of(habit), "1069", f"About 1 minute: https://h.example{path} STOP"))
    texts.append(queries.PhoneText(99, number_of(Habit.AT_ONCE), "1069", "https://h.example/s/AAAAAAAAAAAA gone"))
    done = follow_links(runtime, SEED, texts)
    assert 4 <= done <= 10
    assert follow_links(runtime, SEED, texts) <= done
    with runtime.sessions() as session:
        states = dict(
            session.execute(select(SurveyResponse.state, func.count()).group_by(SurveyResponse.state)).tuples().all()
        )
        modes = set(session.scalars(select(SurveyAnswer.mode)))
    assert states["completed"] >= 3
    assert states["invited"] >= 2
    assert modes == {"web"}
