"""The demonstration while it runs: people answer the texts that reach their phones, and records come in.

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
from hcrm.simulation.clinics import Clinics
from hcrm.simulation.days import Course, course_of
from hcrm.simulation.demo import PLACE, feed_of
from hcrm.simulation.feed import Feed
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
    """The demo's patients and wards from now on. ``step`` is called again and again.

    ``_today`` are the records of a day in the order of what they tell, ``_arrived`` how many of them have come in.
    """

    runtime: Runtime
    facility_id: int
    course: Course
    last_text: int
    folder: Path
    feed: Feed
    _thinking: dict[int, tuple[datetime, queries.PhoneText]] = field(default_factory=dict)
    _arrived: int = 0
    _today: tuple[date, list[Record]] = (date.min, [])

    def step(self) -> tuple[int, int]:
        """What happened since the last look: (texts answered, records that came in)."""
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
        clinics = Clinics(self.course.seed, self.facility_id, PLACE.zone)
        return len(replies) + follow_links(self.runtime, self.course.seed, unseen, clinics)

    def _take_in(self) -> int:
        """The records of today whose hour has come, as an interface brings them: who comes, moves and goes home, and
        what is corrected, taken back or merged.
        """
        now = self.runtime.clock.now().astimezone(PLACE.zone)
        happened = [each for each in self._told_on(now) if each.event_at <= now.replace(tzinfo=None)]
        new = happened[self._arrived :]
        if not new:
            return 0
        path = self.feed.write(self.folder, f"discharges-{now:%Y-%m-%d-%H%M%S}", new)
        import_files(self.runtime, facility_id=self.facility_id, paths=[path])
        path.unlink()
        self._arrived = len(happened)
        return len(new)

    def _told_on(self, now: datetime) -> list[Record]:
        if self._today[0] != now.date():
            first = self.course.first_on - timedelta(days=1)
            days = self.feed.records(first, (now.date() - first).days + 1)
            told = next((of_day for day, of_day in days if day == now.date()), [])
            self._today = now.date(), sorted(told, key=lambda each: each.event_at)
            self._arrived = 0
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
        return Live(runtime, place.id, course, queries.last_text(session), folder, feed_of(course))
