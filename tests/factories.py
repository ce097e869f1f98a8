"""Rows that tests need, made with as little as possible said; what a test does not name has a harmless default.

Each package keeps its own factories in ``tests/factories_<package>.py``; this is what all of them have in common.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session


@dataclass(slots=True)
class Factories:
    """Makes rows in ``session`` at the business time ``now``, in the facility of the tests."""

    session: Session
    now: datetime
    facility_id: int
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def number(self) -> int:
        """A number that no other row of this test has."""
        return next(self._numbers)
