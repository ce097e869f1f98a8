"""Messages of interfaces: how many came, which wait, which were refused."""

from __future__ import annotations

from datetime import timedelta

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, requires
from hcrm.intake import queries, service
from hcrm.intake.domain import MessageStatus
from hcrm.intake.forms import labels
from hcrm.intake.routes.access import facilities_of
from hcrm.intake.routes.blueprint import blueprint
from hcrm.unit_of_work import unit_of_work
from hcrm.web import Page, now, page_number

LISTED = 20
DAY = timedelta(days=1)
OPEN_MESSAGES = (MessageStatus.WAITING, MessageStatus.REFUSED)


@blueprint.get("/imports/messages")
@requires(Action.IMPORT_RECORDS)
def messages() -> ResponseReturnValue:
    """Messages of interfaces: how many came in a day, which wait, which were refused."""
    at = page_number()
    with unit_of_work() as session:
        day = queries.messages_since(session, facilities_of(), now() - DAY)
        lists = {
            status: Page.of(
                queries.open_messages(session, facilities_of(), status, limit=LISTED + 1, offset=(at - 1) * LISTED),
                at,
                LISTED,
            )
            for status in OPEN_MESSAGES
        }
        older = queries.thinned_messages(session, facilities_of())
        totals = {status: queries.open_message_count(session, facilities_of(), status) for status in OPEN_MESSAGES}
    return render_template(
        "intake/messages.html", day=day, older=older, lists=lists, totals=totals, labels=labels,
        MessageStatus=MessageStatus,
    )  # fmt: skip


@blueprint.post("/imports/messages/<int:message_id>/leave-out")
@requires(Action.IMPORT_RECORDS)
def leave_out(message_id: int) -> ResponseReturnValue:
    """Put a message aside that waits or was refused."""
    with unit_of_work() as session:
        found = queries.message(session, message_id)
        if found is None or found.facility_id not in facilities_of():
            abort(404)
        try:
            service.leave_out(session, message_id=message_id, now=now(), actor_user_id=current_actor().user_id)
        except service.MessageSettled:
            flash(_("This message has already been settled."), "info")
    return redirect(url_for("intake.messages"), 303)
