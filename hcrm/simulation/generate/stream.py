"""The records of a group of hospitals, day by day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from hcrm.simulation.generate.cases import MOST_NIGHTS
from hcrm.simulation.generate.department import Department
from hcrm.simulation.generate.parameters import Parameters
from hcrm.simulation.generate.records import Record


class Part(NamedTuple):
    """What one department's stream tells of one hospital on one day; ``department`` counts those of the group."""

    facility: int
    department: int
    records: list[Record]


class Stream:
    """The records of the departments whose numbers are in ``departments`` (None: all of the group).

    A feed is the same however its departments are spread over streams. With ``admissions`` each day also has the
    records of those who come and move, which are known only once it is known when they leave: the days are drawn as
    far ahead as the longest stay.
    """

    def __init__(
        self, parameters: Parameters, *, admissions: bool = False, departments: Sequence[int] | None = None
    ) -> None:
        group = parameters.group()
        places = [(facility, place) for facility in group for place in range(len(facility.kinds))]
        self._ahead = MOST_NIGHTS + 1 if admissions else 0
        self._departments = [
            (
                facility.index,
                index,
                Department(parameters, group, facility, place, index, len(places), admissions=admissions),
            )
            for index, (facility, place) in enumerate(places)
            if departments is None or index in departments
        ]

    def days(self, first: date, count: int) -> Iterator[tuple[date, list[Part]]]:
        """What arrives on each of ``count`` days from ``first`` on; call it once."""
        start = first.toordinal()
        for _, _, department in self._departments:
            for day in range(start, start + self._ahead):
                department.play(day)
        for day in range(start, start + count):
            yield date.fromordinal(day), [part for each in self._departments for part in self._day(day, *each)]

    def _day(self, day: int, facility: int, index: int, department: Department) -> list[Part]:
        department.play(day + self._ahead)
        records = department.untidy.arriving(day)
        own = [record for record in records if record.stay.facility == facility]
        parts = [Part(facility, index, own)] if own else []
        if len(own) == len(records):
            return parts
        elsewhere = sorted({record.stay.facility for record in records} - {facility})
        return parts + [
            Part(other, index, [record for record in records if record.stay.facility == other]) for other in elsewhere
        ]


def departments_of(parameters: Parameters) -> int:
    """How many departments all hospitals have together."""
    return sum(len(facility.kinds) for facility in parameters.group())
