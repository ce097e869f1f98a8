"""The demonstration: a small made-up hospital with one login per role and three months of history.

Its days are played through the real services. Started again days later, it plays the days in between.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from hcrm.accounts.domain import Role
from hcrm.clock import FixedClock
from hcrm.settings import Settings
from hcrm.simulation.calling import Desk
from hcrm.simulation.day_report import DayReport
from hcrm.simulation.days import Course, Days, begin, course_of
from hcrm.simulation.feed import Feed
from hcrm.simulation.hospital import Hospital
from hcrm.simulation.roster import COLLEAGUES, OUTREACH, SERVICE_CENTRE, WARDS
from hcrm.simulation.setup import OFFICES, Person, Place, as_caller, ensure_person, ensure_place
from hcrm.simulation.staff import Caller, Staff
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import make_runtime

SEED = 7
PER_DAY = 4
HISTORY_DAYS = 90
ZONE = ZoneInfo("Europe/London")
PASSWORD = "follow-up-demo"  # noqa: S105 - the demo's people do not exist, and the demo refuses real databases
PLACE = Place("AVH", "Ashford Vale Hospital", "阿什福德谷医院", ZONE, survey_invitation="half")

LOGINS = (
    Person("nurse", "Grace Obi", Role.NURSE, ("GS", "ORT", "CAR", "RES"), password=PASSWORD),
    Person("physician", "Dr A. Whitfield", Role.PHYSICIAN, ("GS",), password=PASSWORD),
    Person("agent", "Lin Zhao", Role.SERVICE_AGENT, password=PASSWORD),
    Person("outreach", "Omar Haddad", Role.OUTREACH_WORKER, password=PASSWORD),
    Person("head", "Elena Marsh", Role.DEPARTMENT_HEAD, ("GS",), password=PASSWORD),
    Person("manager", "Ines Duarte", Role.MANAGER, password=PASSWORD),
    Person("complaints", "Tom Becker", Role.COMPLAINTS_OFFICER, password=PASSWORD),
    Person("quality", "Mei Sun", Role.QUALITY_OFFICER, password=PASSWORD),
    Person("administrator", "Sam Price", Role.ADMINISTRATOR, password=PASSWORD),
    Person("auditor", "Ruth Cole", Role.AUDITOR, password=PASSWORD),
)
Progress = Callable[[DayReport], None]


def prepare(settings: Settings, now: datetime, progress: Progress, history_days: int = HISTORY_DAYS) -> None:
    """Make the demo's hospital if there is none, and play its days up to ``now`` (aware).

    Raises ``NotASimulation`` when the database holds a hospital that is not the demo's.
    """
    today = now.astimezone(ZONE).date()
    runtime = make_runtime(settings, FixedClock(now))
    try:
        with unit_of_work(runtime.sessions) as session:
            course = _course(session, today - timedelta(days=history_days))
            begins = datetime.combine(course.first_on, datetime.min.time(), ZONE)
            desk = _in_place(session, min(begins, now))
        with tempfile.TemporaryDirectory() as folder:
            for report, _ in demo_days(runtime, course, desk, Path(folder)).until(today, now):
                progress(report)
    finally:
        runtime.engine.dispose()


def demo_days(runtime: Runtime, course: Course, desk: Desk, folder: Path) -> Days:
    """The days of the demo's hospital; others write to its database too."""
    return Days(runtime, course, feed_of(course), desk, folder, alone=False)


def feed_of(course: Course) -> Feed:
    """Where the demo's records come from."""
    return Feed(lambda: Hospital(seed=course.seed, per_day=course.per_day, country="GB"))


def _course(session: Session, first_on: date) -> Course:
    """The demo that the database holds, else the one that begins on ``first_on``."""
    known = course_of(session)
    first_on = known.first_on if known is not None else first_on
    course = Course(PLACE.code, SEED, PER_DAY, first_on)
    begin(session, course)
    return course


def _in_place(session: Session, now: datetime) -> Desk:
    facility_id, department_ids = ensure_place(session, PLACE, now)
    users = {
        person: ensure_person(session, person, facility_id, department_ids, now) for person in (*LOGINS, *COLLEAGUES)
    }

    def team(people: Iterable[Person]) -> list[Caller]:
        """Shifts, skills and languages go round in a team."""
        return [
            as_caller(users[person], number, [department_ids[code] for code in person.departments])
            for number, person in enumerate(people)
        ]

    nurses = [
        caller
        for code in department_ids
        for caller in team(each for each in WARDS if each.role is Role.NURSE and each.departments == (code,))
    ]
    staff = Staff(
        wards=nurses,
        service_centre=team(SERVICE_CENTRE),
        outreach=team(OUTREACH),
        doctors=team(each for each in (*LOGINS, *WARDS) if each.role is Role.PHYSICIAN),
        offices={role.value: team(each for each in LOGINS if each.role is role) for role in OFFICES},
    )
    return Desk(SEED, facility_id, ZONE, staff)
