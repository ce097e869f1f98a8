"""A plan tried on last month's discharges, before it is published."""

from __future__ import annotations

from flask import g, render_template, request
from flask.typing import ResponseReturnValue

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, requires
from hcrm.audit.service import record
from hcrm.followup.domain.trial import Team
from hcrm.followup.forms.trials import TrialForm
from hcrm.followup.forms.words import trials as words
from hcrm.followup.queries.trial import month_before, month_to_try, plan_trial
from hcrm.followup.routes.blueprint import blueprint
from hcrm.followup.routes.plans import found_plan, own_facility
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now


@blueprint.get("/plans/<int:plan_id>/try")
@requires(Action.EDIT_PLANS)
def try_plan(plan_id: int) -> ResponseReturnValue:
    """Work by day, team and step with the shown version, against what is in force."""
    edited, facility_id, moment = found_plan(plan_id), own_facility(), now()
    form = TrialForm(request.args or None, meta={"csrf": False})
    assumptions = form.assumptions()
    today = moment.astimezone(g.hcrm_facility.zone).date()
    with unit_of_work() as session:
        month = month_to_try(session, facility_id, today)
        found = plan_trial(session, facility_id=facility_id, edited=edited, month=month, assumptions=assumptions)
        record(
            session,
            now=moment,
            action="plan.tried",
            actor_user_id=current_actor().user_id,
            facility_id=facility_id,
            object_kind="plan",
            object_id=plan_id,
        )
    return render_template(
        "followup/plan_trial.html", edited=edited, found=found, form=form, assumptions=assumptions, words=words,
        teams=Team, unused=None if month == month_before(today) else month_before(today),
    )  # fmt: skip
