"""The follow-up funnel: planned, excluded, due, attempted, reached, completed, in time, open.

Tasks are classified one by one (``followup.domain.figures.classify_for_figures``, or its twin in SQL); this adds up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hcrm.followup.domain.figures import FigureClass


@dataclass(frozen=True, slots=True)
class ClassifiedCount:
    """So many tasks of one kind. ``reason`` is why they are excluded, else empty; the rest matters for due ones."""

    figure_class: FigureClass
    tasks: int
    reason: str = ""
    attempted: bool = False
    reached: bool = False
    completed: bool = False
    in_time: bool = False


@dataclass(frozen=True, slots=True)
class Funnel:
    """The counts of a set of tasks. ``planned`` = due + open + all excluded."""

    planned: int = 0
    excluded: Mapping[str, int] = field(default_factory=dict)
    due: int = 0
    attempted: int = 0
    reached: int = 0
    completed: int = 0
    completed_in_time: int = 0
    open: int = 0

    @property
    def excluded_total(self) -> int:
        return sum(self.excluded.values())

    @property
    def provisional(self) -> bool:
        """Whether tasks are still open, so that the rates can change."""
        return self.open > 0


def funnel(counts: Iterable[ClassifiedCount]) -> Funnel:
    """Add up classified counts; the only place where the follow-up figures are made."""
    excluded: dict[str, int] = {}
    planned = still_open = due = attempted = reached = completed = in_time = 0
    for count in counts:
        planned += count.tasks
        if count.figure_class is FigureClass.EXCLUDED:
            excluded[count.reason] = excluded.get(count.reason, 0) + count.tasks
        elif count.figure_class is FigureClass.OPEN:
            still_open += count.tasks
        else:
            due += count.tasks
            attempted += count.tasks * count.attempted
            reached += count.tasks * count.reached
            completed += count.tasks * count.completed
            in_time += count.tasks * (count.completed and count.in_time)
    return Funnel(planned, dict(sorted(excluded.items())), due, attempted, reached, completed, in_time, still_open)


def rate(numerator: int, denominator: int) -> float | None:
    """``numerator`` / ``denominator``; None when there is nothing to divide by."""
    return numerator / denominator if denominator else None
