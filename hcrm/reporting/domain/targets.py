"""What a figure should reach, and whether it does so reliably, by luck, or not without a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hcrm.reporting.domain.reports import Rate
from hcrm.reporting.domain.spc import Capability, Chart


class Targeted(StrEnum):
    """The figures that can have a target; the values are codes of definitions."""

    FOLLOWUP_IN_TIME = "followup_in_time"
    READMIT_30D = "readmit_30d"
    SATISFIED = "satisfied"

    @property
    def higher_is_better(self) -> bool:
        return self is not Targeted.READMIT_30D


class Stage(StrEnum):
    """Where an improvement stands: plan, do, check, act; closed when it is decided."""

    PLAN = "plan"
    DO = "do"
    CHECK = "check"
    ACT = "act"
    CLOSED = "closed"


DEFAULT_TARGETS: Mapping[Targeted, float] = {Targeted.FOLLOWUP_IN_TIME: 0.8}
"""What holds where a hospital has set nothing."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A target beside the figure in the period and the months before; ``chart`` is a p-chart of these months."""

    figure: Targeted
    department_id: int | None
    share: float
    own: bool
    now: Rate
    chart: Chart
    capability: Capability

    @property
    def met(self) -> bool | None:
        """Whether the period's figure reaches the target; None without a figure."""
        if self.now.value is None:
            return None
        return self.now.value >= self.share if self.figure.higher_is_better else self.now.value <= self.share


def target_for(
    targets: Mapping[tuple[int | None, str], float], figure: Targeted, department_id: int | None
) -> tuple[float | None, bool]:
    """The target of a department (its own, else the hospital's, else the shipped one), and whether it is its own."""
    if (department_id, figure.value) in targets:
        return targets[department_id, figure.value], True
    return targets.get((None, figure.value), DEFAULT_TARGETS.get(figure)), False
