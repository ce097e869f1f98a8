"""The HTTP side: messages are created, listed and fetched as with Twilio; ``/fake/…`` is for whoever runs the test."""

from __future__ import annotations

import base64
import json
import re
import sys
from datetime import datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from hcrm.clock import SystemClock, pause
from hcrm.fake_twilio.behaviour import MAGIC_NUMBERS, Behaviour, Dice
from hcrm.fake_twilio.callbacks import Caller, plan, post
from hcrm.fake_twilio.ledger import Entry, Ledger

HOST = "127.0.0.1"
PRICE = "-0.00790"
PAGE = 50
MOST_CHARACTERS = 1600
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
STOP_WORDS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
START_WORDS = frozenset({"start", "unstop", "yes"})


class FakeTwilio:
    """A stand-in on this machine; ``with FakeTwilio(...) as twilio: twilio.address``."""

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        port: int = 0,
        ledger: Path | None = None,
        inbound_url: str = "",
        behaviour: Behaviour | None = None,
    ) -> None:
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.inbound_url = inbound_url
        self.ledger = Ledger(ledger)
        self.requests = 0
        self._behaviour = behaviour or Behaviour()
        self._dice = Dice(self._behaviour.seed)
        self._lock = Lock()
        self._caller = Caller(auth_token)
        self._server = _Server((HOST, port), _Handler)
        self._server.fake = self
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), name="fake-twilio", daemon=True)

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self._server.server_port}"

    @property
    def behaviour(self) -> Behaviour:
        return self._behaviour

    def behave(self, **changes: Any) -> None:
        """Change the behaviour from now on."""
        with self._lock:
            self._behaviour = self._behaviour.changed(changes)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self.close()

    def serve(self) -> None:
        """Serve until interrupted."""
        try:
            self._server.serve_forever()
        finally:
            self.close()

    def close(self) -> None:
        self._server.server_close()
        self._caller.close()
        self.ledger.close()

    def mishap(self) -> str:
        """What goes wrong with this request; empty when nothing does."""
        now = self._behaviour
        with self._lock:
            self.requests += 1
            return self._dice.one_of(
                throttled=now.throttled,
                unavailable=now.unavailable,
                fails=now.fails_after_taking,
                breaks=now.breaks_after_taking,
                hangs=now.hangs_after_taking,
            )

    def take(self, form: dict[str, str]) -> Entry:
        """Take a message, and plan what is told about it."""
        entry = self.ledger.take(
            to=form["To"],
            sender=form.get("From") or form.get("MessagingServiceSid", ""),
            body=form["Body"],
            callback=form.get("StatusCallback", ""),
        )
        now = self._behaviour
        with self._lock:
            lost_way = self._dice.falls(now.undelivered)
            told = plan(
                self._dice,
                ["sent", "undelivered" if lost_way else "delivered"],
                after=now.callback_after, lost=now.lost, doubled=now.doubled, shuffled=now.shuffled,
            )  # fmt: skip
        end = self.ledger.turn(entry.sid, "undelivered" if lost_way else "delivered", 30003 if lost_way else None)
        if now.callbacks and entry.callback:
            for seconds, status in told:
                self._caller.later(seconds, entry.callback, _callback(end, status, self.account_sid))
        return entry

    def write_in(self, *, sender: str, to: str, body: str, media: int = 0, sid: str | None = None) -> int:
        """A phone writes to us: the signed call to the program's address; the status of its answer, 0 for none."""
        word = body.strip().lower()
        if word in STOP_WORDS or word in START_WORDS:
            self.ledger.stop(sender, stopped=word in STOP_WORDS)
        with self._lock:
            self.requests += 1
            sid = sid or f"SM{self.requests:024x}fa4e1111"
        values = {
            "MessageSid": sid, "SmsSid": sid, "AccountSid": self.account_sid, "From": sender, "To": to, "Body": body,
            "NumMedia": str(media), "NumSegments": "1", "SmsStatus": "received", "ApiVersion": "2010-04-01",
        }  # fmt: skip
        return post(self.auth_token, self.inbound_url, values)


def _callback(entry: Entry, status: str, account_sid: str) -> dict[str, str]:
    values = {
        "MessageSid": entry.sid, "SmsSid": entry.sid, "AccountSid": account_sid, "From": entry.sender, "To": entry.to,
        "MessageStatus": status, "SmsStatus": status, "ApiVersion": "2010-04-01",
    }  # fmt: skip
    if status == "undelivered":
        values["ErrorCode"] = str(entry.error_code)
    return values


