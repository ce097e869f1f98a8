"""The on-call roster: whose phone is told of urgent alerts."""

from __future__ import annotations

from flask import abort, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action, scope_of
from hcrm.accounts.guard import current_actor, requires
from hcrm.followup import service
from hcrm.followup.forms import words
from hcrm.followup.forms.on_call import TURN_PROBLEMS, TurnForm, turn_form
from hcrm.followup.queries import on_call_entries
from hcrm.followup.routes.blueprint import blueprint
from hcrm.organization.queries import departments
from hcrm.unit_of_work import unit_of_work
from hcrm.web import language, now


def _wards() -> frozenset[int] | None:
    """The departments whose roster the person keeps; None: all, and the hospital's own."""
    return scope_of(current_actor(), Action.ASSIGN_TASKS).departments.get(g.hcrm_facility.id, frozenset())


def _form() -> TurnForm:
    wards = _wards()
    with unit_of_work() as session:
        known = departments(session, g.hcrm_facility.id)
    own = [each for each in known.values() if wards is None or each.id in wards]
    return turn_form(own, whole=wards is None, country=g.hcrm_facility.country, language=language())


@blueprint.get("/on-call")
@requires(Action.ASSIGN_TASKS)
def on_call() -> ResponseReturnValue:
    """Who is on call now and next."""
    return _page(_form())


def _page(form: TurnForm) -> str:
    moment, wards = now(), _wards()
    with unit_of_work() as session:
        return render_template(
            "followup/on_call.html",
            entries=on_call_entries(session, g.hcrm_facility.id, wards=wards, at=moment),
            departments=departments(session, g.hcrm_facility.id),
            wards=wards,
            form=form,
            now=moment,
            zone=g.hcrm_facility.zone,
            country=g.hcrm_facility.country,
            duty_phone=g.hcrm_facility.settings.on_call_number,
            words=words,
        )


@blueprint.post("/on-call")
@requires(Action.ASSIGN_TASKS)
def add_turn() -> ResponseReturnValue:
    """Enter a turn."""
    form = _form()
    if not form.validate_on_submit():
        return _page(form), 422
    try:
        with unit_of_work() as session:
            service.add_turn(
                session,
                facility_id=g.hcrm_facility.id,
                turn=form.turn(g.hcrm_facility.zone),
                actor_user_id=current_actor().user_id,
                now=now(),
            )
    except service.TurnInvalid as problem:
        form.until_at.errors = [TURN_PROBLEMS[problem.code]]
        return _page(form), 422
    flash(_("The turn is entered."), "good")
    return redirect(url_for("followup.on_call"))


@blueprint.post("/on-call/<int:turn_id>/remove")
@requires(Action.ASSIGN_TASKS)
def remove_turn(turn_id: int) -> ResponseReturnValue:
    """Take a turn out."""
    with unit_of_work() as session:
        removed = service.remove_turn(
            session,
            facility_id=g.hcrm_facility.id,
            turn_id=turn_id,
            wards=_wards(),
            actor_user_id=current_actor().user_id,
            now=now(),
        )
    if not removed:
        abort(404)
    flash(_("The turn is taken out."), "good")
    return redirect(url_for("followup.on_call"))
