"""What other systems of the hospital post: FHIR R4, each call with an access token of its facility.

A call is answered with 200 or 201 after everything of it is committed, so a sender that gets no answer, or another
one, sends the same again without harm.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import msgspec
from flask import Blueprint, Response, g, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from hcrm.accounts.guard import public
from hcrm.extensions import csrf
from hcrm.intake import service
from hcrm.intake.domain import Profile, RowRefused
from hcrm.intake.forms import outcomes
from hcrm.intake.readers.fhir.posted import ANSWERED_BY_ENTRY, Posted, read_posted
from hcrm.intake.readers.hl7v2 import Reading
from hcrm.organization.queries import facility
from hcrm.tokens.domain import TokenPurpose, TokenSnapshot
from hcrm.tokens.service import use_token
from hcrm.unit_of_work import unit_of_work
from hcrm.web import bearer_token, now

blueprint = Blueprint("fhir", __name__)
csrf.exempt(blueprint)  # the token says who calls; no cookie counts here

LARGEST: Final = 16 << 20
"""Bytes of one document."""
TYPES: Final = frozenset({"application/fhir+json", "application/json", "application/json+fhir"})
RETRY_AFTER: Final = "30"


def _answer(status: int, body: dict[str, Any], **headers: str) -> Response:
    return Response(msgspec.json.encode(body), status, headers, content_type="application/fhir+json; charset=utf-8")


def with_token(view: Callable[[bytes], ResponseReturnValue]) -> Callable[[], ResponseReturnValue]:
    """Let only calls in that show a token: 401 for others, 413 for too large ones, 415 for what is no JSON.

    The body is read after the token; 503 when the database is away.
    """

    @wraps(view)
    def checked() -> ResponseReturnValue:
        try:
            with unit_of_work() as session:
                g.access_token = use_token(session, bearer_token(), purpose=TokenPurpose.RECORDS, now=now())
            if g.access_token is None:
                return _answer(401, outcomes.plain_outcome("unauthorized"), **{"WWW-Authenticate": "Bearer"})
            if request.mimetype not in TYPES:
                return _answer(415, outcomes.plain_outcome("wrong_type"))
            request.max_content_length = LARGEST
            return view(request.get_data(cache=False))
        except RequestEntityTooLarge:
            return _answer(413, outcomes.plain_outcome("too_large"))
        except service.DATABASE_AWAY:
            return _answer(503, outcomes.plain_outcome("unavailable"), **{"Retry-After": RETRY_AFTER})

    return checked


@blueprint.post("/fhir")
@public
@with_token
def take(raw: bytes) -> ResponseReturnValue:
    """Take a Bundle or a single resource: 201 when stays or patients are new, 200 when not, 422 when refused."""
    token: TokenSnapshot = g.access_token
    with unit_of_work() as session:
        place = facility(session, token.facility_id)
    try:
        posted = read_posted(raw, Reading.of(Profile(), place.timezone, place.country), now())
    except RowRefused as refusal:
        return _answer(400, outcomes.unreadable(refusal))
    try:
        with unit_of_work() as session:
            taken = service.take_document(session, token=token, posted=posted, timezone=place.timezone, now=now())
    except service.DocumentRefused as refusal:
        return _refuse(token, posted, refusal, place.timezone)
    return _answer(_status(posted, taken), outcomes.accepted(posted, taken))


def _status(posted: Posted, taken: service.Taken) -> int:
    is_new = taken.counts["created"] or taken.counts["patients_created"]
    return 201 if is_new and posted.bundle not in ANSWERED_BY_ENTRY else 200


def _refuse(
    token: TokenSnapshot, posted: Posted, refusal: service.DocumentRefused, timezone: str
) -> ResponseReturnValue:
    with unit_of_work() as session:
        service.keep_refused(
            session, token=token, refused=refusal.refused, size=posted.size, timezone=timezone, now=now()
        )
    return _answer(422, outcomes.refused(posted, refusal.refused))
