"""A plan of the patient while the patient is on a ward: it pauses, and goes on after the stay.

Pure, and the same whatever order the records came in: what becomes of a step follows from its window and from the stays
on a ward since the discharge with which the plan began.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class WardStay:
    """A stay on a ward after the plan began; ``left_at`` is None while it goes on."""

    encounter_id: int
    admitted_at: datetime
    left_at: datetime | None


class Fate(StrEnum):
    """What becomes of a step that nobody has done."""

    OPEN = "open"
    HELD = "held"
    LEFT_OUT = "left_out"


def fate(due_at: datetime, reopened_at: datetime | None, stays: Iterable[WardStay]) -> tuple[Fate, datetime | None]:
    """The fate of a step whose window ends at ``due_at``, and since when.

    Open when its window ended before every stay (it stays missed) or goes on after the last one; left out when its
    window ended during a stay; held while a stay goes on. What a person has opened since an admission is theirs to
    keep open.
    """
    for stay in sorted(stays, key=_in_order):
        if due_at <= stay.admitted_at or (reopened_at is not None and reopened_at >= stay.admitted_at):
            continue
        if stay.left_at is None:
            return Fate.HELD, stay.admitted_at
        if due_at <= stay.left_at:
            return Fate.LEFT_OUT, stay.admitted_at
    return Fate.OPEN, None


def _in_order(stay: WardStay) -> tuple[datetime, bool, datetime]:
    """By admission; of stays that began at the same moment the one that goes on comes first."""
    return stay.admitted_at, stay.left_at is not None, stay.left_at or stay.admitted_at


def pauses_for(stays: Iterable[WardStay]) -> int | None:
    """The stay that a plan pauses for now: the first that goes on; None when the patient is at home."""
    running = sorted((each.admitted_at, each.encounter_id) for each in stays if each.left_at is None)
    return running[0][1] if running else None
