from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text

from hcrm.events import Bus, MessagesChanged
from hcrm.messaging import queries, service
from hcrm.messaging.domain import ConversationRequest, MessageStatus, Purpose, Reason
from hcrm.messaging.models import Conversation, SendAttempt
from hcrm.messaging.providers.base import SendResult
from hcrm.messaging.service import conversations
from hcrm.organization.models import Facility
from hcrm.patients.domain import (
    ConsentChannel,
    ConsentPurpose,
    DeceasedState,
    EncounterStatus,
    Language,
    LineType,
    OwnerKind,
)
from hcrm.patients.models import Consent
from tests.factories_messaging import open_conversations, sender_with

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
S = MessageStatus


def person(make, **values):
    patient_id = make.patient(**values)
    return patient_id, make.contact(patient_id)


def test_a_due_message_is_leased_and_rendered_in_the_patients_language(make, claim, session):
    patient_id, number = person(make)
    message_id = make.message(make.request(patient_id))
    (sms,) = claim()
    assert sms.to_number == number
    assert sms.body == "【测试医院】祝您早日康复。请按书面医嘱用药和复查。咨询02112345678，紧急情况请拨120。退订回T"
    row = make.row(message_id)
    assert (row.status, row.language, row.segments, row.body) == (S.SENDING, "zh_Hans", 1, sms.body)
    attempt = session.scalars(select(SendAttempt)).one()
    assert (attempt.id, attempt.number, attempt.worker) == (sms.attempt_id, 1, "test-worker")


def test_an_english_reader_gets_english(make, claim):
    patient_id, _ = person(make, language=Language.ENGLISH)
    make.message(make.request(patient_id))
    assert claim()[0].body.startswith("Test Hospital: We wish you a good recovery.")


def test_the_same_key_is_stored_once(make, claim):
    patient_id, _ = person(make)
    request = make.request(patient_id)
    assert make.message(request) == make.message(replace(request, template_code="help"))
    assert len(claim()) == 1
    assert claim() == ()


def test_many_are_stored_at_once_and_each_key_has_its_id(make, session, now):
    patient_id, _ = person(make)
    requests = [make.request(patient_id) for _ in range(5)]
    first = service.enqueue_many(session, requests[:3], now=now)
    ids = service.enqueue_many(session, [*requests, requests[0]], now=now)
    assert set(ids) == {request.key for request in requests}
    assert {key: ids[key] for key in first} == first


def test_a_claimed_message_is_not_claimed_again(make, claim):
    make.reachable(3)
    assert len(claim(limit=2)) == 2
    assert len(claim()) == 1
    assert claim() == ()


def test_care_goes_before_surveys(make, claim):
    first, _ = person(make)
    second, _ = person(make)
    make.message(make.survey(first, 1, not_before=make.now - HOUR))
    make.message(make.request(second))
    assert [sms.body[6:12] for sms in claim(limit=1)] == ["祝您早日康复"]


def test_outside_sending_hours_it_waits_for_the_opening(make, claim):
    message_id = make.reachable()[0]
    night = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)  # 20:30 in Shanghai
    assert claim(night) == ()
    row = make.row(message_id)
    assert (row.status, row.next_try_at) == (S.QUEUED, datetime(2026, 3, 11, 0, 0, tzinfo=UTC))
    assert row.decision["checks"][-1]["code"] == "sending_hours"


def test_it_is_not_sent_late(make, claim):
    message_id = make.reachable()[0]
    assert claim(make.now + 2 * DAY) == ()
    assert (make.row(message_id).status, make.row(message_id).reason) == (S.EXPIRED, Reason.OUTSIDE_WINDOW)


@pytest.mark.parametrize("state", [DeceasedState.PENDING, DeceasedState.CONFIRMED])
def test_nothing_goes_to_somebody_who_died(make, claim, state):
    patient_id, _ = person(make, deceased_state=state)
    message_id = make.message(make.request(patient_id))
    assert claim() == ()
    assert make.row(message_id).reason is Reason.DECEASED


def test_a_death_on_any_record_of_the_person_counts(make, claim):
    patient_id, _ = person(make)
    make.patient(person_id=patient_id, deceased_state=DeceasedState.CONFIRMED)
    message_id = make.message(make.request(patient_id))
    assert claim() == ()
    assert make.row(message_id).reason is Reason.DECEASED


def test_a_refusal_holds_for_its_purpose_alone(make, claim, session):
    patient_id, _ = person(make)
    session.add(
        Consent(
            facility_id=make.facility_id, patient_id=patient_id, purpose=ConsentPurpose.SURVEY,
            channel=ConsentChannel.SMS, given=False, recorded_at=make.now, how="phone",
        )
    )  # fmt: skip
    care = make.message(make.request(patient_id))
    survey = make.message(make.survey(patient_id, 1))
    assert len(claim()) == 1
    assert make.row(care).status is S.SENDING
    assert (make.row(survey).status, make.row(survey).reason) == (S.SUPPRESSED, Reason.NO_CONSENT)


