"""Any mix and order of channels, repeats and late arrivals ends in one response with the last valid answers."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm.survey import queries, service
from hcrm.survey.domain import InvalidAnswer, Mode, NotUnderstood, ResponseState, parse_reply
from hcrm.survey.models import SurveyAnswer, SurveyResponse
from hcrm.survey.queries.given import as_value
from hcrm.survey.readers import packaged_questionnaire
from hcrm.survey.service import WebOutcome
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.factories_survey import SurveyFactory, invite

pytestmark = pytest.mark.database

FORM = packaged_questionnaire("SAT_IP")
CODES = st.sampled_from(["overall", "nurse_comm", "recommend", "comment", "response"])
VALUES = st.sampled_from([1, 3, 5, 6, 11, "na", "good food", "", True, None, [1]])
REPLIES = st.sampled_from(["5", "3", "very satisfied", "四分", "4 or 5", "who is this", "10", "0", "食物很好"])
DEVICES = st.sampled_from(["phone-aa", "phone-bb"])


class Channels(RuleBasedStateMachine):
    """A patient, a relative and a nurse answer one invitation by whatever is at hand."""

    session: Session
    facility_id: int
    begun: datetime

    def __init__(self) -> None:
        super().__init__()
        self.now = self.begun
        self.response_id = SurveyFactory(self.session, self.begun, self.facility_id).response(days=3)
        self.answers: dict[str, Any] = {}
        self.kept: list[tuple[str, Any, Mode, bool]] = []
        self.seen = {"phone-aa": 0, "phone-bb": 0}
        self.texts = 0
        self._begin_texts()

    def teardown(self) -> None:
        self.session.rollback()

    def _begin_texts(self) -> None:
        service.opening_request(
            self.session,
            response_id=self.response_id,
            key="invitation",
            not_before=self.now,
            expires_at=self.now + timedelta(days=1),
            now=self.now,
        )

    @property
    def late(self) -> bool:
        return queries.response(self.session, self.response_id).is_late(self.now)

    def _expect(self, code: str, value: Any, mode: Mode, *, late: bool) -> None:
        """The model: the last valid answer counts; the same answer again by the same channel is no new one."""
        current = next((each for each in reversed(self.kept) if each[0] == code), None)
        if current is None or code not in self.answers or current[1:3] != (value, mode):
            self.kept.append((code, value, mode, late))
        self.answers[code] = value

    @rule(code=CODES, value=VALUES, mode=st.sampled_from([Mode.PHONE, Mode.VISIT]))
    def staff_notes(self, code: str, value: Any, mode: Mode) -> None:
        late = self.late
        try:
            stored = service.record_answer(
                self.session, response_id=self.response_id, question_code=code, value=value, mode=mode, now=self.now
            )
        except InvalidAnswer:
            return
        self._expect(code, stored, mode, late=late)

    @rule(device=DEVICES)
    def opens_the_page(self, device: str) -> None:
        newest = select(func.max(SurveyAnswer.id)).where(SurveyAnswer.response_id == self.response_id)
        self.seen[device] = self.session.scalar(newest) or 0

    @rule(device=DEVICES, code=CODES, value=VALUES)
    def answers_on_the_web(self, device: str, code: str, value: Any) -> None:
        late, before = self.late, dict(self.answers)
        newer = queries.answered_since(self.session, self.response_id, self.seen[device], device)
        try:
            saved = service.answer_on_web(
                self.session,
                response_id=self.response_id,
                question_code=code,
                value=value,
                language="en",
                device=device,
                seen_answer_id=self.seen[device],
                now=self.now,
            )
        except InvalidAnswer:
            assert self.answers == before
            return
        if saved.outcome is WebOutcome.CONFLICT:
            assert code in newer
            return
        assert saved.others == bool(newer)
        self._expect(code, queries.answers(self.session, self.response_id)[code], Mode.WEB, late=late)

    @rule(reply=REPLIES)
    def answers_by_text(self, reply: str) -> None:
        position = self.session.get_one(SurveyResponse, self.response_id).sms_position or {}
        waiting, late = position.get("waiting_for"), self.late
        self.texts += 1
        outcome = service.take_reply_text(
            self.session, response_id=self.response_id, inbound_id=self.texts, text=reply, now=self.now
        )
        parsed = parse_reply(FORM.question(waiting), reply) if waiting else NotUnderstood()
        if isinstance(parsed, NotUnderstood):
            assert outcome.for_person or (outcome.reply is not None and not outcome.finished)
        elif parsed.value is not None:
            self._expect(waiting, parsed.value, Mode.SMS, late=late)

    @rule(hours=st.sampled_from([1, 30, 80]))
    def time_goes_by(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        service.expire_due(self.session, self.now)

    @rule()
    def the_survey_is_ended(self) -> None:
        service.close_response(self.session, response_id=self.response_id, now=self.now)

    @invariant()
    def there_is_one_response_with_the_last_valid_answers(self) -> None:
        assert queries.answers(self.session, self.response_id) == self.answers
        assert self.session.scalar(select(func.count()).select_from(SurveyResponse)) == 1

    @invariant()
    def every_answer_that_was_ever_given_is_kept_in_its_order(self) -> None:
        rows = self.session.scalars(select(SurveyAnswer).order_by(SurveyAnswer.id)).all()
        assert [(row.question_code, as_value(row.value), row.mode, row.late) for row in rows] == self.kept
        current = [row.question_code for row in rows if row.superseded_at is None]
        assert len(current) == len(set(current)) == len(self.answers)

    @invariant()
    def an_answer_in_time_is_never_called_expired(self) -> None:
        state = queries.response(self.session, self.response_id).state
        in_time = {code for code, _, _, late in self.kept if not late}
        assert state is not ResponseState.EXPIRED or "overall" not in in_time or self.answers.get("overall") == "na"


def test_any_mix_of_channels_ends_in_the_last_valid_answers(session: Session, facility: int, now: datetime):
    machine = type("ChannelsHere", (Channels,), {"session": session, "facility_id": facility, "begun": now})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def _both_at_once(runtime: Runtime, response_id: int, said: Mapping[str, tuple[str, int]]) -> dict[str, Any]:
    """Two phones send (question, value) at the same moment, from pages that showed no answer yet."""
    told: dict[str, Any] = {}
    ready = threading.Barrier(len(said))

    def send(device: str, code: str, value: int) -> None:
        ready.wait()
        with unit_of_work(runtime.sessions) as session:
            told[device] = service.answer_on_web(
                session,
                response_id=response_id,
                question_code=code,
                value=value,
                language="en",
                device=device,
                seen_answer_id=0,
                now=runtime.clock.now(),
            )

    phones = [threading.Thread(target=send, args=(device, *answer)) for device, answer in said.items()]
    for phone in phones:
        phone.start()
    for phone in phones:
        phone.join()
    return told


def test_two_phones_at_the_same_moment_are_both_told_and_nothing_is_lost(runtime: Runtime, facility: int):
    for _ in range(3):
        response_id, _path = invite(runtime, facility)
        told = _both_at_once(runtime, response_id, {"phone-aa": ("overall", 5), "phone-bb": ("overall", 2)})
        outcomes = {device: (each.outcome, each.others) for device, each in told.items()}
        assert sorted(outcomes.values()) == [(WebOutcome.CONFLICT, True), (WebOutcome.SAVED, False)]
        winner = next(device for device, each in told.items() if each.outcome is WebOutcome.SAVED)
        with unit_of_work(runtime.sessions) as session:
            assert queries.answers(session, response_id) == {"overall": 5 if winner == "phone-aa" else 2}

        response_id, _path = invite(runtime, facility)
        told = _both_at_once(runtime, response_id, {"phone-aa": ("overall", 5), "phone-bb": ("nurse_comm", 2)})
        assert all(each.outcome is WebOutcome.SAVED for each in told.values())
        assert sorted(each.others for each in told.values()) == [False, True]
        with unit_of_work(runtime.sessions) as session:
            assert queries.answers(session, response_id) == {"overall": 5, "nurse_comm": 2}
