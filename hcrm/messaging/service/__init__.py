"""What messaging does: keep what is to be sent, send it once, take what comes back, and hand the rest to a person."""

from hcrm.messaging.service.allowances import Rates
from hcrm.messaging.service.answers import AnswerTooLong, PhoneStopped, WhoseIsOpen, answer_text
from hcrm.messaging.service.arrivals import NoFacility, count_refused, receive_from_outside, storable
from hcrm.messaging.service.conversations import finish_about as finish_conversations_about
from hcrm.messaging.service.doubt import (
    MessageNotInDoubt,
    leave_it,
    mark_unknown,
    put_back,
    release_unbegun,
    send_again,
)
from hcrm.messaging.service.evidence import note_looks, record_result, record_results
from hcrm.messaging.service.foreseeing import foresee
from hcrm.messaging.service.inbox import (
    AlreadyHandled,
    ClaimedByOther,
    NotAnOutcome,
    claim_text,
    close_text,
    hand_over,
    say_whose,
)
from hcrm.messaging.service.leasing import begin_calls
from hcrm.messaging.service.outbox import enqueue, enqueue_many, expire, withdraw
from hcrm.messaging.service.pauses import note_success, note_trouble
from hcrm.messaging.service.receipts import apply_receipt, keep_receipt
from hcrm.messaging.service.replies import leave_to_person, receive, take
from hcrm.messaging.service.sending import Claimed, Sender, claim
from hcrm.messaging.service.stops import start, stop
from hcrm.messaging.service.templates import install_default_templates
from hcrm.messaging.service.wordings import NotPublishable, UnknownText, remarks_on_text, save_wording

__all__ = [
    "AlreadyHandled",
    "AnswerTooLong",
    "Claimed",
    "ClaimedByOther",
    "MessageNotInDoubt",
    "NoFacility",
    "NotAnOutcome",
    "NotPublishable",
    "PhoneStopped",
    "Rates",
    "Sender",
    "UnknownText",
    "WhoseIsOpen",
    "answer_text",
    "apply_receipt",
    "begin_calls",
    "claim",
    "claim_text",
    "close_text",
    "count_refused",
    "enqueue",
    "enqueue_many",
    "expire",
    "finish_conversations_about",
    "foresee",
    "hand_over",
    "install_default_templates",
    "keep_receipt",
    "leave_it",
    "leave_to_person",
    "mark_unknown",
    "note_looks",
    "note_success",
    "note_trouble",
    "put_back",
    "receive",
    "receive_from_outside",
    "record_result",
    "record_results",
    "release_unbegun",
    "remarks_on_text",
    "save_wording",
    "say_whose",
    "send_again",
    "start",
    "stop",
    "storable",
    "take",
    "withdraw",
]
