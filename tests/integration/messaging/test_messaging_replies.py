from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from hcrm.accounts.domain import Scope
from hcrm.events import Bus, NumberStarted, NumberStopped
from hcrm.messaging import queries, service
from hcrm.messaging.domain import (
    ConversationRequest,
    HandledReply,
    InboundState,
    MessageRequest,
    Outcome,
    Purpose,
    Reason,
)
from hcrm.messaging.models import InboundMessage, OutboxMessage
from hcrm.organization.models import Facility
from hcrm.patients.domain import DeceasedState
from tests.factories_messaging import open_conversations

OURS = "1069000001"
HOUR = timedelta(hours=1)
I = InboundState  # noqa: E741


@pytest.fixture
def text_in(session, now, facility):
    """``text_in(number, body)`` brings a text and takes it; gives the row."""
    counter = iter(range(1000))

    def run(number, body, at=now, to=None):
        inbound_id = service.receive(
            session,
            facility_id=facility,
            provider="console",
            provider_message_id=f"in-{next(counter)}",
            from_number=number,
            to_number=to or f"1069{facility:06d}",
            body=body,
            now=at,
        )
        service.take(session, inbound_id, now=at)
        return session.get_one(InboundMessage, inbound_id, populate_existing=True)

    return run


@pytest.fixture
def heard(session):
    """Events about numbers that were published."""
    bus, events = Bus(), []
    for kind in (NumberStopped, NumberStarted):
        bus.subscribe(kind, lambda _session, event: events.append(type(event)))
    session.info["bus"] = bus
    return events


def phone(make, **values):
    patient_id = make.patient(**values)
    return patient_id, make.contact(patient_id)


def answers(session):
    return list(
        session.scalars(
            select(OutboxMessage.template_code).where(OutboxMessage.in_reply_to.is_not(None)).order_by(OutboxMessage.id)
        )
    )


def test_a_text_is_stored_once_and_as_it_came(session, now, facility):
    values = {"facility_id": facility, "provider": "console", "provider_message_id": "m1",
              "from_number": "+8613800000001", "to_number": OURS, "body": " ＳＴＯＰ ", "now": now}  # fmt: skip
    first = service.receive(session, **values)
    assert service.receive(session, **(values | {"body": "other"})) == first
    row = session.get_one(InboundMessage, first)
    assert (row.body, row.state) == (" ＳＴＯＰ ", I.RECEIVED)


def test_a_text_is_taken_once(session, now, make, text_in):
    _, number = phone(make)
    row = text_in(number, "STOP")
    assert service.take(session, row.id, now=now) is None
    assert answers(session) == ["stop_confirm"]


def test_stop_ends_everything_to_the_number_but_one_confirmation(make, text_in, claim, session, heard):
    patient_id, number = phone(make)
    make.message(make.survey(patient_id, 1))
    claim()
    waiting = make.message(make.request(patient_id))
    row = text_in(number, "退订")
    assert (row.state, row.keyword, row.outcome, row.patient_id) == (I.HANDLED, "stop", Outcome.STOPPED, patient_id)
    (confirmation,) = claim()
    assert "您已退订短信" in confirmation.body
    assert make.row(waiting).reason is Reason.OPTED_OUT
    assert open_conversations(session, "test", 1) == []
    assert heard == [NumberStopped]


def test_a_second_stop_is_not_confirmed_again(make, text_in, session, heard):
    _, number = phone(make)
    text_in(number, "stop")
    text_in(number, "T")
    assert answers(session) == ["stop_confirm"]
    assert heard == [NumberStopped]


def test_where_the_provider_answers_stop_itself_we_say_nothing(make, text_in, session, facility):
    session.get_one(Facility, facility).settings = {"provider_confirms_stop": True}
    _, number = phone(make)
    text_in(number, "stop")
    text_in(number, "start")
    assert answers(session) == []


def test_help_to_a_stopped_number_is_suppressed(make, text_in, claim, session):
    _, number = phone(make)
    text_in(number, "stop")
    claim()
    text_in(number, "help")
    assert claim() == ()


