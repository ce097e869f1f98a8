from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hcrm.appointments import service
from hcrm.appointments.domain.refusals import Refused
from hcrm.appointments.domain.states import AppointmentState, CancelReason, Via
from hcrm.appointments.models import Appointment
from hcrm.messaging import service as messaging
from hcrm.messaging.domain import ConversationRequest, Purpose
from hcrm.messaging.models import InboundMessage, OutboxMessage
from hcrm.organization.models import Facility
from tests.factories_appointments import DAY, at
from tests.factories_messaging import sender_with

S = AppointmentState
HOUR = timedelta(hours=1)


def reminders(session, appointment_id):
    """(template, status) of the reminders of a visit, in order."""
    rows = session.execute(
        select(OutboxMessage.template_code, OutboxMessage.status)
        .where(
            OutboxMessage.conversation_subject_id == appointment_id,
            OutboxMessage.template_code.startswith("appt_reminder"),
        )
        .order_by(OutboxMessage.id)
        .execution_options(populate_existing=True)
    )
    return [(template, status.value) for template, status in rows]


@pytest.fixture
def booked(clinic, patient, claim, now):
    """A visit at nine on Monday; its booking was told."""
    clinic.publish(slots=4)
    appointment_id = clinic.book(patient(), clinic.slots()[0].id)
    claim(now)
    return appointment_id


def test_reminders_go_out_three_days_and_one_day_before_once_each(session, booked, claim):
    sent = []
    moment = at(DAY - timedelta(days=6), 10)
    while moment < at(DAY, 12):
        service.release_due(session, now=moment, limit=10)
        service.release_due(session, now=moment, limit=10)
        sent += [(moment, sms.body) for sms in claim(moment)]
        moment += HOUR
    assert [each for each, _ in sent] == [at(DAY - timedelta(days=3), 10), at(DAY - timedelta(days=1), 10)]
    assert all("回复1确认 2改期 3不来" in body for _, body in sent)


def test_reply_1_confirms_2_asks_for_another_time_3_gives_back(clinic, session, patient, claim, text_in, now):
    clinic.publish(slots=3)
    day_before = at(DAY - timedelta(days=1), 10)
    ids = [clinic.book(patient(), slot.id) for slot in clinic.slots()]
    claim(now)
    service.release_due(session, now=at(DAY - timedelta(days=3), 10), limit=10)
    service.release_due(session, now=day_before, limit=10)
    numbers = {
        row.conversation_subject_id: row.to_number
        for row in session.scalars(select(OutboxMessage).where(OutboxMessage.template_code == "appt_reminder"))
        if claim(day_before) is not None and row.to_number
    }
    for appointment_id, body in zip(ids, ("１", "改期", "cancel"), strict=True):
        text_in(numbers[appointment_id], body, day_before)
    rows = [clinic.row(each) for each in ids]
    assert [row.state for row in rows] == [S.BOOKED, S.BOOKED, S.CANCELLED]
    assert [row.confirmed_at is not None for row in rows] == [True, False, False]
    assert [row.move_asked_at is not None for row in rows] == [False, True, False]
    answers = {sms.to_number: sms.body for sms in claim(day_before)}
    assert "已确认" in answers[numbers[ids[0]]]
    assert "/a/" in answers[numbers[ids[1]]]
    assert "已取消" in answers[numbers[ids[2]]]


def test_what_cannot_be_read_waits_for_a_person_and_changes_nothing(clinic, session, booked, claim, text_in):
    day_before = at(DAY - timedelta(days=3), 10)
    service.release_due(session, now=day_before, limit=10)
    (sms,) = claim(day_before)
    text_in(sms.to_number, "maybe, my son works", day_before)
    assert clinic.row(booked).confirmed_at is None
    assert session.scalars(select(InboundMessage.state)).one().value == "matched"


def test_a_reply_to_the_reminder_of_an_earlier_time_confirms_nothing(clinic, session, booked, claim, text_in):
    moment = at(DAY - timedelta(days=3), 10)
    service.release_due(session, now=moment, limit=10)
    (sms,) = claim(moment)
    service.move_appointment(
        session, appointment_id=booked, slot_id=clinic.slots()[3].id, via=Via.STAFF, now=moment + HOUR
    )
    text_in(sms.to_number, "1", moment + 2 * HOUR)
    assert clinic.row(booked).confirmed_at is None
    assert any("09:45" in answer.body for answer in claim(moment + 2 * HOUR))


def test_a_reminder_in_the_outbox_is_not_sent_after_a_move_or_a_cancellation(clinic, session, booked, claim):
    moment = at(DAY - timedelta(days=3), 10)
    service.release_due(session, now=moment, limit=10)
    service.cancel(session, appointment_id=booked, reason=CancelReason.PATIENT, via=Via.STAFF, now=moment, quietly=True)
    assert claim(moment) == ()
    assert reminders(session, booked) == [("appt_reminder", "suppressed")]


