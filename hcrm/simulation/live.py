"""The demonstration while it runs: people answer the texts that reach their phones, and new discharges come in.

It lives by the wall clock beside the web pages and the worker, which sends. Patients take a little while to answer, so
that whoever watches can see it; who looks only at the next day answers then. Whatever the pages' visitors do comes
first: a text that has been answered by hand is left alone.
"""

from __future__ import annotations

import random
import signal
import tempfile
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from threading import Event
from types import FrameType

from hcrm.intake.jobs import import_files
from hcrm.logs import get_logger
from hcrm.organization.queries import facility_by_code
from hcrm.simulation import people, queries
from hcrm.simulation.browsing import follow_links
from hcrm.simulation.days import Course, course_of
from hcrm.simulation.demo import PLACE, hospital_of
from hcrm.simulation.feed import write_records
from hcrm.simulation.generate import records
from hcrm.simulation.hospital import Record
from hcrm.simulation.people import Habit
from hcrm.simulation.texting import write_back
from hcrm.unit_of_work import Runtime, unit_of_work

log = get_logger(__name__)

LOOK_EVERY = 3.0
"""Seconds between two looks at the phones."""

THINKING = (10, 60)
"""Seconds until somebody answers, at least and at most."""

AWAKE = (time(8), time(21))
"""Hours in which people answer."""


@dataclass
class Live:
    """The demo's patients and wards from now on. ``step`` is called again and again."""

    runtime: Runtime
    facility_id: int
    course: Course
    last_text: int
    folder: Path
    _thinking: dict[int, tuple[datetime, queries.PhoneText]] = field(default_factory=dict)
    _arrived: set[str] = field(default_factory=set)
    _today: tuple[date, list[Record]] = (date.min, [])

    def step(self) -> tuple[int, int]:
        """What happened since the last look: (texts answered, discharges that came in)."""
        return self._answer(), self._take_in()

    def _answer(self) -> int:
        now = self.runtime.clock.now()
        with unit_of_work(self.runtime.sessions) as session:
            new = queries.texts_after(session, self.last_text)
        for text in new:
            self.last_text = text.id
            rng = random.Random(f"{self.course.seed}:live:{text.id}")
            if people.habit_of(self.course.seed, text.number) is not Habit.LATER:
                self._thinking[text.id] = now + timedelta(seconds=rng.uniform(*THINKING)), text
        if not AWAKE[0] <= now.astimezone(PLACE.zone).time() < AWAKE[1]:
            return 0
        ready = [text for at, text in self._thinking.values() if at <= now]
        for text in ready:
            del self._thinking[text.id]
        with unit_of_work(self.runtime.sessions) as session:
            answered = queries.answered_by_hand(session, [text.id for text in ready])
        replies = []
        for text in ready:
            rng = random.Random(f"{self.course.seed}:live-reply:{text.id}")
            reply = people.text_reply(rng, people.habit_of(self.course.seed, text.number), text.body)
            if reply is not None and text.id not in answered:
                replies.append((text, reply))
        write_back(self.runtime, self.facility_id, replies)
        unseen = [text for text in ready if text.id not in answered]
        return len(replies) + follow_links(self.runtime, self.course.seed, unseen)

    def _take_in(self) -> int:
        """The discharges of today whose hour has come, as an interface would bring them: one by one."""
        now = self.runtime.clock.now().astimezone(PLACE.zone)
        gone_home = [
            record
            for record in self._discharged_on(now)
            if record.event_at <= now.replace(tzinfo=None) and record.stay.visit_number not in self._arrived
        ]
        if not gone_home:
            return 0
        path = self.folder / f"discharges-{now:%Y-%m-%d-%H%M%S}.csv"
        write_records(path, gone_home)
        import_files(self.runtime, facility_id=self.facility_id, paths=[path])
        path.unlink()
        self._arrived.update(each.stay.visit_number for each in gone_home)
        return len(gone_home)

    def _discharged_on(self, now: datetime) -> list[Record]:
        if self._today[0] != now.date():
            first = self.course.first_on - timedelta(days=1)
            days = hospital_of(self.course).records(first, (now.date() - first).days + 1)
            told = next((of_day for day, of_day in days if day == now.date()), [])
            self._today = now.date(), [each for each in told if each.event is records.Event.DISCHARGED]
        return self._today[1]


def live(runtime: Runtime) -> None:
    """Go on until the process is told to stop (SIGTERM)."""
    stopping = Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    with tempfile.TemporaryDirectory() as folder:
        life = begin_live(runtime, Path(folder))
        while not stopping.wait(LOOK_EVERY):
            try:
                life.step()
            except Exception:  # the database may be starting anew; the pages go on meanwhile
                log.exception("the demonstration could not go on for a moment")


def begin_live(runtime: Runtime, folder: Path) -> Live:
    """The demo of a database, from the newest text on its phones on. Raises ``LookupError`` when there is none."""
    with unit_of_work(runtime.sessions) as session:
        course, place = course_of(session), facility_by_code(session, PLACE.code)
        if course is None or place is None:
            raise LookupError(PLACE.code)
        return Live(runtime, place.id, course, queries.last_text(session), folder)
