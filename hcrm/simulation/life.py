"""A hospital's days, played through the real services on the business clock: records come in, messages go out,
patients answer, nurses call.

``HospitalLife`` moves a ``FixedClock`` from one hour of the day to the next and calls what the worker and the people
would call then. A day is one transaction: it is there whole or not at all.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from hcrm.appointments.domain.states import HistoryKind
from hcrm.clock import FixedClock
from hcrm.followup import jobs as followup_jobs
from hcrm.intake.jobs import apply_waiting_messages, import_files
from hcrm.messaging import jobs as messaging_jobs
from hcrm.simulation import queries
from hcrm.simulation.calling import Desk
from hcrm.simulation.carrier import settle
from hcrm.simulation.clinics import Clinics
from hcrm.simulation.day_report import DayReport
from hcrm.simulation.feed import Feed
from hcrm.simulation.hospital import Record
from hcrm.simulation.queries import clinics as visits
from hcrm.simulation.texting import LONGEST_CONVERSATION, REPLY_AFTER, Phones, Sent, send_all
from hcrm.simulation.told import kinds
from hcrm.survey import jobs as survey_jobs
from hcrm.unit_of_work import Runtime, unit_of_work

RECORDS_AT = time(6, 30)
"""When yesterday's discharges arrive from the hospital's own system."""

WORKER_HOURS = (time(6, 45), time(17, 30), time(21, 40))
"""When the worker is let look at what is due: also before and after the hours in which texts may go out."""

PHONE_HOURS = (time(10, 5),)
"""When patients look at their phones too, and answer."""

CALL_HOURS = (time(9, 30), time(12, 15), time(14, 45), time(18, 40))
A_DAY = timedelta(days=1)


@dataclass
class HospitalLife:
    """Plays days; ``play_day`` in ascending order. Same seed and same days, same end."""

    clock: FixedClock
    phones: Phones
    desk: Desk
    feed: Feed
    folder: Path
    clinics: Clinics

    def play_day(
        self, runtime: Runtime, day: date, arrived: Sequence[Record], until: datetime | None = None
    ) -> DayReport:
        """Play ``day``, on whose morning the records ``arrived`` come in; stop at ``until`` (aware).

        The calls of the day of ``until`` are left to whoever looks at the hospital then.
        """
        leave_calls = until is not None and until.astimezone(self.desk.zone).date() <= day
        report = DayReport(day, **kinds(arrived)._asdict())
        with unit_of_work(runtime.sessions) as session:
            newest = visits.newest_entry(session)
        for at, what in self._hours(day):
            if until is not None and at > until - LONGEST_CONVERSATION * REPLY_AFTER:
                break
            self.clock.move_to(max(at, self.clock.now()))
            if what == "records":
                report.refused_records += self._take_in(runtime, day, arrived)
                self.clinics.open_day(runtime, day)
            elif what == "worker":
                self._work(runtime)
                self._note(report, send_all(runtime, self.desk.seed))
            elif what == "phones":
                self._work(runtime)
                self._exchange_texts(runtime, report)
            elif not leave_calls:
                self._staff_at_work(runtime, day, report)
        settle(runtime)
        self._look_back(runtime, day, newest, report)
        return report

    def _hours(self, day: date) -> list[tuple[datetime, str]]:
        hours = [(RECORDS_AT, "records")]
        hours += [(hour, "worker") for hour in WORKER_HOURS] + [(hour, "phones") for hour in PHONE_HOURS]
        hours += [(hour, "calls") for hour in CALL_HOURS]
        return [(datetime.combine(day, hour, self.desk.zone), what) for hour, what in sorted(hours)]

    def _take_in(self, runtime: Runtime, day: date, arrived: Sequence[Record]) -> int:
        """Import what came in; how many records were refused."""
        if not arrived:
            return 0
        path = self.feed.write(self.folder, f"discharges-{day.isoformat()}", arrived)
        report = import_files(runtime, facility_id=self.desk.facility_id, paths=[path])
        path.unlink()
        return report.counts["rejected"] + len(report.refused_files)

    def _work(self, runtime: Runtime) -> None:
        """What the worker does beside sending."""
        apply_waiting_messages(runtime)
        self.clinics.work(runtime)
        survey_jobs.expire_responses(runtime)
        survey_jobs.remind_of_surveys(runtime)
        messaging_jobs.expire_messages(runtime)
        followup_jobs.release_due_steps(runtime)
        followup_jobs.climb_ladders(runtime)

    def _staff_at_work(self, runtime: Runtime, day: date, report: DayReport) -> None:
        """Alerts and texts before calls, alerts that calls raise at once, then who needs another time for a visit."""
        report.alerts += self.desk.answer_alerts(runtime)
        report.read += self.desk.read_texts(runtime)
        made, completed = self.desk.make_calls(runtime)
        report.calls += made
        report.completed += completed
        report.alerts += self.desk.answer_alerts(runtime)
        self.clinics.phone_around(runtime, day)

    def _exchange_texts(self, runtime: Runtime, report: DayReport) -> None:
        rng = random.Random(f"{self.desk.seed}:texts:{self.clock.now().isoformat()}")
        sent, replies = self.phones.exchange(runtime, self.clock, rng)
        self._note(report, sent)
        report.replies += replies

    @staticmethod
    def _note(report: DayReport, sent: Sent) -> None:
        report.texts_sent += sent.arrived
        report.refused_texts += sent.refused

    def _look_back(self, runtime: Runtime, day: date, newest: int, report: DayReport) -> None:
        """Count what was done about visits since the entry ``newest``, and the alerts that were due."""
        begins = datetime.combine(day, time.min, self.desk.zone)
        with unit_of_work(runtime.sessions) as session:
            done = visits.done_since(session, newest)
            due = queries.alerts_due(session, self.desk.facility_id, begins, min(self.clock.now(), begins + A_DAY))
        report.booked, report.moved = done[HistoryKind.BOOKED], done[HistoryKind.MOVED]
        report.kept, report.missed = done[HistoryKind.FULFILLED], done[HistoryKind.NOSHOW]
        report.given_up = done[HistoryKind.CANCELLED]
        report.due_alerts, report.in_time = due
