"""Reads the plans that the product brings, from the TOML files beside this module."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from hcrm.followup.domain.plan import Plan, plan_from_mapping


@dataclass(frozen=True, slots=True)
class ShippedPlan:
    """A plan of the product; plans are tried in the order of ``position``, the first that admits a discharge wins."""

    plan: Plan
    position: int


@cache
def shipped_plans() -> tuple[ShippedPlan, ...]:
    """All of them, in order. Raises ``PlanInvalid`` when a file does not describe a plan."""
    folder = resources.files("hcrm.followup") / "plans"
    found = []
    for entry in folder.iterdir():
        if entry.name.endswith(".toml"):
            data = tomllib.loads(entry.read_text(encoding="utf-8"))
            found.append(ShippedPlan(plan=plan_from_mapping(data), position=int(data.get("position", 100))))
    return tuple(sorted(found, key=lambda shipped: shipped.position))
