"""Home visits: which team goes to an address, and on which day, within its districts and what it can do in a day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from hcrm.followup.domain.plan import RiskLevel
from hcrm.organization.domain import Calendar

_RISKS = (RiskLevel.HIGH, RiskLevel.MEDIUM, RiskLevel.LOW)


@dataclass(frozen=True, slots=True)
class Team:
    """A team with the districts it goes to, as addresses name them, and how many visits it makes in a day."""

    id: int
    name: str
    districts: tuple[str, ...]
    per_day: int


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit that is to be made on a day from ``first_on`` to ``last_on``."""

    task_id: int
    address: str
    first_on: date
    last_on: date
    risk: RiskLevel


@dataclass(frozen=True, slots=True)
class Booking:
    """On which day which team goes there."""

    team_id: int
    day: date
    district: str


@dataclass(frozen=True, slots=True)
class ServiceArea:
    """Where the teams of a hospital go: the districts of all of them, case-folded."""

    districts: frozenset[str]

    @classmethod
    def of(cls, teams: Iterable[Team]) -> ServiceArea:
        """The area of these teams."""
        return cls(frozenset(district.casefold() for team in teams for district in team.districts))

    @property
    def is_known(self) -> bool:
        """Whether there is any team; a hospital without teams has not said yet where it visits."""
        return bool(self.districts)

    def takes(self, address: str) -> bool:
        """Whether somebody at this address may be drawn for a visit: inside the area, or the area is not known."""
        plain = address.casefold()
        return not self.districts or any(district in plain for district in self.districts)


class NoVisit(StrEnum):
    """Why a visit has no day."""

    OUTSIDE = "outside"
    FULL = "full"


Taken = Mapping[tuple[int, date], Sequence[str]]
"""The districts of the visits that a team has on a day already."""


def district_of(address: str, teams: Iterable[Team]) -> tuple[Team, str] | None:
    """The team and district of an address: the longest name of a district that stands in it; None outside of all."""
    plain = address.casefold()
    found = [(team, district) for team in teams for district in team.districts if district.casefold() in plain]
    return max(found, key=lambda each: (len(each[1]), -each[0].id), default=None)


def plan_visits(
    visits: Iterable[Visit], teams: Sequence[Team], taken: Taken, calendar: Calendar, first_day: date
) -> tuple[dict[int, Booking], dict[int, NoVisit]]:
    """A day for each visit, by task, and why the others have none.

    Whose window ends first comes first, then the higher risk. A team goes to a district again on a day on which it is
    there anyway, if it can still take one more; else on the first workday that is not full.
    """
    day_of: dict[tuple[int, date], list[str]] = {key: list(districts) for key, districts in taken.items()}
    booked: dict[int, Booking] = {}
    left: dict[int, NoVisit] = {}
    for visit in sorted(visits, key=lambda each: (each.last_on, _RISKS.index(each.risk), each.task_id)):
        found = district_of(visit.address, teams)
        if found is None:
            left[visit.task_id] = NoVisit.OUTSIDE
            continue
        team, district = found
        free = [
            each for each in _days(visit, calendar, first_day) if len(day_of.get((team.id, each), ())) < team.per_day
        ]
        if not free:
            left[visit.task_id] = NoVisit.FULL
            continue
        there_anyway = [each for each in free if district in day_of.get((team.id, each), ())]
        day = (there_anyway or free)[0]
        day_of.setdefault((team.id, day), []).append(district)
        booked[visit.task_id] = Booking(team.id, day, district)
    return booked, left


def _days(visit: Visit, calendar: Calendar, first_day: date) -> Iterator[date]:
    day = max(visit.first_on, first_day)
    while day <= visit.last_on:
        if calendar.is_workday(day):
            yield day
        day += timedelta(days=1)
