"""Figures about return visits, per department: booked before discharge, kept, no-show, lead time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class VisitFact:
    """One discharge, or one visit that was due in the period.

    ``due``: the visit's time is over and it was not cancelled. ``lead_days``: days from booking to the visit.
    """

    department_id: int | None
    due: bool
    kept: bool
    missed: bool
    lead_days: float


@dataclass(frozen=True, slots=True)
class VisitFigures:
    """What a department's return visits come to.

    ``discharged``: live discharges of the period; ``booked_before``: those with a return visit booked not after the
    discharge. ``due``: visits of the period whose time is over, cancelled ones left out; ``kept``: arrived or
    fulfilled; ``missed``: written down as not come; the rest of ``due`` has no outcome yet. ``lead_days``: the median
    of days from booking to the visit, None without one.
    """

    discharged: int = 0
    booked_before: int = 0
    due: int = 0
    kept: int = 0
    missed: int = 0
    lead_days: float | None = None

    @property
    def without_outcome(self) -> int:
        return self.due - self.kept - self.missed

    @property
    def booked_before_rate(self) -> float | None:
        return self.booked_before / self.discharged if self.discharged else None

    @property
    def kept_rate(self) -> float | None:
        return self.kept / self.due if self.due else None

    @property
    def no_show_rate(self) -> float | None:
        return self.missed / self.due if self.due else None


def visit_figures(facts: Iterable[VisitFact], *, discharged: int, booked_before: int) -> VisitFigures:
    """Count the visits of one group."""
    due = [fact for fact in facts if fact.due]
    leads = [fact.lead_days for fact in due]
    return VisitFigures(
        discharged=discharged,
        booked_before=booked_before,
        due=len(due),
        kept=sum(fact.kept for fact in due),
        missed=sum(fact.missed for fact in due),
        lead_days=median(leads) if leads else None,
    )
