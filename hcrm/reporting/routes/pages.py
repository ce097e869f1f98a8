"""The overview, the departments, the definitions."""

from __future__ import annotations

from typing import Any

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue

from hcrm.accounts.domain import Action, permitted, scope_of
from hcrm.accounts.guard import current_actor, requires
from hcrm.reporting import charts, forms, service
from hcrm.reporting.domain.definitions import SECTIONS
from hcrm.reporting.domain.periods import Period
from hcrm.reporting.domain.spc import expected_false_alarms
from hcrm.reporting.queries.measures import own_measures
from hcrm.reporting.routes.blueprint import blueprint
from hcrm.reporting.routes.places import Place, period_of, place_of, shared
from hcrm.reporting.service.overview import REVISIT_MEASURE, Overview, overview
from hcrm.unit_of_work import unit_of_work
from hcrm.web import language, now


@blueprint.get("/overview")
@requires(Action.VIEW_FIGURES)
def overview_page() -> ResponseReturnValue:
    """Four questions of a manager, answered in words and figures."""
    with unit_of_work() as session:
        place = place_of(session, Action.VIEW_FIGURES, may_lag=True)
        view = _overview(session, place, period_of(session, place))
    return render_template(
        "reporting/overview.html", view=view, figures=_figures(view), **shared(place, view.period), **_shown(view)
    )


@blueprint.get("/figures/departments")
@requires(Action.VIEW_FIGURES)
def departments_page() -> ResponseReturnValue:
    """Every department in one table, sorted by the column that was asked for; by name unless asked."""
    column = request.args.get("sort", "name")
    descending = request.args.get("order") == "desc"
    with unit_of_work() as session:
        place = place_of(session, Action.VIEW_FIGURES, may_lag=True)
        period = period_of(session, place)
        lines = service.department_lines(session, selection=place.within(period), now=now())
    if column not in forms.SORTABLE:
        abort(404)
    ordered = service.sorted_lines(lines.departments, column, descending=descending, language=language())
    return render_template(
        "reporting/departments.html",
        lines=ordered,
        total=lines.total,
        false_alarms=expected_false_alarms(len(ordered)),
        only=lines.only,
        column=column,
        descending=descending,
        **shared(place, period),
    )


@blueprint.get("/figures/definitions")
@requires(Action.VIEW_FIGURES)
def definitions_page() -> ResponseReturnValue:
    """What every figure means, those included that the viewer's hospitals made."""
    facilities = scope_of(current_actor(), Action.VIEW_FIGURES).facility_ids
    with unit_of_work() as session:
        own = [each.definition for each in own_measures(session, facilities)]
    sections = {**SECTIONS, "revisits": (*SECTIONS["revisits"], *own)}
    return render_template(
        "reporting/definitions.html", sections=sections, section_labels=forms.SECTION_LABELS, in_words=language()
    )


def _overview(session: Any, place: Place, period: Period) -> Overview:
    inbox = permitted(current_actor(), Action.VIEW_INBOX, place.facility.id)
    return overview(session, period=period, place=place.selection, now=now(), today=place.today, with_inbox=inbox)


def _shown(view: Overview) -> dict[str, Any]:
    """Arguments of the links to the tasks that the headline is made of."""
    only: dict[str, Any] = {"figure": "tasks", "human": 1, "recall": 0}
    if view.followup.only.tier is not None:
        only["tier"] = view.followup.only.tier
    return {
        "tasks": only,
        "target": view.target,
        "measure": REVISIT_MEASURE,
        "steps": charts.funnel_steps(view.followup.total),
    }


def _figures(view: Overview) -> dict[str, charts.Figure]:
    """The figures of the overview that there is something to draw in."""
    found = {}
    if any(count.denominator for _monday, count in view.weeks):
        found["weeks"] = charts.control_chart(view.weeks, view.chart, view.target)
    if view.followup.total.funnel.planned:
        found["funnel"] = charts.completion_funnel(charts.funnel_steps(view.followup.total), of=2, focus=6)
    rows = [row for row in view.revisits.rows if row.rate.denominator]
    if rows and view.funnel_plot:
        draws_limits = view.compares_departments
        found["departments"] = (
            charts.departments_funnel(rows, view.funnel_plot) if draws_limits else charts.departments_intervals(rows)
        )
    if view.revisits.total.rate.denominator:
        found["returned"] = charts.returned_by_day(view.returned)
    return found
