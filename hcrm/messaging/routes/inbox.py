"""The Inbox: texts that no rule took, and messages that nobody can be sure of, each until a person has decided."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.audit.service import record
from hcrm.messaging import queries, service
from hcrm.messaging.domain import Outcome
from hcrm.messaging.forms import INBOUND_STATES, STATUSES, AnswerForm, CloseForm, HandOverForm, WhoseForm
from hcrm.messaging.routes.blueprint import blueprint
from hcrm.patients.domain import PatientSnapshot
from hcrm.unit_of_work import unit_of_work
from hcrm.web import Page, choices, now, page_number
from hcrm.web.paging import PAGE_SIZE


@blueprint.get("/inbox")
@requires(Action.VIEW_INBOX)
def inbox() -> ResponseReturnValue:
    """The list, the text that waits longest opened beside it."""
    return _page(None, CloseForm())


@blueprint.get("/inbox/<int:text_id>")
@requires(Action.VIEW_INBOX)
def text(text_id: int) -> ResponseReturnValue:
    """The list with one text opened beside it."""
    _allowed(text_id, Action.VIEW_INBOX)
    return _page(text_id, CloseForm())


def _allowed(text_id: int, action: Action) -> None:
    """404 without such a text, 403 when its patient is not of the person's wards."""
    with unit_of_work() as session:
        place = queries.place_of_text(session, text_id)
    if place is None:
        abort(404)
    require_object(action, place.facility_id, place.department_ids)


def _page(text_id: int | None, form: CloseForm, code: int = 200) -> ResponseReturnValue:
    actor, moment, number = current_actor(), now(), page_number()
    with unit_of_work() as session:
        desk = queries.desk(session, actor, chosen_id=text_id, limit=PAGE_SIZE + 1, offset=(number - 1) * PAGE_SIZE)
        if desk.chosen is not None:
            _look(session, desk.chosen, actor.user_id, moment)
        page = Page.of(desk.texts, number)
        body = render_template(
            "messaging/inbox.html",
            desk=desk, page=page, opened=text_id is not None, form=form, hand_over=_hand_over(desk),
            whose=_whose(desk), me=actor.user_id, statuses=STATUSES, states=INBOUND_STATES,
            answer=AnswerForm(formdata=None),
        )  # fmt: skip
    return body, code


def _look(session: Any, chosen: queries.OpenText, user_id: int, moment: datetime) -> None:
    """Write down whose texts were looked at."""
    for owner in chosen.owners:
        record(
            session, now=moment, action="inbox.viewed", actor_user_id=user_id, facility_id=owner.facility_id,
            object_kind="inbound_message", object_id=chosen.text.id, patient_id=owner.id,
        )  # fmt: skip


def _hand_over(desk: queries.Desk) -> HandOverForm:
    form = HandOverForm()
    people = desk.chosen.colleagues if desk.chosen else ()
    form.colleague.choices = choices(
        [("", _("Everybody")), *((str(person.user_id), person.display_name) for person in people)]
    )
    return form


def _whose(desk: queries.Desk) -> WhoseForm:
    form = WhoseForm()
    owners = desk.chosen.owners if desk.chosen else ()
    form.patient.choices = choices([(str(owner.id), _named(owner)) for owner in owners])
    return form


def _named(patient: PatientSnapshot) -> str:
    """A patient among several: the name with what tells them apart."""
    known = (patient.full_name, patient.mrn, str(patient.birth_date or ""))
    return " · ".join(filter(None, known))


def _act(text_id: int, act: Callable[[Any], None], said: str, *, stay: bool = True) -> ResponseReturnValue:
    """Do one thing to a text; what stands in its way is said instead of done."""
    _allowed(text_id, Action.WORK_INBOX)
    try:
        with unit_of_work() as session:
            act(session)
    except service.AlreadyHandled:
        flash(_("Somebody has dealt with this text already."), "info")
    except service.ClaimedByOther:
        flash(_("A colleague is dealing with this text. Ask them to hand it over."), "high")
    else:
        flash(said, "good")
    return redirect(url_for("messaging.text", text_id=text_id) if stay else url_for("messaging.inbox"))


@blueprint.post("/inbox/<int:text_id>/claim")
@requires(Action.WORK_INBOX)
def claim_text(text_id: int) -> ResponseReturnValue:
    """Take a text to deal with it."""
    user_id, moment = current_actor().user_id, now()
    return _act(
        text_id,
        lambda session: service.claim_text(session, text_id, actor_user_id=user_id, now=moment),
        _("You are dealing with this text now."),
    )


@blueprint.post("/inbox/<int:text_id>/hand-over")
@requires(Action.WORK_INBOX)
def hand_over(text_id: int) -> ResponseReturnValue:
    """Give a text to a colleague who works in the Inbox, or back to everybody."""
    _allowed(text_id, Action.WORK_INBOX)
    user_id, moment, chosen = current_actor().user_id, now(), HandOverForm().colleague.data or ""
    with unit_of_work() as session:
        possible = {str(person.user_id) for person in queries.colleagues(session, text_id)}
    if chosen and chosen not in possible:
        abort(400)
    to_user_id = int(chosen) if chosen else None
    return _act(
        text_id,
        lambda session: service.hand_over(session, text_id, to_user_id=to_user_id, actor_user_id=user_id, now=moment),
        _("The text has been handed over."),
    )


@blueprint.post("/inbox/<int:text_id>/whose")
@requires(Action.WORK_INBOX)
def say_whose(text_id: int) -> ResponseReturnValue:
    """Say which of the patients with this number wrote."""
    _allowed(text_id, Action.WORK_INBOX)
    user_id, moment, patient_id = current_actor().user_id, now(), WhoseForm().patient.data
    with unit_of_work() as session:
        possible = queries.possible_writers(session, text_id)
    if patient_id not in possible:
        abort(400)
    return _act(
        text_id,
        lambda session: service.say_whose(session, text_id, patient_id=patient_id, actor_user_id=user_id, now=moment),
        _("The text now belongs to this patient."),
    )


@blueprint.post("/inbox/<int:text_id>/close")
@requires(Action.WORK_INBOX)
def close_text(text_id: int) -> ResponseReturnValue:
    """Finish with a text: it leaves the list with an outcome."""
    form, user_id, moment = CloseForm(), current_actor().user_id, now()
    if not form.validate_on_submit():
        _allowed(text_id, Action.WORK_INBOX)
        return _page(text_id, form, 422)
    return _act(
        text_id,
        lambda session: service.close_text(
            session, text_id, outcome=Outcome(form.outcome.data), note=form.note.data or "",
            actor_user_id=user_id, now=moment,
        ),
        _("The text has been dealt with."),
        stay=False,
    )  # fmt: skip


@blueprint.post("/inbox/messages/<int:message_id>/<any(again, leave):decision>")
@requires(Action.WORK_INBOX)
def settle(message_id: int, decision: str) -> ResponseReturnValue:
    """Decide about a message of which nobody knows whether it arrived."""
    with unit_of_work() as session:
        found = queries.messages(session, [message_id])
    if not found:
        abort(404)
    require_object(Action.WORK_INBOX, found[0].facility_id, ())
    decide = service.send_again if decision == "again" else service.leave_it
    try:
        with unit_of_work() as session:
            decide(session, message_id, now=now(), actor_user_id=current_actor().user_id)
    except service.MessageNotInDoubt:
        flash(_("This message has been settled already."), "info")
    else:
        flash(_("It will be sent once more.") if decision == "again" else _("It will not be sent again."), "good")
    return redirect(url_for("messaging.inbox"))
