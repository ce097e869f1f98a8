"""Who does a call today: the attending physician first, then the ward; stand-ins for those who are away."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from hcrm.followup.domain.plan import PerformerRole


class ContactKind(StrEnum):
    """How somebody was in touch with a patient without the call screen."""

    CALL = "call"
    INBOUND_CALL = "inbound_call"
    WARD_VISIT = "ward_visit"
    MESSENGER = "messenger"


class AbsenceInvalid(ValueError):
    """An absence that cannot be; ``code`` names why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Absence:
    """A person is away on the local days ``from_on`` to ``until_on``; ``stand_in`` does their work, if anybody."""

    user_id: int
    from_on: date
    until_on: date
    stand_in: int | None = None

    def covers(self, day: date) -> bool:
        return self.from_on <= day <= self.until_on


def check_absence(absence: Absence) -> None:
    """Refuse an absence that ends before it begins, or whose stand-in is the person. Raises ``AbsenceInvalid``."""
    if absence.until_on < absence.from_on:
        raise AbsenceInvalid("ends_before_it_begins")
    if absence.stand_in == absence.user_id:
        raise AbsenceInvalid("stands_in_for_themselves")


def who_works(user_id: int, absences: Collection[Absence], day: date) -> int | None:
    """Who does this person's work on a day: they, their stand-in, the stand-in's stand-in; None when all are away."""
    away: Mapping[int, Absence] = {each.user_id: each for each in absences if each.covers(day)}
    seen: set[int] = set()
    person: int | None = user_id
    while person is not None and person in away:
        if person in seen:
            return None
        seen.add(person)
        person = away[person].stand_in
    return person


def works_for(user_id: int, absences: Collection[Absence], day: date) -> frozenset[int]:
    """Whose work this person does on a day: their own, and that of everybody whose stand-in they are."""
    others = {each.user_id for each in absences if each.covers(day)}
    return frozenset({user_id, *(each for each in others if who_works(each, absences, day) == user_id)})


@dataclass(frozen=True, slots=True)
class Keeping:
    """What decides whether a call of tier 1 is still the attending physician's own."""

    performer: PerformerRole
    clinician_id: int | None
    window_starts_at: datetime


def kept_until(call: Keeping, present: Collection[int], wait: timedelta) -> datetime | None:
    """Until when only the attending physician has a call before the ward nurse sees it too; None when the nurse has it
    from the beginning: it is not a physician's, or its physician has no account here or is away.

    ``present``: the clinicians who have an account whose person, or their stand-in, works today.
    """
    if call.performer is not PerformerRole.PHYSICIAN or call.clinician_id not in present or not wait:
        return None
    return call.window_starts_at + wait
