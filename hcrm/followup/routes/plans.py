"""Plans, for nurse managers: all of a hospital, one with its draft, its versions, and files of plans."""

from __future__ import annotations

from flask import Response, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.followup import readers, service
from hcrm.followup.domain.plan import PlanInvalid, PlanScope, differences
from hcrm.followup.forms import plan_labels
from hcrm.followup.forms.plans import DraftForm, ImportPlanForm, NewPlanForm, NewStepForm
from hcrm.followup.forms.words import plans as words
from hcrm.followup.queries import plan_versions as queries
from hcrm.followup.queries.plan_versions import EditedPlan
from hcrm.followup.routes.blueprint import blueprint
from hcrm.organization.queries import departments
from hcrm.unit_of_work import unit_of_work
from hcrm.web import language, now


@blueprint.get("/plans")
@requires(Action.EDIT_PLANS)
def plans() -> ResponseReturnValue:
    """All plans of the hospital in the order in which they are tried."""
    return _list_page(NewPlanForm(formdata=None), ImportPlanForm(formdata=None))


def _list_page(new: NewPlanForm, brought: ImportPlanForm, code: int = 200) -> ResponseReturnValue:
    facility_id = own_facility()
    with unit_of_work() as session:
        found = queries.plans_of_facility(session, facility_id)
    return render_template(
        "followup/plans.html", found=found, new=new, brought=brought, departments=department_names(facility_id),
        words=words, labels=plan_labels,
    ), code  # fmt: skip


def own_facility() -> int:
    """The hospital at hand, whose plans the person may change; else 403 or 404."""
    facility_id: int = g.hcrm_facility.id
    require_object(Action.EDIT_PLANS, facility_id)
    return facility_id


def department_names(facility_id: int) -> dict[str, str]:
    """Names of the departments by code, in the language of the page."""
    with unit_of_work() as session:
        return {each.code: each.name_in(language()) for each in departments(session, facility_id).values()}


def found_plan(plan_id: int) -> EditedPlan:
    """One plan of the hospital at hand; else 404."""
    with unit_of_work() as session:
        plan = queries.edited_plan(session, plan_id, own_facility())
    if plan is None:
        abort(404)
    return plan


@blueprint.post("/plans")
@requires(Action.EDIT_PLANS)
def new_plan() -> ResponseReturnValue:
    """Begin a plan with a name and no step."""
    form = NewPlanForm()
    if not form.validate_on_submit():
        return _list_page(form, ImportPlanForm(formdata=None), 422)
    definition = {
        "code": form.code.data,
        "name_en": form.name_en.data,
        "name_zh": form.name_zh.data,
        "scope": PlanScope(form.scope.data).value,
        "eligibility": {"classes": []},
        "steps": [],
        "position": 10,
    }
    with unit_of_work() as session:
        plan_id = service.begin_plan(
            session, facility_id=own_facility(), definition=definition, actor_user_id=current_actor().user_id, now=now()
        )
    return redirect(url_for("followup.plan", plan_id=plan_id))


@blueprint.post("/plans/import")
@requires(Action.EDIT_PLANS)
def import_plan() -> ResponseReturnValue:
    """A plan from a TOML file, as a draft."""
    form = ImportPlanForm()
    content = form.file.data.read(readers.MOST_BYTES + 1) if form.validate_on_submit() and form.file.data else b""
    try:
        definition = readers.read_plan_file(content)
        with unit_of_work() as session:
            plan_id = service.begin_plan(
                session,
                facility_id=own_facility(),
                definition=definition,
                actor_user_id=current_actor().user_id,
                now=now(),
            )
    except PlanInvalid as problem:
        form.file.errors = [_("The file cannot be read as a plan: %(problem)s", problem=problem)]
        return _list_page(NewPlanForm(formdata=None), form, 422)
    flash(_("The file has become a draft. Look through it, try it, and publish it."), "good")
    return redirect(url_for("followup.plan", plan_id=plan_id))


@blueprint.get("/plans/<int:plan_id>")
@requires(Action.EDIT_PLANS)
def plan(plan_id: int) -> ResponseReturnValue:
    """One plan: its draft, if there is one, else the version in force."""
    return plan_page(found_plan(plan_id))


def plan_page(edited: EditedPlan, code: int = 200, **more: object) -> ResponseReturnValue:
    """The page of a plan; ``more`` are forms that are open on it."""
    facility_id = own_facility()
    with unit_of_work() as session:
        known = queries.known_content(session, facility_id)
    draft, in_force = edited.draft, edited.in_force
    flaws = service.flaws_of(draft.plan, known) if draft else []
    changed = {each.step for each in differences(in_force.plan, draft.plan)} if draft and in_force else set()
    form = DraftForm(formdata=None, seen=draft.token if draft else "")
    values = {"step_form": None, "rules_form": None, "new_step": NewStepForm(formdata=None, seen=form.seen.data)} | more
    return render_template(
        "followup/plan.html", edited=edited, shown=edited.shown, draft=draft, in_force=in_force, flaws=flaws,
        flawed={each.step for each in flaws}, changed=changed, form=form, departments=department_names(facility_id),
        words=words, labels=plan_labels, zone=g.hcrm_facility.zone, **values,
    ), code  # fmt: skip


@blueprint.get("/plans/<int:plan_id>/compare")
@requires(Action.EDIT_PLANS)
def compare_plan(plan_id: int) -> ResponseReturnValue:
    """What differs between two versions: those asked for, else the draft and what is in force."""
    edited = found_plan(plan_id)
    by_number = {each.version: each for each in edited.versions}
    new = by_number.get(request.args.get("new", type=int) or 0, edited.shown)
    older = next((each for each in edited.versions if each.version < new.version), new)
    old = by_number.get(request.args.get("old", type=int) or 0, edited.in_force or older)
    old = older if old.version == new.version else old
    found = words.changes_by_step(differences(old.plan, new.plan), old.plan, new.plan)
    return render_template("followup/plan_compare.html", edited=edited, old=old, new=new, found=found)


@blueprint.get("/plans/<int:plan_id>/versions/<int:version>.toml")
@requires(Action.EDIT_PLANS)
def export_plan(plan_id: int, version: int) -> ResponseReturnValue:
    """One version as a TOML file, as the product's own plans are written."""
    found = next((each for each in found_plan(plan_id).versions if each.version == version), None)
    if found is None:
        abort(404)
    body = readers.plan_file(found.plan, found.position)
    name = f"{found.plan.code}-{found.version}.toml"
    return Response(
        body, mimetype="application/toml", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
