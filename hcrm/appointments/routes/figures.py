"""Figures about return visits: a page of their own, and a panel on the manager's first screen."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, cast

from flask import current_app, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from hcrm.accounts.domain import Action, Scope, permitted, scope_of
from hcrm.accounts.guard import current_actor, requires
from hcrm.appointments import queries
from hcrm.appointments.routes.blueprint import blueprint
from hcrm.appointments.routes.names import names_of
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.web import now

SPAN = timedelta(days=29)


@blueprint.get("/figures")
@requires(Action.VIEW_FIGURES)
def figures() -> ResponseReturnValue:
    """Booked before discharge, kept, missed and lead time, by department; the last 30 days unless said otherwise."""
    with unit_of_work() as session:
        return render_template("appointments/figures.html", **_values(session, request.args))


def visit_figures_panel() -> Markup:
    """The figures of all departments together, as part of a page; empty for somebody who may not see them."""
    if not permitted(current_actor(), Action.VIEW_FIGURES):
        return Markup("")
    # A session of its own: the page may be made while the request's own transaction is open.
    runtime = cast("Runtime", current_app.extensions["hcrm"])
    with unit_of_work(runtime.sessions) as session:
        values = _values(session, {})
    return Markup(render_template("appointments/figures_panel.html", **values))  # noqa: S704 - a template of ours


def _values(session: Any, asked: Any) -> dict[str, Any]:
    actor = current_actor()
    names = names_of(session, actor.facility_ids[0])
    zone = names.facility.zone
    today = now().astimezone(zone).date()
    to_on = _day(asked.get("to", ""), today)
    from_on = min(_day(asked.get("from", ""), to_on - SPAN), to_on)
    allowed = scope_of(actor, Action.VIEW_FIGURES).departments
    here = Scope({key: wards for key, wards in allowed.items() if key == names.facility.id})
    found = queries.visit_figures_by_department(session, here, from_on=from_on, to_on=to_on, zone=zone, now=now())
    return {
        "names": names,
        "from_on": from_on,
        "to_on": to_on,
        "total": found[None],
        "departments": {id_: each for id_, each in found.items() if id_ is not None},
    }


def _day(text: str, otherwise: date) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return otherwise
    return found if 2000 <= found.year < 2100 else otherwise


blueprint.add_app_template_global(visit_figures_panel)
