"""The monthly meeting: the bulletin of a department, targets, improvement actions, the follow-up register."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.followup.forms.labels import CONNECTIONS, REASONS
from hcrm.reporting import service
from hcrm.reporting.domain.periods import Period, last_month, quarter_of, quarters_offered
from hcrm.reporting.domain.targets import Stage, Targeted
from hcrm.reporting.forms import meeting as labels
from hcrm.reporting.forms import sides
from hcrm.reporting.forms.meeting import ImprovementForm, StageForm, TargetForm
from hcrm.reporting.queries.meeting import improvement
from hcrm.reporting.routes.blueprint import blueprint
from hcrm.reporting.routes.exports import attachment
from hcrm.reporting.routes.places import Place, period_of, place_of, shared
from hcrm.reporting.service.bulletin import bulletin, effects
from hcrm.reporting.service.improvements import begin_improvement, move_improvement
from hcrm.reporting.service.register import open_register
from hcrm.reporting.service.targets import judged, rate_of, set_target
from hcrm.unit_of_work import unit_of_work
from hcrm.web import language, now

DAYS_FOR_AN_ACTION = 30
_CALLS = {"figure": "tasks", "human": 1, "recall": 0, "tier": 1}
"""Arguments of the links to the calls that the bulletin counts."""


@blueprint.get("/figures/bulletin")
@requires(Action.VIEW_FIGURES)
def bulletin_page() -> ResponseReturnValue:
    """One page for the meeting, in the order in which it asks; of last month unless asked."""
    with unit_of_work() as session:
        place = place_of(session, Action.VIEW_FIGURES, may_lag=True)
        period = period_of(session, place, last_month)
        view = bulletin(session, facility_id=place.facility.id, place=place.selection, period=period, now=now())
    more = {"meeting": labels, "sides": sides, "connections": CONNECTIONS, "calls": _CALLS}
    return render_template("reporting/bulletin.html", view=view, **more, **shared(place, period, last_month))


@blueprint.route("/figures/targets", methods=["GET", "POST"])
@requires(Action.RUN_MEETING)
def targets_page() -> ResponseReturnValue:
    """Every target with what the figure does: met reliably, by luck, or not without a change."""
    form = TargetForm()
    with unit_of_work() as session:
        place = place_of(session, Action.RUN_MEETING, may_lag=request.method == "GET")
        form.offer(_names(place), whole=_whole(place))
        if form.validate_on_submit():
            _set_target(session, place, form)
            return redirect(url_for("reporting.targets_page"), 303)
        period = period_of(session, place)
        found = judged(
            session,
            facility_id=place.facility.id,
            selection=place.within(period),
            departments=place.departments,
            now=now(),
        )
    more = {"form": form, "found": found, "names": _names(place), "meeting": labels}
    return render_template("reporting/targets.html", **more, **shared(place, period)), 422 if form.errors else 200


@blueprint.route("/figures/improvements", methods=["GET", "POST"])
@requires(Action.RUN_MEETING)
def improvements_page() -> ResponseReturnValue:
    """What was decided and whether it helped; a new action begins from a chart."""
    form = ImprovementForm()
    with unit_of_work() as session:
        place = place_of(session, Action.RUN_MEETING, may_lag=request.method == "GET")
        form.offer(_names(place), whole=_whole(place))
        period = period_of(session, place)
        if form.validate_on_submit():
            _begin(session, place, period, form)
            return redirect(url_for("reporting.improvements_page"), 303)
        if request.method == "GET":
            _prefill(form, place)
        found = effects(session, place.within(period), now())
    more = {"form": form, "found": found, "names": _names(place), "meeting": labels, "stages": list(Stage)}
    return render_template("reporting/improvements.html", **more, **shared(place, period)), 422 if form.errors else 200


@blueprint.post("/figures/improvements/<int:improvement_id>")
@requires(Action.RUN_MEETING)
def move(improvement_id: int) -> ResponseReturnValue:
    """Say where an action stands and what came of it."""
    form = StageForm()
    with unit_of_work() as session:
        found = improvement(session, improvement_id)
        if found is None:
            abort(404)
        departments = [found.department_id] if found.department_id is not None else []
        require_object(Action.RUN_MEETING, found.facility_id, departments)
        if not form.validate_on_submit():
            abort(422)
        stage, result = Stage(form.stage.data), form.result.data or ""
        move_improvement(
            session,
            improvement_id=improvement_id,
            stage=stage,
            result=result,
            now=now(),
            actor_user_id=current_actor().user_id,
        )
    flash(_("It is written down."), "good")
    return redirect(url_for("reporting.improvements_page"), 303)


@blueprint.get("/figures/register")
@requires(Action.VIEW_FIGURE_PATIENTS)
def register_page() -> ResponseReturnValue:
    """The register of follow-ups of a ward and a quarter, for inspectors; every look is recorded."""
    with unit_of_work() as session:
        place = place_of(session, Action.VIEW_FIGURE_PATIENTS)
        period = quarter_of(request.args.get("quarter", ""), place.today)
        lines = open_register(session, selection=place.within(period), now=now(), actor_user_id=current_actor().user_id)
    more = {"lines": lines, "reasons": REASONS, "names": _names(place), "most": service.MOST_LINES}
    more["quarters"] = sorted({*quarters_offered(place.today), period}, key=lambda each: each.from_on, reverse=True)
    return render_template("reporting/register.html", **more, **shared(place, period))


@blueprint.get("/figures/register.csv")
@requires(Action.VIEW_FIGURE_PATIENTS)
def register_file() -> ResponseReturnValue:
    """The register as a file."""
    with unit_of_work() as session:
        place = place_of(session, Action.VIEW_FIGURE_PATIENTS)
        period = quarter_of(request.args.get("quarter", ""), place.today)
        lines = open_register(session, selection=place.within(period), now=now(), actor_user_id=current_actor().user_id)
    text = io.StringIO()
    csv.writer(text).writerows(service.register_table(lines, _names(place)))
    return attachment(text.getvalue().encode("utf-8-sig"), "text/csv", f"register-{period.code}.csv")


def _names(place: Place) -> dict[int, str]:
    return {key: each.name_in(language()) for key, each in place.departments.items()}


def _whole(place: Place) -> bool:
    """Whether the person speaks for the whole hospital."""
    return (place.selection.scope or {}).get(place.facility.id) is None


def _department(form: Any) -> int | None:
    return int(form.department.data) if form.department.data else None


def _set_target(session: Any, place: Place, form: TargetForm) -> None:
    share = None if form.percent.data is None else float(form.percent.data) / 100
    set_target(
        session,
        facility_id=place.facility.id,
        department_id=_department(form),
        figure=Targeted(form.figure.data),
        share=share,
        now=now(),
        actor_user_id=current_actor().user_id,
    )
    flash(_("The target holds from now on."), "good")


def _begin(session: Any, place: Place, period: Period, form: ImprovementForm) -> None:
    figure, department = Targeted(form.figure.data), _department(form)
    here = place.within(period)
    begin_improvement(
        session,
        facility_id=place.facility.id,
        department_id=department,
        figure=figure,
        month=f"{place.today:%Y-%m}",
        before=rate_of(session, figure, service.in_department(here, department), now()),
        problem=form.problem.data,
        step=form.step.data,
        owner=form.owner.data,
        due_on=form.due_on.data,
        now=now(),
        actor_user_id=current_actor().user_id,
    )
    flash(_("The action is written down with the figure as it stands."), "good")


def _prefill(form: ImprovementForm, place: Place) -> None:
    """What the chart told that the person comes from."""
    form.figure.data = request.args.get("figure") or form.figure.data
    form.department.data = str(place.department.id) if place.department else form.department.data
    form.due_on.data = place.today + timedelta(days=DAYS_FOR_AN_ACTION)
