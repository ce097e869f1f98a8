"""``hcrm simulate``: days of a hospital in a database of their own, looked over after each day."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from hcrm.simulation.calling import Desk
from hcrm.simulation.days import Course, Days, begin, last_whole_day, remember_ids
from hcrm.simulation.generate.rows import TOLD
from hcrm.simulation.hospital import Hospital, Record
from hcrm.simulation.invariants import DayPlayed, broken, broken_figures
from hcrm.simulation.life import WORKER_HOURS, DayReport
from hcrm.simulation.queries import digest, evidence
from hcrm.simulation.setup import Place, ensure_place, ensure_staff
from hcrm.unit_of_work import Runtime, unit_of_work

ZONE = ZoneInfo("Europe/London")
PLACE = Place("SIM", "Simulated Hospital", "模拟医院", ZONE)
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


def simulate(runtime: Runtime, *, days: int, per_day: int, seed: int, first_on: date, tell: Tell) -> End:
    """Bring the simulation to the end of its ``days``-th day; days that are over already stay as they are.

    Raises ``NotASimulation`` for a database with anything else in it, and ``InvariantBroken``.
    """
    course = Course(PLACE.code, seed, per_day, first_on)
    last = first_on + timedelta(days=days - 1)
    begins = datetime.combine(first_on, time.min, ZONE)
    with unit_of_work(runtime.sessions) as session:
        begin(session, course)
        desk = _in_place(session, course, begins)
        played = last_whole_day(session)
    with tempfile.TemporaryDirectory() as folder:
        life = Days(runtime, course, lambda: Hospital(seed=seed, per_day=per_day, country="GB"), desk, Path(folder))
        if played is not None:
            look_over(runtime, desk, played, visits(life.arrived_on(played)))
        for number, (report, arrived) in enumerate(life.until(last), start=1):
            look_over(runtime, desk, report.day, visits(arrived))
            tell(report)
            if number % FIGURES_EVERY == 0:
                _recompute(runtime, report.day)
    with unit_of_work(runtime.sessions) as session:
        end = last_whole_day(session) or last
    _recompute(runtime, end)
    with unit_of_work(runtime.sessions) as session:
        return End(end, digest.digest(session))


def visits(records: Iterable[Record]) -> list[str]:
    """The visits that records are about, as far as a table tells of them."""
    return sorted({each.stay.visit_number for each in records if each.event in TOLD})


def look_over(runtime: Runtime, desk: Desk, day: date, visit_numbers: list[str]) -> None:
    """Raises ``InvariantBroken`` when something is not as it must be after ``day``."""
    with unit_of_work(runtime.sessions) as session:
        played = DayPlayed(
            day=day,
            facility_id=desk.facility_id,
            zone=desk.zone,
            texts_before=evidence.newest_text_before(session, datetime.combine(day, time.min, desk.zone)),
            visit_numbers=visit_numbers,
            looked_at=datetime.combine(day, max(WORKER_HOURS), desk.zone),
            now=_midnight(day),
        )
        sentences = list(broken(session, played))
    if sentences:
        raise InvariantBroken(sentences)


def _recompute(runtime: Runtime, day: date) -> None:
    with unit_of_work(runtime.sessions) as session:
        sentences = broken_figures(session, _midnight(day))
    if sentences:
        raise InvariantBroken(sentences)


def _midnight(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time.min, ZONE)


def _in_place(session: Session, course: Course, now: datetime) -> Desk:
    facility_id, department_ids = ensure_place(session, PLACE, now)
    staff = ensure_staff(session, facility_id, department_ids, course.per_day, now)
    remember_ids(session)
    return Desk(course.seed, facility_id, ZONE, staff)