def segments(body: str) -> int:
    """How many text messages a text is, roughly: one for each 70 characters, or 160 plain ones."""
    size = 160 if body.isascii() else 70
    return max(1, -(-len(body) // size))


def resource(entry: Entry, account_sid: str, *, priced: bool) -> dict[str, Any]:
    """A message as Twilio's API shows it."""
    made = format_datetime(entry.made)
    return {
        "account_sid": account_sid, "api_version": "2010-04-01", "body": entry.body, "date_created": made,
        "date_sent": made if entry.status != "queued" else None, "date_updated": made, "direction": "outbound-api",
        "error_code": entry.error_code, "error_message": None, "from": entry.sender, "to": entry.to,
        "messaging_service_sid": entry.sender if entry.sender.startswith("MG") else None, "num_media": "0",
        "num_segments": str(segments(entry.body)), "price": PRICE if priced else None, "price_unit": "USD",
        "sid": entry.sid, "status": entry.status, "subresource_uris": {},
        "uri": f"/2010-04-01/Accounts/{account_sid}/Messages/{entry.sid}.json",
    }  # fmt: skip


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    fake: FakeTwilio

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that was killed or gave up is nothing to tell about; anything else is."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection, kept open from request to request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class names it so
        """Nothing is logged: requests hold texts."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/fake/ledger":
            self._answer(200, [resource(entry, "", priced=True) for entry in self.server.fake.ledger.all()])
        elif self._admitted():
            if parts.path == f"/2010-04-01/Accounts/{self.server.fake.account_sid}.json":
                self._answer(200, {"sid": self.server.fake.account_sid, "status": "active", "type": "Full"})
                return
            found = re.fullmatch(r"/2010-04-01/Accounts/\w+/Messages(?:/(\w+))?\.json", parts.path)
            if found is None:
                self._refuse(404, 20404, "The requested resource was not found.")
            elif found[1]:
                self._one(found[1])
            else:
                self._list({name: values[0] for name, values in parse_qs(parts.query).items()})

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(size).decode()
        form = {name: values[0] for name, values in parse_qs(raw, keep_blank_values=True).items()}
        path = urlsplit(self.path).path
        if path == "/fake/behaviour":
            self._behave(form)
        elif path == "/fake/inbound":
            status = self.server.fake.write_in(
                sender=form["From"], to=form["To"], body=form.get("Body", ""), media=int(form.get("NumMedia", 0))
            )
            self._answer(200, {"answered": status})
        elif self._admitted():
            self._create(form)

    def _behave(self, form: dict[str, str]) -> None:
        try:
            self.server.fake.behave(**form)
        except ValueError as problem:
            self._refuse(400, 20001, str(problem))
        else:
            self._answer(200, {})

    def _admitted(self) -> bool:
        fake = self.server.fake
        wanted = base64.b64encode(f"{fake.account_sid}:{fake.auth_token}".encode()).decode()
        if self.headers.get("Authorization") == f"Basic {wanted}":
            return True
        self._refuse(401, 20003, "Authenticate")
        return False

    def _create(self, form: dict[str, str]) -> None:
        fake = self.server.fake
        pause(fake.behaviour.delay)
        problem = _problem(fake, form)
        mishap = fake.mishap()
        if mishap == "throttled":
            self._refuse(429, 20429, "Too Many Requests")
        elif mishap == "unavailable":
            self._refuse(503, 20503, "Service unavailable")
        elif problem is not None:
            self._refuse(*problem)
        else:
            self._taken(fake.take(form), mishap)

    def _taken(self, entry: Entry, mishap: str) -> None:
        if mishap == "breaks":
            self.close_connection = True
            return
        if mishap == "hangs":
            pause(self.server.fake.behaviour.hang)
        if mishap == "fails":
            self._refuse(500, 20500, "An internal server error has occurred.")
        else:
            self._answer(201, resource(entry, self.server.fake.account_sid, priced=False))

    def _one(self, sid: str) -> None:
        entry = self.server.fake.ledger.get(sid)
        if entry is None:
            self._refuse(404, 20404, "The requested resource was not found.")
        else:
            self._answer(200, resource(entry, self.server.fake.account_sid, priced=True))

    def _list(self, query: dict[str, str]) -> None:
        fake = self.server.fake
        listed_until = SystemClock().now() - timedelta(seconds=fake.behaviour.list_lag)
        size = min(int(query.get("PageSize", PAGE)), 1000)
        found = [entry for entry in fake.ledger.all() if _matches(entry, query, listed_until)]
        self._answer(
            200,
            {
                "messages": [resource(entry, fake.account_sid, priced=True) for entry in found[:size]],
                "page": 0,
                "page_size": size,
                "next_page_uri": None,
                "uri": self.path,
            },
        )

    def _refuse(self, status: int, code: int, message: str) -> None:
        self._answer(status, {"code": code, "message": message, "status": status, "more_info": "", "detail": None})

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _matches(entry: Entry, query: dict[str, str], listed_until: datetime) -> bool:
    return (
        entry.made <= listed_until
        and query.get("To", entry.to) == entry.to
        and query.get("From", entry.sender) == entry.sender
    )


def _problem(fake: FakeTwilio, form: dict[str, str]) -> tuple[int, int, str] | None:
    """Why Twilio would refuse this message: HTTP status, code and sentence."""
    to = form.get("To", "")
    checks = (
        (to in MAGIC_NUMBERS, MAGIC_NUMBERS.get(to, (400, 21211, ""))),
        (not E164.fullmatch(to), (400, 21211, "The 'To' number is not a valid phone number.")),
        (not (form.get("From") or form.get("MessagingServiceSid")), (400, 21603, "A 'From' number is required.")),
        (not form.get("Body"), (400, 21602, "Message body is required.")),
        (len(form.get("Body", "")) > MOST_CHARACTERS, (400, 21617, "The message body is too long.")),
        (fake.ledger.is_stopped(to), MAGIC_NUMBERS["+15005550004"]),
    )
    return next((problem for wrong, problem in checks if wrong), None)
