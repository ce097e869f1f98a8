"""The clinics of a simulated hospital: sessions are published, return visits booked and moved, patients come or do not,
and those who missed theirs get another one.
"""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from hcrm.appointments import jobs, queries, service
from hcrm.appointments.domain.refusals import Refused
from hcrm.appointments.domain.sessions import SessionRule
from hcrm.appointments.domain.snapshots import AppointmentSnapshot
from hcrm.appointments.domain.states import CancelReason, Via
from hcrm.simulation.queries import clinics as read
from hcrm.unit_of_work import Runtime, unit_of_work

AHEAD = timedelta(days=28)
PUBLISHED_AT_ONCE = timedelta(days=41)
SESSIONS = (
    (frozenset({0, 3}), time(9), 8),
    (frozenset({1, 4}), time(14), 6),
    (frozenset({2}), time(9, 30), 8),
)
"""Weekdays, beginning and number of slots of 15 minutes, for the first, second and third clinician of a department."""

BOOKED_SHARE = 0.6
BOOKED_ON_THE_WARD = 0.5
BEFORE_LEAVING = timedelta(hours=1)
KEPT_SHARE = 0.86
BOOKED_ANEW = 0.7
"""How many of those who did not come get another visit, on the phone, on the next day."""

MOVED_BY_LINK, MOVED_WHEN_ASKED, GIVEN_UP_BY_LINK = 0.06, 0.5, 0.02
"""How many of those who tap the link in a text about their visit choose another time (more of those who have asked for
one), or give it up.
"""


@dataclass(frozen=True, slots=True)
class Clinics:
    """What happens in the clinics; same seed and same days, same end."""

    seed: int
    facility_id: int
    zone: ZoneInfo

    def open_day(self, runtime: Runtime, day: date) -> None:
        """In the morning: publish further sessions, and book visits for those who went home yesterday."""
        rng = random.Random(f"{self.seed}:clinics:{day}")
        with unit_of_work(runtime.sessions) as session:
            self._publish(session, day, runtime.clock.now())
            for each in read.went_home_on(session, self.facility_id, day - timedelta(days=1)):
                if rng.random() < BOOKED_SHARE:
                    on_the_ward = rng.random() < BOOKED_ON_THE_WARD
                    at = each.discharged_at - BEFORE_LEAVING if on_the_ward else runtime.clock.now()
                    self._book(session, rng, each, day - timedelta(days=1), at)

    def _publish(self, session: Session, day: date, now: datetime) -> None:
        published = read.published_until(session, self.facility_id)
        clinicians = read.clinicians_of(session, self.facility_id)
        for department_id, people in sorted(clinicians.items()):
            last = published.get(department_id, day - timedelta(days=1))
            if last >= day + AHEAD:
                continue
            first = max(day, last + timedelta(days=1))
            for number, (clinician_id, (weekdays, starts, slots)) in enumerate(zip(people, SESSIONS, strict=False)):
                rule = SessionRule(first, first + PUBLISHED_AT_ONCE, weekdays, starts, 15, slots)
                with suppress(Refused):
                    service.publish_session(
                        session,
                        facility_id=self.facility_id,
                        department_id=department_id,
                        clinician_id=clinician_id,
                        room=f"Outpatients, floor {1 + department_id % 6}, room {number + 1}",
                        rule=rule,
                        now=now,
                    )

    def _book(self, session: Session, rng: random.Random, each: read.WentHome, day: date, now: datetime) -> None:
        _window, slots = queries.free_for_discharge(
            session,
            department_id=each.department_id,
            clinician_id=each.clinician_id,
            discharged_on=day,
            now=now,
            zone=self.zone,
        )
        if slots:
            slot_id = rng.choice(slots).slot_id
            with suppress(Refused), session.begin_nested():
                service.book(
                    session,
                    patient_id=each.patient_id,
                    slot_id=slot_id,
                    encounter_id=each.encounter_id,
                    via=Via.STAFF,
                    now=now,
                )

    def work(self, runtime: Runtime) -> None:
        """What the worker does about visits, and what is written down of those whose time has come."""
        jobs.send_reminders(runtime)
        jobs.lapse_offers(runtime)
        jobs.notice_missed(runtime)
        now = runtime.clock.now()
        with unit_of_work(runtime.sessions) as session:
            for visit_id in read.due_until(session, self.facility_id, now - timedelta(hours=1)):
                rng = random.Random(f"{self.seed}:visit:{visit_id}")
                if rng.random() < KEPT_SHARE:
                    service.fulfil(session, appointment_id=visit_id, via=Via.STAFF, now=now, outcome="")
                else:
                    service.miss(session, appointment_id=visit_id, via=Via.STAFF, now=now)

    def phone_around(self, runtime: Runtime, day: date) -> None:
        """Staff find other times for those who asked for one, and for those who did not come yesterday."""
        now = runtime.clock.now()
        with unit_of_work(runtime.sessions) as session:
            for visit in queries.appointments(session, read.moves_asked(session, self.facility_id, now)):
                rng = random.Random(f"{self.seed}:move:{visit.id}:{day}")
                self._choose_another(session, rng, visit, Via.STAFF, now)
            for each in read.missed_on(session, self.facility_id, day - timedelta(days=1), self.zone):
                rng = random.Random(f"{self.seed}:again:{each.encounter_id}:{day}")
                if rng.random() < BOOKED_ANEW:
                    self._book(session, rng, each, day - timedelta(days=1), now)

    def answer_by_link(self, session: Session, rng: random.Random, token: str, *, asked: bool, now: datetime) -> bool:
        """Somebody opens the page of their visit: most look, some choose another time or give it up.

        ``asked``: they have asked for another time.
        """
        found = queries.appointment_by_token(session, token)
        if found is None or not found[0].to_come or found[0].starts_at is None or found[0].starts_at <= now:
            return False
        visit, chance = found[0], rng.random()
        moves = MOVED_WHEN_ASKED if asked else MOVED_BY_LINK
        if chance < moves:
            return self._choose_another(session, rng, visit, Via.LINK, now)
        if chance < moves + GIVEN_UP_BY_LINK:
            service.cancel(session, appointment_id=visit.id, reason=CancelReason.PATIENT, via=Via.LINK, now=now)
            return True
        return False

    @staticmethod
    def _choose_another(
        session: Session, rng: random.Random, visit: AppointmentSnapshot, via: Via, now: datetime
    ) -> bool:
        """Another place in the department within two weeks; False when there is none that can be had."""
        begins = max(now + timedelta(hours=12), visit.starts_at or now)
        slots = queries.free_slots(
            session,
            department_id=visit.department_id,
            clinician_id=None,
            starts_from=begins,
            starts_until=begins + timedelta(days=14),
            limit=6,
        )
        if not slots:
            return False
        slot_id = rng.choice(slots).slot_id
        with suppress(Refused), session.begin_nested():
            service.move_appointment(session, appointment_id=visit.id, slot_id=slot_id, via=via, now=now)
            return True
        return False