def test_where_the_provider_takes_no_replies_the_reminder_goes_out_without(session, booked, claim):
    moment = at(DAY - timedelta(days=3), 10)
    service.release_due(session, now=moment, limit=10)
    sender = sender_with(two_way=False)
    claim(moment, sender)
    (sms,) = claim(moment, sender)
    assert "确认或改期请拨" in sms.body
    assert reminders(session, booked) == [("appt_reminder", "suppressed"), ("appt_reminder_no_reply", "sending")]


def test_behind_another_conversation_the_reminder_goes_out_without_reply_in_time(session, booked, claim, make, clinic):
    evening = at(DAY - timedelta(days=1), 9)
    make.message(
        make.request(
            clinic.row(booked).patient_id,
            purpose=Purpose.CARE,
            conversation=ConversationRequest("test", 1, expires_at=at(DAY, 20)),
            not_before=evening,
            expires_at=evening + HOUR,
        )
    )
    assert len(claim(evening)) == 1
    service.release_due(session, now=at(DAY - timedelta(days=3), 10), limit=10)
    service.release_due(session, now=at(DAY - timedelta(days=1), 10), limit=10)
    moment = at(DAY - timedelta(days=1), 10)
    while moment < at(DAY, 9):
        messaging.expire(session, now=moment, limit=10)
        for sms in claim(moment):
            assert "确认或改期请拨" in sms.body
        moment += HOUR
    assert ("appt_reminder_no_reply", "sending") in reminders(session, booked)


def test_outside_texting_hours_the_reminder_waits_for_the_morning(session, clinic, patient, claim, facility):
    session.get_one(Facility, facility).settings = {"sms_from": "14:00", "sms_to": "15:00"}
    session.flush()
    clinic.publish()
    clinic.book(patient(), clinic.slots()[0].id)
    service.release_due(session, now=at(DAY - timedelta(days=3), 10), limit=10)
    assert claim(at(DAY - timedelta(days=3), 10)) == ()
    assert sum("回复1" in sms.body for sms in claim(at(DAY - timedelta(days=3), 14))) == 1


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["move", "move", "move", "confirm", "wait", "cancel"]), st.integers(0, 7), st.integers(0, 60)
    ),
    max_size=8,
)
SHANGHAI = ZoneInfo("Asia/Shanghai")


class Days:
    """Lets time pass for one visit, looking at every text that goes out."""

    def __init__(self, session, claim, appointment_id, number, now):
        self.session, self.claim, self.appointment_id, self.number, self.moment = (
            session, claim, appointment_id, number, now,
        )  # fmt: skip
        self.sent: Counter[tuple[int, str]] = Counter()

    def pass_until(self, end):
        while self.moment < end:
            service.release_due(self.session, now=self.moment, limit=10)
            for sms in self.claim(self.moment):
                self.look_at(sms)
            self.moment += 3 * HOUR

    def look_at(self, sms):
        assert sms.to_number == self.number
        assert 8 <= self.moment.astimezone(SHANGHAI).hour < 20
        if "回复1确认" not in sms.body:
            return
        row = self.session.get_one(Appointment, self.appointment_id, populate_existing=True)
        assert row.state is S.BOOKED
        visit = row.starts_at.astimezone(SHANGHAI)
        assert f"{visit.day}日" in sms.body
        assert f"{visit:%H:%M}" in sms.body
        days = (visit.date() - self.moment.astimezone(SHANGHAI).date()).days
        self.sent[row.generation, "far" if days > 1 else "near"] += 1

    def act(self, kind, slot_id):
        about = {"appointment_id": self.appointment_id, "via": Via.LINK, "now": self.moment}
        if kind == "move":
            service.move_appointment(self.session, slot_id=slot_id, **about)
        elif kind == "cancel":
            service.cancel(self.session, reason=CancelReason.PATIENT, **about)
        elif kind == "confirm":
            service.confirm(self.session, **about)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS)
def test_through_any_series_of_moves_a_reminder_is_sent_once_to_the_right_phone_for_the_time_that_holds(
    session, clinic, make, claim, now, actions
):
    nested = session.begin_nested()
    clinic.publish(days=4, slots=2)
    slots = [slot.id for slot in clinic.slots()]
    who = make.patient()
    number = make.contact(who)
    days = Days(session, claim, clinic.book(who, slots[0]), number, now)
    for kind, which, hours in actions:
        with suppress(Refused):
            days.act(kind, slots[which])
        days.pass_until(days.moment + hours * HOUR)
    days.pass_until(at(DAY + timedelta(days=5), 9))
    assert all(count == 1 for count in days.sent.values())
    nested.rollback()
