"""``hcrm simulate``: days of a hospital in a database of their own, looked over after each day."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from hcrm.simulation.calling import Desk
from hcrm.simulation.day_report import DayReport
from hcrm.simulation.days import Course, Days, begin, last_whole_day, remember_ids
from hcrm.simulation.feed import Feed
from hcrm.simulation.generate.drawing import Format
from hcrm.simulation.hospital import Hospital, Record
from hcrm.simulation.invariants import DayPlayed, broken, broken_figures
from hcrm.simulation.life import WORKER_HOURS
from hcrm.simulation.queries import digest, evidence
from hcrm.simulation.setup import Place, ensure_place, ensure_staff
from hcrm.simulation.told import last_told, merges
from hcrm.unit_of_work import Runtime, unit_of_work

ZONE = ZoneInfo("Europe/London")
PLACE = Place("SIM", "Simulated Hospital", "模拟医院", ZONE, survey_invitation="half")
FIGURES_EVERY = 30
"""Days after which all figures over all records are recomputed; they are at the end as well."""

Tell = Callable[[DayReport], None]


class InvariantBroken(RuntimeError):
    """Something that must always be true is not; ``sentences`` say what."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences


@dataclass(frozen=True, slots=True)
class End:
    """The state after the last day."""

    last_on: date
    digest: str


def simulate(
    runtime: Runtime,
    *,
    days: int,
    per_day: int,
    seed: int,
    first_on: date,
    tell: Tell,
    file_format: Format = "hl7",
) -> End:
    """Bring the simulation to the end of its ``days``-th day; days that are over already stay as they are.

    ``file_format`` is how its records come in. Raises ``NotASimulation`` for a database with anything else in it, and
    ``InvariantBroken``.
    """
    place = place_of(file_format)
    course = Course(place.code, seed, per_day, first_on)
    feed = Feed(lambda: Hospital(seed=seed, per_day=per_day, country="GB", prefix=PLACE.code), file_format)
    last = first_on + timedelta(days=days - 1)
    begins = datetime.combine(first_on, time.min, ZONE)
    with unit_of_work(runtime.sessions) as session:
        begin(session, course)
        desk = _in_place(session, place, course, begins)
        played = last_whole_day(session)
    with tempfile.TemporaryDirectory() as folder:
        life = Days(runtime, course, feed, desk, Path(folder))
        if played is not None:
            look_over(runtime, desk, played, life.arrived_on(played))
        for number, (report, arrived) in enumerate(life.until(last), start=1):
            look_over(runtime, desk, report.day, arrived)
            tell(report)
            if number % FIGURES_EVERY == 0:
                _recompute(runtime, report.day)
    with unit_of_work(runtime.sessions) as session:
        end = last_whole_day(session) or last
    _recompute(runtime, end)
    with unit_of_work(runtime.sessions) as session:
        return End(end, digest.digest(session))


def place_of(file_format: Format) -> Place:
    """The hospital whose records come in this format: one that sends others is another one, with a code of its own."""
    return PLACE if file_format == "hl7" else replace(PLACE, code=f"{PLACE.code}-{file_format.upper()}")


def look_over(runtime: Runtime, desk: Desk, day: date, arrived: Sequence[Record]) -> None:
    """Raises ``InvariantBroken`` when something is not as it must be after ``day``; ``arrived`` came on its morning."""
    with unit_of_work(runtime.sessions) as session:
        sentences = list(broken(session, played_day(session, desk.facility_id, desk.zone, day, arrived)))
    if sentences:
        raise InvariantBroken(sentences)


def played_day(session: Session, facility_id: int, zone: ZoneInfo, day: date, arrived: Sequence[Record]) -> DayPlayed:
    """A day to look back at, with what its records say."""
    return DayPlayed(
        day=day,
        facility_id=facility_id,
        zone=zone,
        texts_before=evidence.newest_text_before(session, datetime.combine(day, time.min, zone)),
        told=last_told(arrived),
        merges=merges(arrived),
        looked_at=datetime.combine(day, max(WORKER_HOURS), zone),
        now=_midnight(day),
    )


def _recompute(runtime: Runtime, day: date) -> None:
    with unit_of_work(runtime.sessions) as session:
        sentences = broken_figures(session, _midnight(day))
    if sentences:
        raise InvariantBroken(sentences)


def _midnight(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time.min, ZONE)


def _in_place(session: Session, place: Place, course: Course, now: datetime) -> Desk:
    facility_id, department_ids = ensure_place(session, place, now)
    staff = ensure_staff(session, facility_id, department_ids, course.per_day, now)
    remember_ids(session)
    return Desk(course.seed, facility_id, ZONE, staff)
