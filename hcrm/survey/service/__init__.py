"""What changes surveys: invitations, answers, closing, and the conversation by text message."""

from hcrm.survey.service.answering import (
    WebAnswer,
    WebOutcome,
    answer_on_web,
    choose_respondent,
    clear_answer,
    record_answer,
    record_answers,
)
from hcrm.survey.service.conversation import TextOutcome, opening_request, take_reply_text
from hcrm.survey.service.installing import install_default_questionnaires
from hcrm.survey.service.reminding import remind_due
from hcrm.survey.service.responses import (
    MOST_FAILED_CHECKS,
    check_who,
    close_response,
    ensure_response,
    expire_due,
    mark_delivered,
    mark_undeliverable,
    revoke_link,
    survey_link,
)

__all__ = [
    "MOST_FAILED_CHECKS",
    "TextOutcome",
    "WebAnswer",
    "WebOutcome",
    "answer_on_web",
    "check_who",
    "choose_respondent",
    "clear_answer",
    "close_response",
    "ensure_response",
    "expire_due",
    "install_default_questionnaires",
    "mark_delivered",
    "mark_undeliverable",
    "opening_request",
    "record_answer",
    "record_answers",
    "remind_due",
    "revoke_link",
    "survey_link",
    "take_reply_text",
]
