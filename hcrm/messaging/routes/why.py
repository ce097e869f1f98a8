"""*Why (not)?*: why a message was sent, waits or was held back, check by check."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import abort, jsonify, render_template
from flask.typing import ResponseReturnValue

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.audit.service import record
from hcrm.messaging import queries, service
from hcrm.messaging.domain import Finding, Foresight, InboundSnapshot, MessageSnapshot, explain, explain_text
from hcrm.messaging.forms import INBOUND_STATES, OUTCOMES, PURPOSES, REASONS, STATUSES
from hcrm.messaging.forms.why import RULES, fact_of
from hcrm.messaging.routes.blueprint import blueprint
from hcrm.organization.queries import facility
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now, wants_json


@blueprint.get("/messages/<int:message_id>/why")
@requires(Action.VIEW_PATIENT)
def why(message_id: int) -> ResponseReturnValue:
    """The conclusion, the checks in order with the fact of each, and what happens now."""
    with unit_of_work() as session:
        found = queries.messages(session, [message_id])
        if not found:
            abort(404)
        message, place = found[0], queries.place_of_message(session, found[0])
        zone, attempts = facility(session, message.facility_id).zone, queries.attempts(session, message_id)
        ahead = service.foresee(session, message_id, now=now())
    require_object(Action.VIEW_PATIENT, place.facility_id, place.department_ids)
    with unit_of_work() as session:
        record(
            session, now=now(), action="message.viewed", actor_user_id=current_actor().user_id,
            facility_id=message.facility_id, object_kind="outbox_message", object_id=message.id,
            patient_id=message.patient_id,
        )  # fmt: skip
    findings = explain(message, attempts)
    if wants_json():
        return jsonify(_told(message, findings) | {"ahead": None if ahead is None else _foretold(ahead)})
    return render_template(
        "messaging/why.html", message=message, rows=_in_words(findings, zone), ahead=ahead,
        ahead_rows=() if ahead is None else _in_words(ahead.findings(), zone), zone=zone, statuses=STATUSES,
        reasons=REASONS, purposes=PURPOSES,
    )  # fmt: skip


@blueprint.get("/texts/<int:text_id>/why")
@requires(Action.VIEW_PATIENT)
def why_text(text_id: int) -> ResponseReturnValue:
    """The same for a text from a phone: what was understood, by which rule, and what it led to."""
    with unit_of_work() as session:
        text, place = queries.inbound(session, text_id), queries.place_of_reading(session, text_id)
        if text is None or place is None:
            abort(404)
        zone, replies = facility(session, text.facility_id).zone, queries.replies_to(session, text_id)
    require_object(Action.VIEW_PATIENT, place.facility_id, place.department_ids)
    with unit_of_work() as session:
        record(
            session, now=now(), action="inbox.viewed", actor_user_id=current_actor().user_id,
            facility_id=text.facility_id, object_kind="inbound_message", object_id=text.id, patient_id=text.patient_id,
        )  # fmt: skip
    findings = explain_text(text, replies)
    if wants_json():
        return jsonify(_told_text(text, findings))
    return render_template(
        "messaging/why_text.html", text=text, rows=_in_words(findings, zone), replies=replies, zone=zone,
        states=INBOUND_STATES, outcomes=OUTCOMES, statuses=STATUSES,
    )  # fmt: skip


def _told_text(text: InboundSnapshot, findings: Sequence[Finding]) -> dict[str, Any]:
    """A text from a phone for a program: neither its words nor the phone."""
    return {
        "id": text.id,
        "state": text.state.value,
        "outcome": text.outcome.value if text.outcome is not None else None,
        "received_at": text.received_at.isoformat(),
        "handled_at": text.handled_at.isoformat() if text.handled_at is not None else None,
        "checks": [_coded(each) for each in findings],
    }


def _in_words(findings: Sequence[Finding], zone: ZoneInfo) -> list[tuple[str, bool | None, str, datetime | None]]:
    return [(RULES.get(each.rule, each.rule), each.passed, fact_of(each, zone), each.at) for each in findings]


def _told(message: MessageSnapshot, findings: Sequence[Finding]) -> dict[str, Any]:
    """The same for a program: codes instead of words, times in UTC; neither the text nor the phone.

    ``checks`` are in the order of what happened; ``passed`` is null where it is not known yet.
    """
    times = ("not_before", "decided_at", "next_try_at", "expires_at", "accepted_at", "sent_at", "delivered_at")
    found = {name: getattr(message, name) for name in times}
    return {
        "id": message.id,
        "purpose": message.purpose.value,
        "template": message.template_code,
        "status": message.status.value,
        "reason": message.reason.value if message.reason else None,
        **{name: at.isoformat() if at is not None else None for name, at in found.items()},
        "checks": [_coded(each) for each in findings],
    }


def _foretold(ahead: Foresight) -> dict[str, Any]:
    """The rules tried in advance: when it would be handed over, or why it would not, and every rule on the way."""
    return {
        "goes_at": ahead.goes_at.isoformat() if ahead.goes_at is not None else None,
        "reason": ahead.reason.value if ahead.reason is not None else None,
        "checks": [_coded(each) for each in ahead.findings()],
    }


def _coded(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "passed": finding.passed,
        "fact": finding.fact,
        "at": finding.at.isoformat() if finding.at is not None else None,
        "provider_code": finding.detail or None,
    }