def test_start_brings_texts_back_and_yes_does_so_only_when_stopped(make, text_in, claim, session, heard):
    patient_id, number = phone(make)
    assert text_in(number, "yes").keyword is None
    text_in(number, "stop")
    assert text_in(number, "YES").outcome is Outcome.STARTED
    make.message(make.request(patient_id))
    assert any("祝您早日康复" in sms.body for sms in claim())
    assert heard == [NumberStopped, NumberStarted]


def test_help_is_answered_at_any_hour_in_the_patients_language(make, text_in, claim, now):
    _, number = phone(make)
    night = now + timedelta(hours=12)
    text_in(number, "HELP", at=night)
    (sms,) = claim(night)
    assert "本号码用于随访" in sms.body


def test_an_unknown_phone_is_answered_in_the_language_it_wrote(make, text_in, claim):
    text_in("+8613899999999", "帮助")
    assert "本号码用于随访" in claim()[0].body
    text_in("+8613899999998", "help")
    assert "We text about care" in claim()[0].body


def test_the_confirmation_of_stop_is_not_sent_to_the_phone_of_somebody_who_died(make, text_in, claim):
    _, number = phone(make, deceased_state=DeceasedState.PENDING)
    text_in(number, "stop")
    assert claim() == ()


def conversing(session, make, claim, reply):
    """A patient in a conversation whose handler answers with ``reply``; gives (patient, number, what it heard)."""
    heard = []

    def handler(_session, conversation, inbound, _now):
        heard.append((conversation.subject_id, inbound.body))
        return reply

    session.info["inbound_handlers"] = {"test": handler, "appointment": handler}
    patient_id, number = phone(make)
    make.message(make.survey(patient_id, 1))
    claim()
    return patient_id, number, heard


def next_question(make) -> MessageRequest:
    return replace(make.survey(0, 1), template_code="q_nurse_comm")


def test_a_reply_goes_to_the_conversation_and_its_answer_goes_back_at_once(make, claim, text_in, session, now):
    reply = HandledReply(replies=(next_question(make),))
    patient_id, number, heard = conversing(session, make, claim, reply)
    night = now + timedelta(hours=12)
    row = text_in(number, "5", at=night)
    assert heard == [(1, "5")]
    assert (row.state, row.outcome, row.patient_id) == (I.HANDLED, Outcome.ANSWER, patient_id)
    (sms,) = claim(night)
    assert "护士的倾听" in sms.body
    assert len(open_conversations(session, "test", 1)) == 1


def test_stop_outranks_a_running_survey(make, claim, text_in, session):
    _, number, heard = conversing(session, make, claim, HandledReply())
    text_in(number, "stop")
    assert heard == []


def test_a_finished_conversation_takes_no_more_replies(make, claim, text_in, session):
    _, number, heard = conversing(session, make, claim, HandledReply(finished=True))
    text_in(number, "5")
    row = text_in(number, "one more thing")
    assert len(heard) == 1
    assert row.state is I.MATCHED


def test_what_the_handler_leaves_to_a_person_waits_in_the_inbox(make, claim, text_in, session, facility):
    _, number, _ = conversing(session, make, claim, HandledReply(for_person=True))
    row = text_in(number, "what?")
    assert row.state is I.MATCHED
    assert [each.id for each in queries.inbox(session, Scope({facility: None}))] == [row.id]


@pytest.mark.parametrize(
    ("word", "goes_to_appointment"), [("cancel", True), ("yes", True), ("end", True), ("stop", False)]
)
def test_while_an_appointment_waits_some_words_belong_to_it(make, claim, text_in, session, word, goes_to_appointment):
    _, _, heard = conversing(session, make, claim, HandledReply())
    patient_id, number = phone(make)
    make.message(
        make.request(patient_id, template_code="appt_reminder", values={"when": "3月12日", "place": "二号楼"},
                     conversation=ConversationRequest("appointment", 9))
    )  # fmt: skip
    claim()
    row = text_in(number, word)
    assert (heard == [(9, word)]) is goes_to_appointment
    assert (row.keyword is None) is goes_to_appointment


def test_a_shared_number_is_never_guessed(make, text_in, session):
    _, number = phone(make)
    make.contact(make.patient(), number)
    row = text_in(number, "my wound hurts")
    assert (row.state, row.patient_id) == (I.AMBIGUOUS, None)