def test_a_patient_who_is_back_in_hospital_gets_nothing_from_the_old_plan(make, claim):
    patient_id, _ = person(make)
    stay = make.stay(patient_id)
    message_id = make.message(make.request(patient_id, encounter_id=stay))
    make.stay(patient_id, status=EncounterStatus.IN_PROGRESS, admitted_at=make.now - HOUR, discharged_at=None)
    assert claim() == ()
    row = make.row(message_id)
    assert row.reason is Reason.PLAN_CANCELLED
    assert row.decision["checks"][-1]["fact"] == "readmitted"


def test_a_cancelled_stay_sends_nothing_and_an_earlier_stay_does_no_harm(make, claim):
    first, _ = person(make)
    second, _ = person(make)
    make.stay(second, discharged_at=make.now - 30 * DAY, admitted_at=make.now - 40 * DAY)
    gone = make.message(make.request(first, encounter_id=make.stay(first, status=EncounterStatus.CANCELLED)))
    fine = make.message(make.request(second, encounter_id=make.stay(second)))
    claim()
    assert make.row(gone).reason is Reason.PLAN_CANCELLED
    assert make.row(fine).status is S.SENDING


def test_after_a_sensitive_stay_only_the_own_number_is_used(make, claim):
    patient_id = make.patient()
    make.contact(patient_id, owner_kind=OwnerKind.RELATIVE, relationship="daughter")
    message_id = make.message(make.request(patient_id, encounter_id=make.stay(patient_id, sensitive=True)))
    assert claim() == ()
    assert make.row(message_id).reason is Reason.INVALID_NUMBER


def test_a_child_is_reached_through_a_parent(make, claim):
    patient_id = make.patient(birth_date=date(2020, 1, 1))
    make.contact(patient_id)
    mother = make.contact(patient_id, owner_kind=OwnerKind.RELATIVE, relationship="mother")
    make.message(make.request(patient_id))
    assert [sms.to_number for sms in claim()] == [mother]


def test_a_landline_is_named_as_the_reason(make, claim):
    patient_id = make.patient()
    make.contact(patient_id, line_type=LineType.LANDLINE)
    message_id = make.message(make.request(patient_id))
    assert claim() == ()
    assert make.row(message_id).reason is Reason.LANDLINE


def test_a_text_without_the_language_of_the_patient_is_held_back_and_says_so(make, claim, session):
    session.execute(text("DELETE FROM message_template WHERE code = 'welcome' AND language = 'zh_Hans'"))
    chinese, english = make.patient(), make.patient(language="en")
    numbers = [make.contact(each) for each in (chinese, english)]
    held_back, _ = (make.message(make.request(each)) for each in (chinese, english))
    assert [sms.to_number for sms in claim()] == numbers[1:]
    row = make.row(held_back)
    assert (row.status, row.reason) == (MessageStatus.SUPPRESSED, Reason.MISSING_TEMPLATE_DATA)
    assert row.decision["checks"][-1] == {"code": "complete", "passed": False, "fact": "template"}


def test_a_carrier_that_signs_itself_gets_the_text_without_the_name_and_it_still_counts(make, claim, session):
    facility = session.get_one(Facility, make.facility_id)
    (first,) = make.reachable()
    (with_name,) = claim()
    facility.settings = {**facility.settings, "signature_added_by_carrier": True}
    session.flush()
    (second,) = make.reachable()
    (without,) = claim()
    assert with_name.body.startswith("【")
    assert without.body == with_name.body[with_name.body.index("】") + 1 :]
    assert make.row(first).segments == make.row(second).segments
    assert make.row(second).body == without.body


def test_missing_template_data_is_named(make, claim, session):
    session.get_one(Facility, make.facility_id).phone = ""
    message_id = make.reachable()[0]
    assert claim() == ()
    row = make.row(message_id)
    assert row.reason is Reason.MISSING_TEMPLATE_DATA
    assert row.decision["checks"][-1]["fact"] == "phone"


def test_one_survey_per_month_over_all_departments(make, claim):
    patient_id, _ = person(make)
    first = make.message(make.survey(patient_id, 1))
    second = make.message(make.survey(patient_id, 2))
    claim()
    assert (make.row(first).status, make.row(second).reason) == (S.SENDING, Reason.FATIGUE_LIMIT)


def test_a_reminder_of_the_same_survey_is_no_other_survey(make, claim, session):
    patient_id, _ = person(make)
    make.message(make.survey(patient_id, 1))
    claim()
    reminder = make.message(make.survey(patient_id, 1, template_code="survey_reminder_sms"))
    assert len(claim()) == 1
    assert make.row(reminder).status is S.SENDING


def test_merged_records_share_the_limit(make, claim):
    patient_id, _ = person(make)
    other = make.patient(person_id=patient_id)
    make.contact(other)
    make.message(make.survey(patient_id, 1))
    claim()
    second = make.message(make.survey(other, 2))
    assert claim(make.now + HOUR) == ()
    assert make.row(second).reason is Reason.FATIGUE_LIMIT


