"""What Twilio tells: texts from phones and what became of ours. Signed, stored as it came, answered at once.

The signature is checked against the address that the settings name, never against what the call itself says of its
host. Nothing of a refused call is kept but a count.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from hcrm.accounts.guard import public
from hcrm.extensions import csrf
from hcrm.messaging import service
from hcrm.messaging.providers.twilio_sms import TwilioSms, signature_holds
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now, settings

blueprint = Blueprint("twilio", __name__, url_prefix="/webhooks/twilio")
csrf.exempt(blueprint)  # the signature says who calls

LARGEST = 256 * 1024
"""Bytes of a call: a text of ten thousand characters, as forms are written, and room beside it."""

KEY_LIMIT = 200
SIGNATURE = "X-Twilio-Signature"
EMPTY_ANSWER = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'

View = TypeVar("View", bound=Callable[..., Any])


def _refuse(code: int, why: str) -> ResponseReturnValue:
    with unit_of_work() as session:
        service.count_refused(session, why, now=now())
    return Response(status=code)


def signed(view: View) -> View:
    """Let only calls in that Twilio signed: 403 for others, 413 for too large ones, 404 where Twilio is not used."""

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        if TwilioSms.name not in settings().sms_providers:
            return Response(status=404)
        request.max_content_length = LARGEST
        request.max_form_memory_size = LARGEST
        try:
            form = request.form
        except RequestEntityTooLarge:
            return _refuse(413, "too_large")
        given = request.headers.get(SIGNATURE, "")
        if not signature_holds(settings().twilio_auth_token, _address(), form, given):
            return _refuse(403, "wrong_signature" if given else "no_signature")
        answer: ResponseReturnValue = view(*args, **kwargs)
        return answer

    return checked  # type: ignore[return-value]


def _address() -> str:
    """The address as Twilio called it: ours as it is known outside, and the path and query as they came."""
    raw = str(request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or "")
    if not raw.startswith("/"):
        query = request.query_string.decode("latin-1")
        raw = request.path + (f"?{query}" if query else "")
    return settings().public_base_url + raw


@blueprint.post("/sms")
@public
@signed
def text_from_phone() -> ResponseReturnValue:
    """A phone wrote: the text is stored, whatever it says; a worker deals with it."""
    form = request.form
    sid, sender = form.get("MessageSid") or form.get("SmsSid") or "", form.get("From", "")
    if not sid or not sender:
        return _refuse(400, "malformed")
    with unit_of_work() as session:
        service.receive_from_outside(
            session, provider=TwilioSms.name, provider_message_id=sid, from_number=sender, to_number=form.get("To", ""),
            body=form.get("Body", ""), media=form.get("NumMedia", "0"), now=now(),
        )  # fmt: skip
    return Response(EMPTY_ANSWER, content_type="text/xml; charset=utf-8")


@blueprint.post("/status/<int:message_id>")
@public
@signed
def status_of_message(message_id: int) -> ResponseReturnValue:
    """What became of a message: stored as it came, once for each status; a worker applies it by rank."""
    form = request.form
    sid = form.get("MessageSid") or form.get("SmsSid") or ""
    status = form.get("MessageStatus") or form.get("SmsStatus") or ""
    if not sid or not status:
        return _refuse(400, "malformed")
    attempt = request.args.get("attempt", "")
    raw = {"MessageSid": sid, "MessageStatus": status, "ErrorCode": form.get("ErrorCode", "")} | {
        "message": str(message_id),
        "attempt": attempt,
    }
    with unit_of_work() as session:
        service.keep_receipt(
            session, provider=TwilioSms.name,
            event_key=service.storable(f"twilio:{message_id}:{attempt}:{sid}:{status}", KEY_LIMIT),
            raw={name: service.storable(value, 64) for name, value in raw.items()}, now=now(),
        )  # fmt: skip
    return Response(status=204)
