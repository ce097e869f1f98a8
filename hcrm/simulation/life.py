"""A hospital's days, played through the real services on the business clock: records come in, messages go out,
patients answer, nurses call.

``HospitalLife`` moves a ``FixedClock`` from one hour of the day to the next and calls what the worker and the people
would call then. A day is one transaction: it is there whole or not at all.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

from hcrm.clock import FixedClock
from hcrm.followup import jobs as followup_jobs
from hcrm.intake.jobs import import_files
from hcrm.messaging import jobs as messaging_jobs
from hcrm.simulation.calling import Desk
from hcrm.simulation.carrier import settle
from hcrm.simulation.clinics import Clinics
from hcrm.simulation.feed import write_records
from hcrm.simulation.generate.records import Event
from hcrm.simulation.hospital import Record
from hcrm.simulation.texting import LONGEST_CONVERSATION, REPLY_AFTER, Phones, send_all
from hcrm.survey import jobs as survey_jobs
from hcrm.unit_of_work import Runtime

RECORDS_AT = time(6, 30)
"""When yesterday's discharges arrive from the hospital's own system."""

WORKER_HOURS = (time(6, 45), time(17, 30), time(21, 40))
"""When the worker is let look at what is due: also before and after the hours in which texts may go out."""

PHONE_HOURS = (time(10, 5),)
"""When patients look at their phones too, and answer."""

CALL_HOURS = (time(9, 30), time(12, 15), time(14, 45), time(18, 40))


@dataclass
class DayReport:
    """What one day brought."""

    day: date
    discharges: int = 0
    texts_sent: int = 0
    replies: int = 0
    calls: int = 0
    completed: int = 0
    alerts: int = 0


@dataclass
class HospitalLife:
    """Plays days; ``play_day`` in ascending order. Same seed and same days, same end."""

    clock: FixedClock
    phones: Phones
    desk: Desk
    folder: Path
    clinics: Clinics | None = None

    def play_day(
        self, runtime: Runtime, day: date, arrived: Sequence[Record], until: datetime | None = None
    ) -> DayReport:
        """Play ``day``, on whose morning the records ``arrived`` come in; stop at ``until`` (aware).

        The calls of the day of ``until`` are left to whoever looks at the hospital then.
        """
        leave_calls = until is not None and until.astimezone(self.desk.zone).date() <= day
        report = DayReport(day, discharges=sum(each.event is Event.DISCHARGED for each in arrived))
        for at, what in self._hours(day):
            if until is not None and at > until - LONGEST_CONVERSATION * REPLY_AFTER:
                break
            self.clock.move_to(max(at, self.clock.now()))
            if what == "records":
                self._take_in(runtime, day, arrived)
                if self.clinics is not None:
                    self.clinics.open_day(runtime, day)
            elif what == "worker":
                self._work(runtime)
                report.texts_sent += send_all(runtime, self.desk.seed)
            elif what == "phones":
                self._work(runtime)
                self._exchange_texts(runtime, report)
            elif not leave_calls:
                report.alerts += self.desk.answer_alerts(runtime)
                made, completed = self.desk.make_calls(runtime)
                report.calls += made
                report.completed += completed
        settle(runtime)
        return report

    def _hours(self, day: date) -> list[tuple[datetime, str]]:
        hours = [(RECORDS_AT, "records")]
        hours += [(hour, "worker") for hour in WORKER_HOURS] + [(hour, "phones") for hour in PHONE_HOURS]
        hours += [(hour, "calls") for hour in CALL_HOURS]
        return [(datetime.combine(day, hour, self.desk.zone), what) for hour, what in sorted(hours)]

    def _take_in(self, runtime: Runtime, day: date, arrived: Sequence[Record]) -> None:
        if not arrived:
            return
        path = self.folder / f"discharges-{day.isoformat()}.csv"
        write_records(path, arrived)
        import_files(runtime, facility_id=self.desk.facility_id, paths=[path])
        path.unlink()

    def _work(self, runtime: Runtime) -> None:
        """What the worker does beside sending."""
        if self.clinics is not None:
            self.clinics.work(runtime)
        survey_jobs.expire_responses(runtime)
        survey_jobs.remind_of_surveys(runtime)
        messaging_jobs.expire_messages(runtime)
        followup_jobs.release_due_steps(runtime)
        followup_jobs.climb_ladders(runtime)

    def _exchange_texts(self, runtime: Runtime, report: DayReport) -> None:
        rng = random.Random(f"{self.desk.seed}:texts:{self.clock.now().isoformat()}")
        sent, replies = self.phones.exchange(runtime, self.clock, rng)
        report.texts_sent += sent
        report.replies += replies