def test_a_second_conversation_waits_until_the_phone_is_free(make, claim, session, now):
    patient_id, number = person(make)
    make.message(make.survey(patient_id, 1))
    claim()
    appointment = make.message(
        make.request(patient_id, template_code="appt_reminder", values={"when": "3月12日 10:00", "place": "二号楼一层"},
                     conversation=ConversationRequest("appointment", 7))
    )  # fmt: skip
    assert claim() == ()
    row = make.row(appointment)
    assert (row.status, row.decision["checks"][-1]["code"]) == (S.QUEUED, "phone_free")
    conversation = session.scalars(select(Conversation)).one()
    conversations.finish(session, conversation.id, now=now)
    assert [sms.to_number for sms in claim()] == [number]
    assert len(open_conversations(session, "appointment", 7)) == 1


def test_a_conversation_whose_time_is_over_frees_the_phone(make, claim):
    patient_id, _ = person(make)
    about = ConversationRequest("test", 1, expires_at=make.now + HOUR)
    make.message(make.survey(patient_id, 1, conversation=about))
    claim()
    other = make.message(make.survey(patient_id, 1, conversation=ConversationRequest("appointment", 7)))
    make.row(other).purpose = Purpose.CARE
    assert len(claim(make.now + 2 * HOUR)) == 1


def test_the_link_is_made_at_sending_and_not_kept(make, claim, session):
    session.info["links"] = {"test": lambda subject: f"https://h.example/s/token{subject}"}
    patient_id, _ = person(make)
    about = ConversationRequest("test", 5, awaits_reply=False)
    message_id = make.message(make.survey(patient_id, 5, template_code="survey_invite_web", conversation=about))
    assert "https://h.example/s/token5" in claim()[0].body
    assert "token5" not in make.row(message_id).body
    assert session.scalars(select(Conversation)).all() == []


def test_a_provider_that_takes_no_links_gets_none(make, claim, session):
    session.info["links"] = {"test": lambda _subject: "https://h.example/s/t"}
    patient_id, _ = person(make)
    message_id = make.message(make.survey(patient_id, 5, template_code="survey_invite_web"))
    assert claim(sender=sender_with(links=False)) == ()
    assert make.row(message_id).reason is Reason.PROVIDER_ERROR
    assert make.row(message_id).decision["checks"][-1] == {
        "code": "provider_takes_it", "passed": False, "fact": "no_links",
    }  # fmt: skip


def test_withdrawing_ends_what_is_not_handed_over(make, claim, session, now):
    patient_id, _ = person(make)
    waiting = make.message(make.request(patient_id, task_id=11))
    other = make.message(make.request(patient_id, task_id=12))
    assert service.withdraw(session, reason=Reason.PLAN_CANCELLED, now=now, task_ids=[11]) == 1
    assert len(claim()) == 1
    assert service.withdraw(session, reason=Reason.PLAN_CANCELLED, now=now, task_ids=[11, 12]) == 0
    assert (make.row(waiting).status, make.row(other).status) == (S.CANCELLED, S.SENDING)


def test_withdrawing_by_patient_reaches_all_records_of_the_person(make, session, now):
    patient_id, _ = person(make)
    other = make.patient(person_id=patient_id)
    message_id = make.message(make.request(other))
    service.withdraw(session, reason=Reason.DECEASED, now=now, patient_ids=[patient_id])
    assert (make.row(message_id).status, make.row(message_id).reason) == (S.SUPPRESSED, Reason.DECEASED)


def test_expiring_ends_late_messages_in_bulk(make, session, now):
    ids = make.reachable(3)
    assert service.expire(session, now=now + 2 * DAY, limit=2) == 2
    assert service.expire(session, now=now + 2 * DAY, limit=2) == 1
    session.expire_all()
    assert {make.row(each).status for each in ids} == {S.EXPIRED}


def test_what_became_of_a_message_is_announced_once(make, claim, session, now):
    bus, heard = Bus(), []
    bus.subscribe(MessagesChanged, lambda _session, event: heard.append(event.message_ids))
    session.info["bus"] = bus
    (message_id,) = make.reachable()
    (sms,) = claim()
    service.begin_calls(session, [sms.attempt_id], now=now, lease=HOUR)
    service.record_result(session, sms.attempt_id, SendResult(S.DELIVERED), now=now)
    service.record_result(session, sms.attempt_id, SendResult(S.SENT), now=now)
    assert heard == [(message_id,)]


def test_the_timeline_tells_the_true_state_and_the_reason(make, claim, session):
    patient_id, _ = person(make)
    stay = make.stay(patient_id)
    make.message(make.request(patient_id, encounter_id=stay))
    make.message(make.survey(patient_id, 1, not_before=make.now + DAY, expires_at=make.now + 2 * DAY))
    claim()
    make.message(make.request(patient_id, expires_at=make.now))
    claim()
    entries = queries.timeline(session, [patient_id])
    assert [(each.title_code, each.state, each.encounter_id) for each in entries] == [
        ("messaging.sms_care", "messaging.sending", stay),
        ("messaging.sms_survey", "messaging.scheduled", None),
        ("messaging.sms_care", "messaging.expired.outside_window", None),
    ]
