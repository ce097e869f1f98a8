"""Many at the same moment, and any series of what can be done: no place twice, nobody in two places."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from hcrm.appointments import service
from hcrm.appointments.domain.refusals import Refusal, Refused
from hcrm.appointments.domain.states import HOLDING, AppointmentState, CancelReason, IllegalMove, Via
from hcrm.appointments.models import Appointment, Slot
from hcrm.messaging.service import install_default_templates
from hcrm.unit_of_work import unit_of_work
from tests.factories_appointments import DAY, Clinic
from tests.factories_messaging import MessagingFactory

S = AppointmentState
CLIENTS = 12


def test_of_500_bookings_at_once_for_10_places_10_are_booked_and_the_others_told_what_is_free_next(
    runtime, facility, departments, now
):
    with unit_of_work(runtime.sessions) as session:
        install_default_templates(session, now)
        make, clinic = MessagingFactory(session, now, facility), Clinic(session, now, facility, departments["MED"])
        clinic.publish(slots=1, capacity=10)
        clinic.publish(slots=2, starts=clinic.slots()[0].starts_at.replace(hour=15).time())
        wanted = [slot.id for slot in clinic.slots()][:10]
        people = [make.patient() for _ in range(500)]

    def attempt(number: int) -> object:
        try:
            with unit_of_work(runtime.sessions) as session:
                return service.book(
                    session, patient_id=people[number], slot_id=wanted[number % 10], via=Via.STAFF, now=now
                )
        except Refused as problem:
            with unit_of_work(runtime.sessions) as session:
                following = service.next_free_instead(session, slot_id=wanted[number % 10], now=now)
            return problem.reason, tuple(each.starts_at for each in following)

    with ThreadPoolExecutor(CLIENTS) as clients:
        results = list(clients.map(attempt, range(500)))
    booked = [each for each in results if isinstance(each, int)]
    others = [each for each in results if not isinstance(each, int)]
    assert len(booked) == len(set(booked)) == 10
    assert {reason for reason, _ in others} == {Refusal.FULL}
    assert all(len(following) == 2 for _, following in others)
    with unit_of_work(runtime.sessions) as session:
        rows = session.scalars(select(Appointment)).all()
        assert {row.slot_id for row in rows} == set(wanted)


def test_moves_and_cancellations_at_once_leave_every_place_with_one_owner(runtime, facility, departments, now):
    with unit_of_work(runtime.sessions) as session:
        install_default_templates(session, now)
        make, clinic = MessagingFactory(session, now, facility), Clinic(session, now, facility, departments["MED"])
        clinic.publish(slots=8)
        slots = [slot.id for slot in clinic.slots()]
        people = [make.patient() for _ in range(5)]
        ids = [clinic.book(who, slot) for who, slot in zip(people, slots, strict=False)]
        sitting_id = clinic.sittings()[0].id

    def change(number: int) -> None:
        about = {"appointment_id": ids[number % 5], "via": Via.LINK, "now": now}
        with suppress(Refused), unit_of_work(runtime.sessions) as session:
            if number == 70:
                service.close_sitting(session, sitting_id=sitting_id, reason="", now=now, actor_user_id=None)
            elif number % 16 == 15:
                service.cancel(session, reason=CancelReason.PATIENT, **about)
            else:
                service.move_appointment(session, slot_id=slots[(number * 7) % 8], **about)

    with ThreadPoolExecutor(8) as clients:
        list(clients.map(change, range(80)))
    with unit_of_work(runtime.sessions) as session:
        check(session)
        # The session was closed in between: nobody is left in it, and nobody gets in any more.
        states = session.scalars(select(Appointment.state)).all()
        assert set(states) <= {S.CANCELLED}
        for slot_id in slots:
            with pytest.raises(Refused):
                service.book(session, patient_id=people[0], slot_id=slot_id, via=Via.STAFF, now=now)


def check(session):
    """What has to hold after anything."""
    rows = session.scalars(select(Appointment).execution_options(populate_existing=True)).all()
    holding = [row for row in rows if row.state in HOLDING]
    assert len({row.slot_id for row in holding}) == len(holding)
    slots = {row.id: row for row in session.scalars(select(Slot).execution_options(populate_existing=True))}
    assert not [row.id for row in holding if slots[row.slot_id].free]
    assert not [row.id for row in holding if slots[row.slot_id].starts_at != row.starts_at]
    times = sorted((row.patient_id, row.starts_at, row.ends_at) for row in holding)
    for earlier, later in itertools.pairwise(times):
        assert earlier[0] != later[0] or earlier[2] <= later[1]
    # A place that nobody has is free, unless its session was closed.
    closed = {row.id for row in session.execute(text(
        "SELECT slot.id FROM slot JOIN sitting ON sitting.id = sitting_id WHERE closed_at IS NOT NULL"
    ))}  # fmt: skip
    held = {row.slot_id for row in holding}
    assert {slot.id for slot in slots.values() if slot.free} >= set(slots) - held - closed
    return rows


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["book", "book", "book", "move", "cancel", "wait", "lapse", "confirm", "decline", "close", "span", "change"]
        ),
        st.integers(0, 5),
        st.integers(0, 11),
    ),
    max_size=25,
)


class Story:
    """Does what the steps say, for six patients and twelve places on two days."""

    def __init__(self, session, make, clinic):
        self.session, self.clinic, self.now = session, clinic, clinic.now
        self.people = [make.patient() for _ in range(6)]
        self.sessions = [clinic.publish(days=2, slots=3, room=room) for room in ("1F", "2F")]
        self.slots = [slot.id for slot in clinic.slots()]
        self.sittings = [each.id for each in clinic.sittings()]

    def of(self, who):
        rows = self.session.scalars(
            select(Appointment).where(Appointment.patient_id == self.people[who]).order_by(Appointment.id.desc())
        )
        return next((row.id for row in rows if row.state not in (S.CANCELLED, S.WAITLIST)), 0)

    def step(self, kind, who, what):
        session, now = self.session, self.now
        about = {"appointment_id": self.of(who), "via": Via.STAFF, "now": now}
        steps = {
            "book": lambda: self.clinic.book(self.people[who], self.slots[what], now=now),
            "move": lambda: service.move_appointment(session, slot_id=self.slots[what], **about),
            "cancel": lambda: service.cancel(session, reason=CancelReason.PATIENT, **about),
            "confirm": lambda: service.confirm(session, **about),
            "decline": lambda: service.decline(session, **about),
            "lapse": self.lapse,
            "close": lambda: what > 8 and service.close_sitting(
                session, sitting_id=self.sittings[who % 4], reason="", now=now, actor_user_id=None
            ),
            "wait": lambda: self.wait(who),
            "span": lambda: what > 9 and service.close_days(
                session, session_id=self.sessions[who % 2], from_on=DAY, until_on=None, reason="", now=now,
                actor_user_id=None,
            ),
            "change": lambda: self.change(who % 2, what),
        }  # fmt: skip
        with suppress(Refused, IllegalMove, service.UnknownAppointment):
            steps[kind]()

    def wait(self, who):
        service.wait(
            self.session,
            patient_id=self.people[who],
            facility_id=self.clinic.facility_id,
            department_id=self.clinic.department_id,
            clinician_id=None,
            starts_from=self.now,
            starts_until=self.now + timedelta(days=20),
            via=Via.STAFF,
            now=self.now,
        )

    def change(self, which, what):
        """Another time, number, length or place for one of the two sessions; its places are those of the new one."""
        done = service.change_session(
            self.session,
            session_id=self.sessions[which],
            from_on=DAY + timedelta(days=what % 2),
            change=service.SessionChange(None, f"{what}F", time(9, 15 * (what % 3)), 15, 2 + what % 3, 1 + what % 2),
            now=self.now,
            actor_user_id=None,
        )
        self.sessions[which] = done.session_id
        self.slots = [*(slot.id for slot in self.clinic.slots(done.session_id)), *self.slots][:12]

    def lapse(self):
        self.now += timedelta(hours=5)
        service.lapse_due(self.session, now=self.now, limit=20)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_series_keeps_capacity_the_order_of_the_list_and_nobody_in_two_places(session, make, clinic, steps):
    nested = session.begin_nested()
    story = Story(session, make, clinic)
    for kind, who, what in steps:
        story.now += timedelta(minutes=1)
        before = waiting(session)
        story.step(kind, who, what)
        session.flush()
        rows = check(session)
        for row in rows:
            if row.state is S.PROPOSED and row.id in before:
                check_turn(rows, before, row)
    nested.rollback()


def check_turn(rows, before, offered):
    """Who waited longer was passed over only for letting this place pass before, or being elsewhere at that time."""
    for other in rows:
        if other.state is S.WAITLIST and before.get(other.id, before[offered.id]) < before[offered.id]:
            elsewhere = any(
                each.patient_id == other.patient_id
                and each.state in HOLDING
                and each.starts_at < offered.ends_at
                and each.ends_at > offered.starts_at
                for each in rows
            )
            assert offered.slot_id in other.declined or elsewhere


def waiting(session):
    """(asked at, id) of those who wait, by id."""
    rows = session.execute(select(Appointment.id, Appointment.asked_at).where(Appointment.state == S.WAITLIST))
    return {row.id: (row.asked_at, row.id) for row in rows}
