"""The simulated phones: what patients receive, and a field to answer as the patient. For demonstrations only."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from flask import abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from hcrm.accounts.domain import Action, scope_of
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.messaging import queries, service
from hcrm.messaging.forms import PhoneForm
from hcrm.messaging.queries import Phone
from hcrm.messaging.routes.blueprint import blueprint
from hcrm.patients.queries import patient_snapshots
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now, settings


def _only_simulated() -> None:
    """There are no such phones but in a demonstration: elsewhere they would show, and answer for, real people."""
    if not settings().demo:
        abort(404)


@blueprint.get("/handset")
@requires(Action.VIEW_HANDSET)
def handset() -> ResponseReturnValue:
    """All phones that got texts, the latest first; the first one is open."""
    _only_simulated()
    return _page(None, PhoneForm())


@blueprint.get("/handset/<int:phone_id>")
@requires(Action.VIEW_HANDSET)
def phone(phone_id: int) -> ResponseReturnValue:
    """One phone open."""
    return _page(_theirs(phone_id), PhoneForm())


def _theirs(phone_id: int) -> Phone:
    """The phone, when it belongs to a hospital of the person."""
    _only_simulated()
    with unit_of_work() as session:
        found = queries.phone(session, phone_id)
    if found is None:
        abort(404)
    require_object(Action.VIEW_HANDSET, found.facility_id)
    return found


def _page(opened: Phone | None, form: PhoneForm, code: int = 200) -> ResponseReturnValue:
    with unit_of_work() as session:
        phones = _phones(session)
        shown = opened or next(iter(phones), None)
        bubbles = queries.bubbles(session, shown) if shown else []
        names = _names(session, [*phones, *([shown] if shown else [])])
    return render_template(
        "messaging/handset.html", phones=phones, shown=shown, bubbles=bubbles, names=names, form=form
    ), code


def _phones(session: Any) -> list[Phone]:
    return queries.phones(session, scope_of(current_actor(), Action.VIEW_HANDSET).facility_ids)


def _names(session: Any, phones: Sequence[Phone]) -> dict[int, str]:
    """Names of the people."""
    known = {phone.patient_id for phone in phones if phone.patient_id is not None}
    return {patient_id: patient.full_name for patient_id, patient in patient_snapshots(session, known).items()}


@blueprint.get("/handset/<int:phone_id>/screen")
@requires(Action.VIEW_HANDSET)
def screen(phone_id: int) -> ResponseReturnValue:
    """The list and the texts of one phone as pieces of the page, for the script that looks for new ones."""
    opened = _theirs(phone_id)
    with unit_of_work() as session:
        phones, bubbles = _phones(session), queries.bubbles(session, opened)
        names = _names(session, phones)
    return render_template("messaging/_screen.html", phones=phones, shown=opened, bubbles=bubbles, names=names)


@blueprint.post("/handset/<int:phone_id>")
@requires(Action.VIEW_HANDSET)
def reply(phone_id: int) -> ResponseReturnValue:
    """Send a text from a simulated phone: stored first, then taken as every text is."""
    opened, form, moment = _theirs(phone_id), PhoneForm(), now()
    if not form.validate_on_submit():
        return _page(opened, form, 422)
    with unit_of_work() as session:
        inbound_id = service.receive(
            session, facility_id=opened.facility_id, provider="console", provider_message_id=secrets.token_hex(16),
            from_number=opened.number, to_number=opened.our_number, body=form.text.data or "", now=moment,
        )  # fmt: skip
    with unit_of_work() as session:
        service.take(session, inbound_id, now=moment)
    return redirect(url_for("messaging.phone", phone_id=phone_id))
