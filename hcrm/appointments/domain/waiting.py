"""The waiting list: who is offered a place that has become free."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

OFFER_HOLDS = timedelta(hours=4)
"""How long an offered place is held, counted from when texts may go out."""

ANSWER_BEFORE = timedelta(hours=2)
"""An offer ends this long before the visit at the latest; a place freed later is not offered on."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody who waits: since when, for which department, with whom (None: anybody), and when it would suit."""

    appointment_id: int
    asked_at: datetime
    department_id: int
    clinician_id: int | None
    starts_from: datetime
    starts_until: datetime
    declined: frozenset[int] = frozenset()

    def fits(self, place: FreedPlace) -> bool:
        """Whether the place is what was wished for, and was not declined before."""
        return (
            self.department_id == place.department_id
            and (self.clinician_id is None or self.clinician_id == place.clinician_id)
            and self.starts_from <= place.starts_at < self.starts_until
            and place.slot_id not in self.declined
        )


@dataclass(frozen=True, slots=True)
class FreedPlace:
    """A place that nobody has any more."""

    slot_id: int
    department_id: int
    clinician_id: int | None
    starts_at: datetime


def next_in_line(wishes: Iterable[Wish], place: FreedPlace) -> Wish | None:
    """Who waits longest among those whom the place suits."""
    fitting = [wish for wish in wishes if wish.fits(place)]
    return min(fitting, key=lambda wish: (wish.asked_at, wish.appointment_id), default=None)


def offer_until(*, opening: datetime, starts_at: datetime) -> datetime:
    """How long the offer stands, when texts may go out at ``opening``; not after ``opening`` when there is no time."""
    return min(opening + OFFER_HOLDS, starts_at - ANSWER_BEFORE)
