"""Drafts of plans: begun, changed step by step, published or thrown away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import abort, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, requires
from hcrm.followup import service
from hcrm.followup.domain.plan import Plan, Step, moved, new_step, with_step, without_step
from hcrm.followup.forms.plans import DraftForm, NewStepForm, rules_form, step_form
from hcrm.followup.queries import plan_versions as queries
from hcrm.followup.queries.plan_versions import EditedPlan, PlanVersion
from hcrm.followup.routes.blueprint import blueprint
from hcrm.followup.routes.plans import department_names, found_plan, own_facility, plan_page
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now


def _who() -> dict[str, Any]:
    return {"facility_id": own_facility(), "actor_user_id": current_actor().user_id, "now": now()}


def _draft(plan_id: int) -> tuple[EditedPlan, PlanVersion]:
    """The plan with its draft; else 404."""
    edited = found_plan(plan_id)
    if edited.draft is None:
        abort(404)
    return edited, edited.draft


def _step(draft: PlanVersion, code: str) -> Step:
    try:
        return draft.plan.step(code)
    except KeyError:
        abort(404)


def _save(plan_id: int, change: Callable[[Plan], Plan], seen: str, position: int | None = None) -> bool:
    """Change the draft; False, with a sentence, when somebody else was faster."""
    try:
        with unit_of_work() as session:
            service.change_draft(session, plan_id=plan_id, change=change, seen=seen, position=position, **_who())
    except (service.DraftChanged, service.NoDraft):
        flash(_("Somebody else has changed this draft meanwhile. Look at it again; nothing of yours is saved."), "high")
        return False
    return True


def _to_plan(plan_id: int, anchor: str | None = None) -> ResponseReturnValue:
    return redirect(url_for("followup.plan", plan_id=plan_id, _anchor=anchor))


@blueprint.post("/plans/<int:plan_id>/draft")
@requires(Action.EDIT_PLANS)
def begin_plan_draft(plan_id: int) -> ResponseReturnValue:
    """Begin a draft; a plan of the product becomes the hospital's own."""
    found_plan(plan_id)
    with unit_of_work() as session:
        own_id = service.begin_draft(session, plan_id=plan_id, **_who())
    return _to_plan(own_id)


@blueprint.route("/plans/<int:plan_id>/rules", methods=["GET", "POST"])
@requires(Action.EDIT_PLANS)
def plan_rules(plan_id: int) -> ResponseReturnValue:
    """Whom the plan is for."""
    edited, draft = _draft(plan_id)
    form = rules_form(draft.plan, draft.position, department_names(own_facility()), draft.token)
    if not form.is_submitted():
        return plan_page(edited, rules_form=form)
    if not form.validate():
        return plan_page(edited, 422, rules_form=form)
    _save(plan_id, form.changed, form.seen.data or "", form.position.data)
    return _to_plan(plan_id)


@blueprint.post("/plans/<int:plan_id>/steps")
@requires(Action.EDIT_PLANS)
def add_plan_step(plan_id: int) -> ResponseReturnValue:
    """A further step at the end of the plan, which is then filled in."""
    edited, draft = _draft(plan_id)
    form = NewStepForm()
    taken = form.code.data in {each.code for each in draft.plan.steps}
    if not form.validate_on_submit() or taken:
        if taken:
            form.code.errors = [_("The plan has a step with this code.")]
        return plan_page(edited, 422, new_step=form)
    step = new_step(form.code.data or "", form.channel.data)
    _save(plan_id, lambda plan: replace(plan, steps=(*plan.steps, step)), form.seen.data or "")
    return redirect(url_for("followup.plan_step", plan_id=plan_id, code=step.code, _anchor="open"))


@blueprint.route("/plans/<int:plan_id>/steps/<code>", methods=["GET", "POST"])
@requires(Action.EDIT_PLANS)
def plan_step(plan_id: int, code: str) -> ResponseReturnValue:
    """One step, opened to be changed."""
    edited, draft = _draft(plan_id)
    step = _step(draft, code)
    with unit_of_work() as session:
        known = queries.known_content(session, own_facility())
    form = step_form(step, draft.plan, known, draft.token)
    if not form.is_submitted():
        return plan_page(edited, step_form=form, open_step=code)
    if not form.validate():
        return plan_page(edited, 422, step_form=form, open_step=code)
    changed = form.changed(step)
    _save(plan_id, lambda plan: with_step(plan, changed), form.seen.data or "")
    return _to_plan(plan_id, f"step-{code}")


@blueprint.post("/plans/<int:plan_id>/steps/<code>/<any(up, down, remove):where>")
@requires(Action.EDIT_PLANS)
def move_plan_step(plan_id: int, code: str, where: str) -> ResponseReturnValue:
    """Move a step up or down, or take it out."""
    _edited, draft = _draft(plan_id)
    _step(draft, code)
    seen = DraftForm().seen.data or ""
    if where == "remove":
        _save(plan_id, lambda plan: without_step(plan, code), seen)
    else:
        _save(plan_id, lambda plan: moved(plan, code, -1 if where == "up" else 1), seen)
    return _to_plan(plan_id, f"step-{code}")


@blueprint.post("/plans/<int:plan_id>/discard")
@requires(Action.EDIT_PLANS)
def discard_plan_draft(plan_id: int) -> ResponseReturnValue:
    """Throw the draft away."""
    _draft(plan_id)
    with unit_of_work() as session:
        left = service.discard_draft(session, plan_id=plan_id, **_who())
    flash(_("The draft is thrown away."), "info")
    return _to_plan(plan_id) if left else redirect(url_for("followup.plans"))


@blueprint.post("/plans/<int:plan_id>/publish")
@requires(Action.EDIT_PLANS)
def publish_plan(plan_id: int) -> ResponseReturnValue:
    """Put the draft in force, or say step by step what keeps it from that."""
    edited, draft = _draft(plan_id)
    if DraftForm().seen.data != draft.token:
        flash(_("Somebody else has changed this draft meanwhile. Look at it again before you publish it."), "high")
        return _to_plan(plan_id)
    try:
        with unit_of_work() as session:
            known = queries.known_content(session, own_facility())
            version = service.publish_draft(session, plan_id=plan_id, known=known, **_who())
    except service.PlanNotPublishable:
        return plan_page(edited, 422, refused=True)
    flash(_("Version %(version)s is in force: discharges from now on get it.", version=version), "good")
    return _to_plan(plan_id)


@blueprint.post("/plans/<int:plan_id>/<any(retire, take_up):what>")
@requires(Action.EDIT_PLANS)
def switch_plan(plan_id: int, what: str) -> ResponseReturnValue:
    """Retire a plan, or take it up again."""
    found_plan(plan_id)
    with unit_of_work() as session:
        own_id = service.switch_plan(session, plan_id=plan_id, active=what == "take_up", **_who())
    if what == "retire":
        flash(_("The plan is retired. Who is enrolled stays enrolled; nobody new gets it."), "info")
    else:
        flash(_("The plan is in use again."), "good")
    return _to_plan(own_id)
