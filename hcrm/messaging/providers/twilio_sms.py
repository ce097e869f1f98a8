"""Twilio: texts through its own library, with a timeout, kept connections, and the address that the settings name.

The only module that knows the library. What its words and codes mean stands in ``twilio_codes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from urllib3.exceptions import HTTPError

from hcrm.messaging.domain import HandedOver, MessageStatus, Reason
from hcrm.messaging.providers.base import Capabilities, OutgoingSms, SendResult, Understood
from hcrm.messaging.providers.kept_connections import KeptConnections, never_connected
from hcrm.messaging.providers.twilio_codes import STATUSES, WAIT, Meaning, meaning

TIMEOUT_SECONDS = 10.0
"""For each call, far below the lease of an attempt."""

AT_ONCE = 40
LISTED = 100
NEAR = timedelta(minutes=15)
"""How far from the end of its lease a listed message may have been made to be taken for an attempt's."""

TOO_MANY = 429
SERVER_ERROR = 500
ACCOUNT_ERRORS = frozenset({401, 403, TOO_MANY})

CAPABILITIES = Capabilities(
    differs_in={
        "CN": Capabilities(two_way=False, links=False, template_registration=True, countries=frozenset({"CN"})),
        "CU": None,
        "IR": None,
        "KP": None,
        "SY": None,
    }
)
"""In mainland China only registered texts go out, without links, and nobody can answer them."""


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """Who sends, from where, and under which address we are told what became of it."""

    account_sid: str
    public_base_url: str
    auth_token: str = field(repr=False)
    api_base_url: str = "https://api.twilio.com"
    messaging_service_sid: str = ""


class TwilioSms:
    """Sends texts through Twilio's REST service."""

    name = "twilio"
    capabilities = CAPABILITIES
    at_once = AT_ONCE

    def __init__(self, account: TwilioAccount, timeout: float = TIMEOUT_SECONDS) -> None:
        self._account = account
        self._client = Client(
            account.account_sid,
            account.auth_token,
            http_client=KeptConnections(account.api_base_url, timeout, most=AT_ONCE),
        )
        self._client.api.base_url = account.api_base_url

    def send(self, sms: OutgoingSms) -> SendResult:
        """Hand over one text. Raises whatever the network raises when the text may have been taken."""
        sender = (
            {"messaging_service_sid": self._account.messaging_service_sid}
            if self._account.messaging_service_sid
            else {"from_": sms.from_number}
        )
        try:
            made = self._client.messages.create(
                to=sms.to_number, body=sms.body, status_callback=self._callback(sms), **sender
            )
        except (TwilioRestException, TwilioServiceException) as refusal:
            return _refused(refusal)
        except HTTPError as problem:
            if never_connected(problem):
                return SendResult(WAIT.status, reason=WAIT.reason, error_code="no_connection", untried=True)
            raise
        return _told(made)

    def refuses(self) -> str | None:
        """Why Twilio takes no orders of this account: its code or the account's status, or ``no_answer``; None when it
        does.
        """
        try:
            status = str(self._client.api.accounts(self._account.account_sid).fetch().status)
        except (TwilioRestException, TwilioServiceException) as refusal:
            return str(refusal.code or refusal.status)
        except HTTPError:
            return "no_answer"
        return None if status == "active" else status

    def _callback(self, sms: OutgoingSms) -> str:
        return f"{self._account.public_base_url}/webhooks/twilio/status/{sms.message_id}?attempt={sms.attempt_id}"

    def find(self, asked: HandedOver) -> SendResult | None:
        """What Twilio knows: by its own id, else the one listed message that can only be this attempt's."""
        if asked.provider_sid:
            return _told(self._client.messages(asked.provider_sid).fetch())
        if asked.rivals:
            return None
        listed = self._client.messages.list(to=asked.to_number, limit=LISTED, page_size=LISTED)
        fitting = [each for each in listed if _may_be(asked, each)]
        return _told(fitting[0]) if len(fitting) == 1 else None


def _may_be(asked: HandedOver, listed: Any) -> bool:
    made = listed.date_created
    return (
        listed.sid not in asked.taken_sids
        and str(listed.direction or "").startswith("outbound")
        and (made is None or abs(made - asked.lease_until) <= NEAR)
        and asked.fits(listed.body or "")
    )


def _refused(refusal: TwilioRestException | TwilioServiceException) -> SendResult:
    """What an answer other than success means; raises it again where the text may have been taken all the same."""
    if refusal.status >= SERVER_ERROR:
        raise refusal
    code = refusal.code or None
    means = WAIT if refusal.status in ACCOUNT_ERRORS and code != 21610 else meaning(code)
    return _failed(means, str(code or refusal.status))


def _failed(means: Meaning, code: str | None, sid: str | None = None) -> SendResult:
    return SendResult(
        means.status,
        provider_sid=sid,
        reason=means.reason,
        error_code=code,
        untried=means.untried,
        number_gone=means.number_gone,
    )


def _told(message: Any) -> SendResult:
    """What a message of theirs says."""
    told = result_of(str(message.status), message.sid, message.error_code)
    price = _price(message.price)
    return replace(
        told or SendResult(MessageStatus.ACCEPTED, provider_sid=message.sid),
        segments=_whole(message.num_segments),
        price=price,
        price_currency=None if price is None else str(message.price_unit or "")[:3],
    )


def result_of(status: str, sid: str | None, error_code: object) -> SendResult | None:
    """What one of their statuses means to us; None when it is a word that we do not know."""
    ours = STATUSES.get(status)
    if ours is None:
        return None
    if ours is not MessageStatus.PERMANENT_FAILURE:
        return SendResult(ours, provider_sid=sid)
    code = _whole(error_code)
    means = meaning(code)
    if means.untried:  # it was taken and failed later: that was a try
        means = Meaning(MessageStatus.PERMANENT_FAILURE, Reason.PROVIDER_ERROR)
    return _failed(means, None if code is None else str(code), sid)


def read_receipt(raw: Mapping[str, Any]) -> Understood:
    """A status callback as it was stored, in our words; ``message`` and ``attempt`` come from the address called."""
    status = str(raw.get("MessageStatus") or raw.get("SmsStatus") or "")
    sid = str(raw.get("MessageSid") or raw.get("SmsSid") or "") or None
    return Understood(
        message_id=_whole(raw.get("message")),
        attempt_id=_whole(raw.get("attempt")),
        provider_sid=sid,
        result=result_of(status, sid, raw.get("ErrorCode")),
    )


def _whole(value: object) -> int | None:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _price(value: object) -> Decimal | None:
    try:
        return None if value is None else abs(Decimal(str(value)))
    except InvalidOperation:
        return None


def signature_holds(auth_token: str, address: str, values: Mapping[str, Any], signature: str) -> bool:
    """Whether Twilio signed this call: ``address`` as the hospital is known outside, ``values`` the form it sent."""
    if not signature.isascii():
        return False
    holds: bool = RequestValidator(auth_token).validate(address, values, signature)
    return holds
