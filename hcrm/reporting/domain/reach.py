"""When and after how many tries patients are reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LEAST_TRIES = 30
"""An hour with fewer tries is not called good or bad."""


@dataclass(frozen=True, slots=True)
class Hour:
    """Tries in one hour of one weekday (Monday 0) and how many of them reached the patient or a relative."""

    weekday: int
    hour: int
    tries: int
    reached: int

    @property
    def share(self) -> float | None:
        return self.reached / self.tries if self.tries else None


def best_hours(hours: Iterable[Hour], number: int = 3) -> list[Hour]:
    """The hours with the largest share reached, among those with enough tries; ties by more tries."""
    enough = [hour for hour in hours if hour.tries >= LEAST_TRIES]
    return sorted(enough, key=lambda hour: (-(hour.share or 0), -hour.tries, hour.weekday, hour.hour))[:number]


@dataclass(frozen=True, slots=True)
class Try:
    """The ``number``-th try: how often it was made, how many tasks were reached by it, and by it or an earlier one."""

    number: int
    made: int
    reached: int
    reached_so_far: int


def tries_until_reached(reached_at: Sequence[int], made: Mapping[int, int]) -> list[Try]:
    """One entry for each try up to the last that was made.

    ``reached_at`` holds for each task that was reached the number of the try that did it, ``made`` how many tasks had
    a first, a second try and so on.
    """
    found, so_far = [], 0
    for number in range(1, max(made, default=0) + 1):
        here = sum(each == number for each in reached_at)
        so_far += here
        found.append(Try(number, made.get(number, 0), here, so_far))
    return found
