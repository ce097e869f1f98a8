"""A simulation in a database: what it was begun with, the whole days played so far, and the next ones."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from hcrm.clock import FixedClock
from hcrm.organization.queries import facilities
from hcrm.simulation.calling import Desk
from hcrm.simulation.clinics import Clinics
from hcrm.simulation.day_report import DayReport
from hcrm.simulation.feed import Feed
from hcrm.simulation.hospital import Record
from hcrm.simulation.life import HospitalLife
from hcrm.simulation.models import SimulationRow
from hcrm.simulation.texting import Phones
from hcrm.simulation.whole_days import sequences, whole_or_nothing, wind_back
from hcrm.unit_of_work import Runtime, unit_of_work


class NotASimulation(RuntimeError):
    """The database holds something else than this simulation; the message is a sentence that says what."""


@dataclass(frozen=True, slots=True)
class Course:
    """What a simulation is begun with; the same course ends in the same state."""

    facility_code: str
    seed: int
    per_day: int
    first_on: date


def course_of(session: Session) -> Course | None:
    """The simulation that the database holds; None when it holds nothing at all.

    Raises ``NotASimulation`` for a database with a hospital in it that is not simulated.
    """
    row = session.get(SimulationRow, 1)
    if row is not None:
        return Course(row.facility_code, row.seed, row.per_day, row.first_on)
    if facilities(session):
        raise NotASimulation("The database holds a hospital that is not simulated: name another one.")
    return None


def begin(session: Session, course: Course) -> None:
    """Mark an empty database as a simulation's; one that has begun stays as it is.

    Raises ``NotASimulation`` also when it was begun otherwise.
    """
    known = course_of(session)
    if known is None:
        session.add(
            SimulationRow(
                id=1,
                facility_code=course.facility_code,
                seed=course.seed,
                per_day=course.per_day,
                first_on=course.first_on,
                last_on=None,
                last_text=0,
                put_off=[],
                sequences={},
            )
        )
        session.flush()
    elif known != course:
        raise NotASimulation(
            f"The database holds another simulation ({known.facility_code}, seed {known.seed}, {known.per_day} a day, "
            f"from {known.first_on}): name another database, or go on with that one."
        )


def last_whole_day(session: Session) -> date | None:
    """The last day that was played to its end."""
    return session.get_one(SimulationRow, 1).last_on


def remember_ids(session: Session) -> None:
    """Keep where the ids stand before the first day, once everything is in place."""
    row = session.get_one(SimulationRow, 1)
    if row.last_on is None:
        row.sequences = sequences(session.connection())


@dataclass
class Days:
    """The days of a simulation whose hospital and staff are in place.

    ``alone``: nobody else writes to the database, so that ids a lost day took can be given out again, and the end is
    the same as if it had never been lost.
    """

    runtime: Runtime
    course: Course
    feed: Feed
    desk: Desk
    folder: Path
    alone: bool = True
    _resumed: bool = False

    def until(self, last: date, now: datetime | None = None) -> Iterator[tuple[DayReport, list[Record]]]:
        """Play the days after the last whole one to ``last``, each in a transaction of its own.

        ``now`` (aware) is the present moment in a day that is not over.
        """
        with unit_of_work(self.runtime.sessions) as session:
            played = last_whole_day(session)
        gc.collect()
        gc.freeze()  # what the program is made of is not gone through again with each import
        resume = self.course.first_on if played is None else played + timedelta(days=1)
        for told_on, records in self._told(last):
            day = told_on + timedelta(days=1)
            if day >= resume:
                yield self._play(day, records, now), records

    def arrived_on(self, day: date) -> list[Record]:
        """The records that come in on the morning of ``day``."""
        return next((records for told_on, records in self._told(day) if told_on == day - timedelta(days=1)), [])

    def _told(self, last: date) -> Iterator[tuple[date, list[Record]]]:
        first = self.course.first_on
        return self.feed.records(first - timedelta(days=1), (last - first).days + 1)

    def _play(self, day: date, records: list[Record], now: datetime | None) -> DayReport:
        begins = datetime.combine(day, time.min, self.desk.zone)
        clock = FixedClock(begins if now is None else min(begins, now))
        runtime = Runtime(self.runtime.settings, clock, self.runtime.engine, self.runtime.sessions)
        clinics = Clinics(self.course.seed, self.desk.facility_id, self.desk.zone)
        with whole_or_nothing(runtime) as (joined, connection):
            with unit_of_work(joined.sessions) as session:
                row = session.get_one(SimulationRow, 1)
                if self.alone and row.sequences and not self._resumed:
                    wind_back(connection, row.sequences)
                self._resumed = True
                phones = Phones(self.course.seed, self.desk.facility_id, row.last_text, list(row.put_off), clinics)
            life = HospitalLife(clock, phones, self.desk, self.feed, self.folder, clinics)
            report = life.play_day(joined, day, records, now)
            with unit_of_work(joined.sessions) as session:
                row = session.get_one(SimulationRow, 1)
                row.last_on, row.last_text, row.put_off = day, phones.last_text, phones.put_off
                row.sequences = sequences(connection)
        return report
