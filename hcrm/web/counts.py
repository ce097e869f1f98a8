"""A count that stands beside an entry of the navigation (alerts, inbox)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Count:
    """How many wait, and how many of them are urgent."""

    total: int
    urgent: int = 0
