"""The survey by text message: the invitation, and what a reply does. Functions flush and never commit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from babel.dates import format_date
from sqlalchemy.orm import Session

from hcrm.ids import stable_share
from hcrm.messaging.domain import ConversationRequest, MessageRequest, Purpose, TemplateValue
from hcrm.organization import queries as organization
from hcrm.survey import queries
from hcrm.survey.domain import (
    QuestionKind,
    Questionnaire,
    ReplyKind,
    SmsPosition,
    Text,
    Turn,
    begin,
    take_text,
)
from hcrm.survey.models import SurveyResponse
from hcrm.survey.service.answering import record_reply
from hcrm.survey.service.responses import TOPIC, close_response, locked

HALF = 0.5
USEFUL_FOR = timedelta(hours=24)
"""A question inside a conversation is not sent later than this after the reply."""

_DATE_FORMATS = {"en": "EEE d MMM", "zh_Hans": "M月d日"}


@dataclass(frozen=True, slots=True)
class TextOutcome:
    """What a text did: what to send back, whether a person must read it, whether the conversation is over.

    ``read_as``: ``question=value``, or the code of the question alone where the answer is in the person's own words.
    """

    reply: MessageRequest | None
    for_person: bool
    finished: bool
    read_as: str | None = None


def opening_request(
    session: Session,
    *,
    response_id: int,
    key: str,
    not_before: datetime,
    expires_at: datetime,
    now: datetime,
    reminder: bool = False,
) -> MessageRequest:
    """The message that invites, or reminds: the first question itself or a link, as the hospital has set it.

    When part of it is answered already, or the questionnaire has no short form, it is the link, which goes on where
    the person stopped. Raises ``UnknownResponse``.
    """
    row = locked(session, response_id)
    sheet = queries.sheet(session, response_id, now)
    questionnaire = sheet.questionnaire
    position = begin(questionnaire, sheet.answers, sheet.context)
    by_text = (
        _begins_by_text(organization.facility(session, row.facility_id).settings.survey_invitation, row.id)
        and bool(questionnaire.sms_form)
        and position.waiting_for == questionnaire.sms_form[0]
    )
    values: dict[str, TemplateValue] = {}
    if by_text:
        row.sms_position = position.to_json()
        session.flush()
        template = "survey_reminder_sms" if reminder else questionnaire.invite_sms
        own = questionnaire.question(questionnaire.sms_form[0]).sms_text
        if own is not None:
            template, values = "survey_reminder_question" if reminder else "survey_invite_question", asked_in(own)
    else:
        template = "survey_reminder" if reminder else "survey_invite_web"
    return MessageRequest(
        facility_id=row.facility_id,
        patient_id=row.patient_id,
        encounter_id=row.encounter_id,
        task_id=row.task_id,
        purpose=Purpose.SURVEY,
        template_code=template,
        values=values | _link_generation(row),
        key=key,
        not_before=not_before,
        expires_at=expires_at,
        conversation=ConversationRequest(TOPIC, row.id, awaits_reply=by_text, expires_at=row.expires_at),
    )


def _begins_by_text(invitation: str, response_id: int) -> bool:
    """Whether the first question stands in the text; with ``half`` that is drawn, so that both ways can be compared."""
    return invitation == "sms" or (invitation == "half" and stable_share("survey_invitation", response_id) < HALF)


def take_reply_text(session: Session, *, response_id: int, inbound_id: int, text: str, now: datetime) -> TextOutcome:
    """Take one text as the reply to the question that waits. What no question waits for is for a person.

    Raises ``UnknownResponse``.
    """
    row = locked(session, response_id)
    sheet = queries.sheet(session, response_id, now)
    position = _position(row)
    if position is None or position.finished or sheet.response.ended_without_answers:
        return TextOutcome(None, for_person=True, finished=True)
    turn = take_text(sheet.questionnaire, position, sheet.answers, sheet.context, text)
    row.sms_position = turn.position.to_json()
    row.help_sent = turn.position.help_sent
    if turn.answer is not None:
        record_reply(session, row=row, sheet=sheet, answer=turn.answer, now=now)
    session.flush()
    if turn.reply in (ReplyKind.THANKS, ReplyKind.THANKS_LOW):
        close_response(session, response_id=row.id, now=now)
    reply = _reply(session, row, sheet.questionnaire, turn, inbound_id, now)
    return TextOutcome(
        reply, for_person=turn.to_person, finished=turn.position.finished, read_as=_read_as(sheet.questionnaire, turn)
    )


def _read_as(questionnaire: Questionnaire, turn: Turn) -> str | None:
    if turn.answer is None:
        return None
    code, value = turn.answer
    return code if questionnaire.question(code).kind is QuestionKind.TEXT else f"{code}={value}"


def _position(row: SurveyResponse) -> SmsPosition | None:
    if row.sms_position is None:
        return None
    return SmsPosition.from_json(row.sms_position, help_sent=row.help_sent)


def _reply(
    session: Session, row: SurveyResponse, questionnaire: Questionnaire, turn: Turn, inbound_id: int, now: datetime
) -> MessageRequest:
    waits = turn.ask is not None
    values: dict[str, TemplateValue] = {}
    template = _template(questionnaire, turn)
    if turn.reply is ReplyKind.THANKS_LOW:
        values["by"] = _contact_by(session, row.facility_id, now)
    if turn.ask is not None and template == f"q_{turn.ask}":
        own = questionnaire.question(turn.ask).sms_text
        if own is not None:
            template, values = "q_own", asked_in(own)
    return MessageRequest(
        facility_id=row.facility_id,
        patient_id=row.patient_id,
        encounter_id=row.encounter_id,
        task_id=row.task_id,
        purpose=Purpose.CARE if turn.reply is ReplyKind.HANDED_OVER else Purpose.SURVEY,
        template_code=template,
        values=values,
        key=f"survey:response:{row.id}:{inbound_id}",
        not_before=now,
        expires_at=now + USEFUL_FOR,
        conversation=ConversationRequest(TOPIC, row.id, expires_at=row.expires_at) if waits else None,
    )


def _template(questionnaire: Questionnaire, turn: Turn) -> str:
    """The text to send. Help for a question that is not rated 1 to 5 is the question once more, with its range."""
    if turn.reply is ReplyKind.HELP and turn.ask is not None:
        rated = questionnaire.question(turn.ask).kind is QuestionKind.SCALE5
        return "not_understood" if rated else f"q_{turn.ask}"
    return f"q_{turn.ask}" if turn.reply is ReplyKind.ASK else turn.reply.value


def asked_in(own: Text) -> dict[str, TemplateValue]:
    """The wording that a question has of its own, for the texts of messaging that only frame one."""
    return {"text": {"en": own.en, "zh_Hans": own.zh}}


def _link_generation(row: SurveyResponse) -> dict[str, TemplateValue]:
    """For a link that stands in for one that was taken back."""
    return {"link_generation": str(row.token_generation)} if row.token_generation else {}


def _contact_by(session: Session, facility_id: int, now: datetime) -> dict[str, str]:
    """The day by which somebody will have been in touch: the next workday, in the words of each language."""
    facility = organization.facility(session, facility_id)
    day = organization.calendar(session, facility_id).add_workdays(now.astimezone(facility.zone).date(), 1)
    return {language: format_date(day, pattern, locale=language) for language, pattern in _DATE_FORMATS.items()}
