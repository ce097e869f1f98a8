"""Who was asked how satisfied they were, and why each other one was not; links that are out can be taken back."""

from __future__ import annotations

from datetime import date, timedelta

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action, scope_of
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.audit.service import record
from hcrm.followup.forms import invitations as words
from hcrm.followup.queries.invitations import invitations as asked_discharges
from hcrm.followup.routes.blueprint import blueprint
from hcrm.organization.queries import departments
from hcrm.survey.domain import UnknownResponse
from hcrm.survey.queries import response
from hcrm.survey.service import revoke_link
from hcrm.unit_of_work import unit_of_work
from hcrm.web import Page, now, page_number
from hcrm.web.paging import PAGE_SIZE

SHOWN_DAYS = 30


@blueprint.get("/invitations")
@requires(Action.VIEW_FIGURE_PATIENTS)
def invitations() -> ResponseReturnValue:
    """The discharges of some days, each with whether, when, how and why it was asked or not."""
    moment, actor = now(), current_actor()
    scope = scope_of(actor, Action.VIEW_FIGURE_PATIENTS)
    to_on = _day("to", moment.astimezone(g.hcrm_zone).date())
    from_on, number = _day("from", to_on - timedelta(days=SHOWN_DAYS)), page_number()
    department_id = request.args.get("department", type=int)
    with unit_of_work() as session:
        names = {key: each for place in sorted(scope.departments) for key, each in departments(session, place).items()}
        rows = asked_discharges(
            session, scope, from_on=from_on, to_on=to_on, now=moment, department_id=department_id,
            offset=(number - 1) * PAGE_SIZE, limit=PAGE_SIZE + 1,
        )  # fmt: skip
        record(
            session,
            now=moment,
            action="survey.invitations_viewed",
            actor_user_id=actor.user_id,
            facility_id=next(iter(sorted(scope.departments)), None),
            details={"patients": sorted({row.patient_id for row in rows[:PAGE_SIZE]})},
        )
    return render_template(
        "followup/invitations.html", page=Page.of(rows, number), names=names, words=words, from_on=from_on, to_on=to_on,
        department_id=department_id,
    )  # fmt: skip


@blueprint.post("/invitations/<int:response_id>/revoke")
@requires(Action.EDIT_SURVEYS)
def revoke(response_id: int) -> ResponseReturnValue:
    """Take the link of a survey back; the next message about it carries a new one."""
    with unit_of_work() as session:
        try:
            found = response(session, response_id)
        except UnknownResponse:
            abort(404)
        require_object(Action.EDIT_SURVEYS, found.facility_id, [found.department_id] if found.department_id else [])
        revoke_link(session, response_id=response_id, now=now())
        record(
            session, now=now(), action="survey.link_revoked", actor_user_id=current_actor().user_id,
            facility_id=found.facility_id, object_kind="survey_response", object_id=response_id,
            patient_id=found.patient_id,
        )  # fmt: skip
    flash(_("The link does not work any more. The next message carries a new one."), "good")
    return redirect(url_for("followup.invitations"))


def _day(name: str, default: date) -> date:
    try:
        day = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return default
    return day if day.year in range(1990, 2200) else default
