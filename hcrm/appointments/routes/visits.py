"""One visit: what was done about it, and what can be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hcrm.accounts.domain import Action, permitted
from hcrm.accounts.guard import current_actor, requires
from hcrm.accounts.queries import user_names
from hcrm.appointments import queries, service
from hcrm.appointments.domain.refusals import Refused
from hcrm.appointments.domain.snapshots import AppointmentSnapshot
from hcrm.appointments.domain.states import CancelReason, IllegalMove, Via
from hcrm.appointments.forms import ChangeForm, labels, refusal_words
from hcrm.appointments.routes.access import visible_visit
from hcrm.appointments.routes.blueprint import blueprint
from hcrm.appointments.routes.names import names_of, patient_names
from hcrm.audit.service import record
from hcrm.unit_of_work import unit_of_work
from hcrm.web import is_safe_address, now

DONE: Mapping[str, str] = {
    "confirm": _l("Confirmed."),
    "move": _l("Moved. The patient is told."),
    "cancel": _l("Cancelled. The place is offered on."),
    "arrive": _l("The patient is here."),
    "fulfil": _l("The visit is closed with its outcome."),
    "miss": _l("Written down as not come."),
    "decline": _l("The place is offered to the next."),
    "revoke": _l("The link does not work any more. The patient gets a text with a new one."),
}


@blueprint.get("/<int:visit_id>")
@requires(Action.VIEW_APPOINTMENTS)
def visit(visit_id: int) -> ResponseReturnValue:
    """One visit with its history."""
    found = visible_visit(visit_id, Action.VIEW_APPOINTMENTS)
    actor = current_actor()
    with unit_of_work() as session:
        names = names_of(session, found.facility_id)
        entries = queries.history(session, visit_id)
        users = user_names(session, {each.actor_user_id for each in entries if each.actor_user_id is not None})
        people = patient_names(session, [found.patient_id])
        record(
            session,
            now=now(),
            action="appointment.viewed",
            actor_user_id=actor.user_id,
            facility_id=found.facility_id,
            object_kind="appointment",
            object_id=visit_id,
            patient_id=found.patient_id,
        )
    return render_template(
        "appointments/visit.html",
        visit=found,
        names=names,
        entries=entries,
        users=users,
        patient=people[found.patient_id],
        labels=labels,
        form=ChangeForm(formdata=None),
        may_book=permitted(actor, Action.BOOK_APPOINTMENTS, found.facility_id),
        begun=found.starts_at is not None and found.starts_at <= now(),
        near=found.starts_at is not None and found.starts_at - service.EARLIEST <= now(),
        zone=names.facility.zone,
    )


@blueprint.post("/<int:visit_id>")
@requires(Action.BOOK_APPOINTMENTS)
def change_visit(visit_id: int) -> ResponseReturnValue:
    """Do one thing about a visit."""
    found = visible_visit(visit_id, Action.BOOK_APPOINTMENTS)
    form = ChangeForm()
    back = request.form.get("back", "")
    target = back if is_safe_address(back) else url_for("appointments.visit", visit_id=visit_id)
    if not form.validate_on_submit():
        flash(_("Nothing was changed. Look at what you entered."), "high")
        return redirect(target)
    try:
        _change(found, form)
        flash(str(DONE[form.do.data]), "good")
    except Refused as refused:
        flash(refusal_words(refused), "high")
    except IllegalMove:
        flash(_("That does not fit the state of the visit any more."), "high")
    return redirect(target)


def _change(found: AppointmentSnapshot, form: ChangeForm) -> None:
    actor = current_actor()
    about = {"appointment_id": found.id, "via": Via.STAFF, "now": now(), "actor_user_id": actor.user_id}
    with unit_of_work() as session:
        _CHANGES[form.do.data](session, form, about)
        record(
            session,
            now=now(),
            action=f"appointment.{form.do.data}",
            actor_user_id=actor.user_id,
            facility_id=found.facility_id,
            object_kind="appointment",
            object_id=found.id,
            patient_id=found.patient_id,
        )


def _move(session: Any, form: ChangeForm, about: dict[str, Any]) -> None:
    service.move_appointment(session, slot_id=form.slot.data or 0, reason=form.comment.data or "", **about)


def _cancel(session: Any, form: ChangeForm, about: dict[str, Any]) -> None:
    reason = CancelReason(form.reason.data or CancelReason.OTHER)
    service.cancel(session, reason=reason, comment=form.comment.data or "", **about)


_CHANGES: Mapping[str, Callable[[Any, ChangeForm, dict[str, Any]], None]] = {
    "confirm": lambda session, _form, about: service.confirm(session, **about),
    "move": _move,
    "cancel": _cancel,
    "arrive": lambda session, _form, about: service.arrive(session, **about),
    "fulfil": lambda session, form, about: service.fulfil(session, outcome=form.outcome.data or "", **about),
    "miss": lambda session, _form, about: service.miss(session, **about),
    "decline": lambda session, _form, about: service.decline(session, **about),
    "revoke": lambda session, _form, about: service.revoke_link(session, **about),
}
