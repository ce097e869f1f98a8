"""Staff at work: rounds of calls by whoever is on duty, and the alerts that wait."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from hcrm.followup.domain.attempts import AttemptInvalid, Disposition
from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.models import TaskRow
from hcrm.followup.service import AttemptReport, TaskClosed, open_task, record_attempt, resolve_alert, take_alert
from hcrm.followup.service.responses import ensure_task_response
from hcrm.messaging.domain import Outcome
from hcrm.messaging.service import PhoneStopped, WhoseIsOpen, answer_text, claim_text, close_text
from hcrm.simulation import people, queries
from hcrm.simulation.staff import Caller, Round, Staff
from hcrm.survey import queries as survey_queries
from hcrm.survey import service as survey_service
from hcrm.survey.domain import AnswerValue, Mode, next_question
from hcrm.unit_of_work import Runtime, unit_of_work

CALL_LENGTH = timedelta(minutes=5)
UNANSWERED_LENGTH = timedelta(seconds=40)
CALL_BACK_HOURS = (time(10), time(11, 30), time(14, 30), time(17))
"""When patients ask to be called on the next day; local time."""

TEXTS_IN_A_ROUND = 40
CALL_SHARE = 0.5
"""The chance that a call which can wait is made in this round; one that cannot is made when somebody is there."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The call desks of a hospital and who sits at them."""

    seed: int
    facility_id: int
    zone: ZoneInfo
    staff: Staff

    def answer_alerts(self, runtime: Runtime) -> int:
        """Those on duty see to the alerts that were open when they came; how many they closed."""
        now = runtime.clock.now()
        with unit_of_work(runtime.sessions) as session:
            waiting = queries.open_alerts(session, self.facility_id)
        done = 0
        for alert in waiting:
            rng = random.Random(f"{self.seed}:alert:{alert.id}:{now.isoformat()}")
            on_duty = self.staff.of_alert(alert, now.astimezone(self.zone))
            answer = people.alert_answer(rng, alert.cause) if on_duty else None
            if answer is None:
                continue
            user_id = rng.choice(on_duty).user_id
            with unit_of_work(runtime.sessions) as session:
                take_alert(session, alert_id=alert.id, user_id=user_id, now=now)
                resolve_alert(
                    session,
                    alert_id=alert.id,
                    user_id=user_id,
                    cause=alert.cause,
                    action=answer[0],
                    note=answer[1],
                    now=now,
                )
            done += 1
        return done

    def read_texts(self, runtime: Runtime) -> int:
        """The service centre deals with the texts that no rule could take; how many."""
        now = runtime.clock.now()
        on_duty = [each for each in self.staff.service_centre if each.on_duty(now.astimezone(self.zone))]
        if not on_duty:
            return 0
        with unit_of_work(runtime.sessions) as session:
            waiting = queries.texts_to_read(session, self.facility_id, TEXTS_IN_A_ROUND)
            for each in waiting:
                rng = random.Random(f"{self.seed}:text:{each.id}")
                _deal_with(session, each, rng.choice(on_duty).user_id, now)
        return len(waiting)

    def make_calls(self, runtime: Runtime) -> tuple[int, int]:
        """One round of calls, the most pressing first: (calls made, calls completed)."""
        now = runtime.clock.now()
        with unit_of_work(runtime.sessions) as session:
            waiting = queries.waiting_calls(session, self.facility_id, now)
        here = Round(self.staff, now.astimezone(self.zone))
        made = completed = 0
        for call in waiting:
            rng = random.Random(f"{self.seed}:call:{call.task_id}:{call.attempt_count}:{now.isoformat()}")
            pressing = call.due_at - now < timedelta(days=1)
            if not pressing and rng.random() > CALL_SHARE:
                continue
            caller = here.caller(rng, call)
            if caller is None:
                continue
            disposition = self._call(runtime, rng, call, caller)
            made += 1
            completed += disposition is Disposition.COMPLETED
        return made, completed

    def _next_day(self, rng: random.Random, now: datetime) -> datetime:
        tomorrow = now.astimezone(self.zone).date() + timedelta(days=1)
        return datetime.combine(tomorrow, rng.choice(CALL_BACK_HOURS), self.zone)

    def _call(
        self, runtime: Runtime, rng: random.Random, call: queries.WaitingCall, caller: Caller
    ) -> Disposition | None:
        connection, disposition = people.call_outcome(rng, caller.skill)
        now = runtime.clock.now()
        report = AttemptReport(
            key=f"simulated:{call.task_id}:{call.attempt_count}",
            connection=connection,
            disposition=disposition,
            started_at=now - (CALL_LENGTH if disposition else UNANSWERED_LENGTH),
            callback_at=self._next_day(rng, now) if disposition is Disposition.CALLBACK_REQUESTED else None,
        )
        with unit_of_work(runtime.sessions) as session:
            try:
                open_task(session, task_id=call.task_id, user_id=caller.user_id)
            except TaskClosed:  # ended by an earlier call of this round
                return None
            if disposition in {Disposition.COMPLETED, Disposition.PARTIAL} and call.questionnaire_code is not None:
                partly = disposition is Disposition.PARTIAL
                _ask(session, rng, call, caller, now, partly=partly)
            try:
                record_attempt(session, task_id=call.task_id, report=report, user_id=caller.user_id, now=now)
            except AttemptInvalid:  # a core question was passed over: the call counts as broken off
                report = replace(report, disposition=Disposition.PARTIAL)
                record_attempt(session, task_id=call.task_id, report=report, user_id=caller.user_id, now=now)
        return report.disposition


def _deal_with(session: Session, text: queries.TextToRead, user_id: int, now: datetime) -> None:
    answer = people.text_answer(text.body)
    claim_text(session, text.id, actor_user_id=user_id, now=now)
    if answer.reply:
        try:
            answer_text(session, text.id, body=answer.reply, finish=True, actor_user_id=user_id, now=now)
        except (PhoneStopped, WhoseIsOpen):
            answer = people.TextAnswer(Outcome.PHONED, "No text can be sent to this phone: called instead.")
        else:
            return
    close_text(session, text.id, outcome=answer.outcome, note=answer.note, actor_user_id=user_id, now=now)


def _ask(
    session: Session,
    rng: random.Random,
    call: queries.WaitingCall,
    caller: Caller,
    now: datetime,
    *,
    partly: bool,
) -> None:
    """Go through the script by its skip rules; a call that breaks off has the first answer only."""
    task = session.get_one(TaskRow, call.task_id)
    response_id = ensure_task_response(session, task, now)
    sheet = survey_queries.sheet(session, response_id, now)
    answers, said = dict(sheet.answers), dict[str, AnswerValue]()
    last: str | None = None
    while (question := next_question(sheet.questionnaire, answers, sheet.context, after=last)) is not None:
        value = people.spoken_answer(rng, question)
        if value is not None:
            answers[question.code] = said[question.code] = value
            if partly:
                break
        last = question.code
    if said:
        survey_service.record_answers(
            session,
            response_id=response_id,
            values=said,
            mode=Mode.VISIT if call.channel is StepChannel.HOME_VISIT else Mode.PHONE,
            now=now,
            actor_user_id=caller.user_id,
        )