def test_a_shared_number_with_one_open_conversation_goes_there(make, claim, text_in, session):
    patient_id, number, heard = conversing(session, make, claim, HandledReply())
    make.contact(make.patient(), number)
    assert text_in(number, "4").patient_id == patient_id
    assert heard == [(1, "4")]


def test_records_of_one_person_share_a_number_without_doubt(make, text_in):
    patient_id, number = phone(make)
    make.contact(make.patient(person_id=patient_id), number)
    assert text_in(number, "thank you").patient_id == patient_id


def test_an_unknown_number_waits_unmatched_and_is_not_answered(text_in, session):
    assert text_in("+8613877777777", "who is this").state is I.UNMATCHED
    assert answers(session) == []


def test_a_known_phone_is_told_once_a_day_that_a_person_will_read(make, text_in, session, now, claim):
    _, number = phone(make)
    text_in(number, "thank you")
    text_in(number, "one more thing", at=now + HOUR)
    text_in(number, "and today", at=now + 25 * HOUR)
    assert answers(session) == ["handed_over", "handed_over"]


def test_a_text_that_no_rule_can_take_is_left_to_a_person(make, session, now, facility):
    _, number = phone(make)
    inbound_id = service.receive(
        session, facility_id=facility, provider="console", provider_message_id="x", from_number=number,
        to_number=OURS, body="?", now=now,
    )  # fmt: skip
    assert service.leave_to_person(session, inbound_id, now=now) is I.MATCHED


def test_the_inbox_of_a_department_shows_only_its_patients(make, text_in, session, facility, departments):
    mine, number = phone(make)
    make.stay(mine, department_id=departments["MED"])
    other, other_number = phone(make)
    make.stay(other, department_id=departments["SUR"])
    own = text_in(number, "hello").id
    text_in(other_number, "hello")
    unknown = text_in("+8613866666666", "hello").id
    ward = Scope({facility: frozenset({departments["MED"]})})
    assert [each.id for each in queries.inbox(session, ward)] == [own]
    assert queries.inbox_count(session, ward) == 1
    assert unknown in [each.id for each in queries.inbox(session, Scope({facility: None}))]
    assert queries.inbox(session, Scope({})) == []


def test_a_person_claims_hands_over_and_closes_with_an_outcome(make, text_in, session, now, user):
    _, number = phone(make)
    inbound_id = text_in(number, "hello").id
    service.claim_text(session, inbound_id, actor_user_id=user, now=now)
    with pytest.raises(service.ClaimedByOther):
        service.claim_text(session, inbound_id, actor_user_id=user + 1, now=now)
    service.hand_over(session, inbound_id, to_user_id=None, actor_user_id=user, now=now)
    with pytest.raises(service.NotAnOutcome):
        service.close_text(session, inbound_id, outcome=Outcome.STOPPED, note="", actor_user_id=user, now=now)
    service.close_text(session, inbound_id, outcome=Outcome.PHONED, note="ok", actor_user_id=user, now=now)
    row = queries.inbound(session, inbound_id)
    assert (row.state, row.outcome, row.handled_by) == (I.HANDLED, Outcome.PHONED, user)
    with pytest.raises(service.AlreadyHandled):
        service.claim_text(session, inbound_id, actor_user_id=user, now=now)


def test_a_person_says_whose_an_ambiguous_text_is(make, text_in, session, now, user):
    first, number = phone(make)
    make.contact(make.patient(), number)
    row = text_in(number, "hello")
    service.say_whose(session, row.id, patient_id=first, actor_user_id=user, now=now)
    assert (queries.inbound(session, row.id).state, queries.inbound(session, row.id).patient_id) == (I.MATCHED, first)


def test_the_exchange_of_a_shared_phone_shows_one_patient_only(make, text_in, session, claim, facility):
    first, number = phone(make)
    second = make.patient()
    make.contact(second, number)
    make.message(make.request(first))
    make.message(make.request(second, purpose=Purpose.SURVEY, template_code="thanks", key="survey:x:0:0"))
    claim()
    bodies = [each.body for each in queries.exchange(session, facility_id=facility, number=number, patient_id=first)]
    assert len(bodies) == 1
    assert len(queries.exchange(session, facility_id=facility, number=number)) == 2
