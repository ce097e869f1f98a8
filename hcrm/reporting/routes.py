"""The manager's pages: the overview, the departments, the patients behind a number, definitions, exports."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue

from hcrm.accounts.domain import Action, permitted, scope_of
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.organization.domain import DepartmentSnapshot, FacilitySnapshot
from hcrm.organization.queries import departments, facilities
from hcrm.reporting import charts, forms, service
from hcrm.reporting.domain.definitions import DEFINITIONS, SECTIONS
from hcrm.reporting.domain.measures import MEASURES, Link
from hcrm.reporting.domain.periods import Period, last_30_days, month, offered
from hcrm.reporting.domain.reports import By, Selection
from hcrm.reporting.forms import words
from hcrm.reporting.queries.drilldown import TaskPart, TaskQuestion
from hcrm.reporting.service.behind import (
    Behind,
    Look,
    answers_behind,
    discharges_behind,
    revisits_behind,
    tasks_behind,
)
from hcrm.reporting.service.overview import ON_TIME_TARGET, REVISIT_MEASURE, Overview, overview
from hcrm.unit_of_work import unit_of_work
from hcrm.web import Page, language, now, page_number
from hcrm.web.paging import PAGE_SIZE

blueprint = Blueprint("reporting", __name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the viewer looks: one facility, all of what they may see of it or one department."""

    facility: FacilitySnapshot
    facilities: tuple[FacilitySnapshot, ...]
    departments: Mapping[int, DepartmentSnapshot]
    department: DepartmentSnapshot | None
    selection: Selection

    @property
    def today(self) -> date:
        return now().astimezone(self.facility.zone).date()

    def within(self, period: Period) -> Selection:
        """The same place in a period."""
        return Selection(period.from_on, period.to_on, self.selection.scope, self.selection.department_id)


@blueprint.get("/overview")
@requires(Action.VIEW_FIGURES)
def overview_page() -> ResponseReturnValue:
    """Four questions of a manager, answered in words and figures."""
    with unit_of_work() as session:
        place = _place(session, Action.VIEW_FIGURES)
        asked = forms.asked(request.args, place.today).period
        view = _overview(session, place, asked or last_30_days(place.today))
        if asked is None and view.is_empty:
            view = _overview(session, place, month(place.today.year, place.today.month))
    return render_template(
        "reporting/overview.html", view=view, figures=_figures(view), **_common(place, view.period), **_shown(view)
    )


@blueprint.get("/figures/departments")
@requires(Action.VIEW_FIGURES)
def departments_page() -> ResponseReturnValue:
    """Every department in one table, sorted by the column that was asked for; by name unless asked."""
    column = request.args.get("sort", "name")
    descending = request.args.get("order") == "desc"
    with unit_of_work() as session:
        place = _place(session, Action.VIEW_FIGURES)
        period = forms.asked(request.args, place.today).period or last_30_days(place.today)
        lines = service.department_lines(session, selection=place.within(period), now=now())
    if column not in forms.SORTABLE:
        abort(404)
    ordered = service.sorted_lines(lines.departments, column, descending=descending, language=language())
    return render_template(
        "reporting/departments.html",
        lines=ordered,
        total=lines.total,
        only=lines.only,
        column=column,
        descending=descending,
        **_common(place, period),
    )


@blueprint.get("/figures/patients")
@requires(Action.VIEW_FIGURE_PATIENTS)
def patients_page() -> ResponseReturnValue:
    """The patients behind a number."""
    figure, number = request.args.get("figure", ""), page_number()
    if figure not in _BEHIND:
        abort(404)
    part = request.args.get("part", "all")
    if part not in _PARTS[figure]:
        abort(404)
    with unit_of_work() as session:
        place = _place(session, Action.VIEW_FIGURE_PATIENTS)
        period = forms.asked(request.args, place.today).period or last_30_days(place.today)
        look = Look(figure, part, current_actor().user_id, now(), (number - 1) * PAGE_SIZE, PAGE_SIZE + 1)
        behind = _BEHIND[figure](session, place, period, look)
    page = Page.of(behind.rows, number)
    title, definition = _PARTS[figure][part], _definition_behind(figure)
    return render_template(
        "reporting/patients.html",
        figure=figure,
        part=part,
        title=title,
        definition=definition,
        behind=behind,
        page=page,
        **_common(place, period),
    )


@blueprint.get("/figures/definitions")
@requires(Action.VIEW_FIGURES)
def definitions_page() -> ResponseReturnValue:
    """What every figure means."""
    return render_template(
        "reporting/definitions.html", sections=SECTIONS, section_labels=forms.SECTION_LABELS, in_words=language()
    )


@blueprint.get("/figures/<report>.csv")
@requires(Action.VIEW_FIGURES)
def export(report: str) -> ResponseReturnValue:
    """A report as CSV: the same object as the command prints, one line for each group and one for the total."""
    if report not in _EXPORTS:
        abort(404)
    with unit_of_work() as session:
        place = _place(session, Action.VIEW_FIGURES)
        period = forms.asked(request.args, place.today).period or last_30_days(place.today)
        made = _EXPORTS[report](session, place.within(period), now())
    heads, rows = service.table(made)
    text = io.StringIO()
    csv.writer(text).writerows([heads, *rows])
    name = f"{report}-{period.from_on}-{period.to_on}.csv"
    return Response(
        text.getvalue().encode("utf-8-sig"),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _place(session: Any, action: Action) -> Place:
    """The place that the address names, if the viewer may see it; without one their first facility, all of theirs."""
    asked = forms.asked(request.args, now().date())
    scope = scope_of(current_actor(), action).departments
    mine = tuple(each for each in facilities(session) if each.id in scope)
    facility_id = asked.facility_id or mine[0].id
    require_object(action, facility_id, None if asked.department_id is None else [asked.department_id])
    allowed = scope[facility_id]
    known = {key: each for key, each in departments(session, facility_id).items() if allowed is None or key in allowed}
    if asked.department_id is not None and asked.department_id not in known:
        abort(404)
    return Place(
        facility=next(each for each in mine if each.id == facility_id),
        facilities=mine,
        departments=known,
        department=known[asked.department_id] if asked.department_id else None,
        selection=Selection(scope={facility_id: allowed}, department_id=asked.department_id),
    )


def _overview(session: Any, place: Place, period: Period) -> Overview:
    inbox = permitted(current_actor(), Action.VIEW_INBOX, place.facility.id)
    return overview(session, period=period, place=place.selection, now=now(), today=place.today, with_inbox=inbox)


def _common(place: Place, period: Period) -> dict[str, Any]:
    """What all templates of this package use; ``here`` are the arguments that keep place and period in an address."""
    here: dict[str, Any] = {"period": period.code}
    if place.department:
        here["department"] = place.department.id
    if len(place.facilities) > 1:
        here["facility"] = place.facility.id
    return {
        "place": place,
        "period": period,
        "periods": offered(place.today),
        "here": here,
        "now": now(),
        "zone": place.facility.zone,
        "labels": forms,
        "words": words,
        "in_words": language(),
        "definitions": DEFINITIONS,
        "may_open": permitted(current_actor(), Action.VIEW_FIGURE_PATIENTS, place.facility.id),
    }


def _shown(view: Overview) -> dict[str, Any]:
    """Arguments of the links to the tasks that the headline is made of."""
    only: dict[str, Any] = {"figure": "tasks", "human": 1, "recall": 0}
    if view.followup.only.tier is not None:
        only["tier"] = view.followup.only.tier
    return {
        "tasks": only,
        "target": ON_TIME_TARGET,
        "measure": REVISIT_MEASURE,
        "steps": charts.funnel_steps(view.followup.total),
    }


def _figures(view: Overview) -> dict[str, charts.Figure]:
    """The figures of the overview that there is something to draw in."""
    found = {}
    if any(count.denominator for _monday, count in view.weeks):
        found["weeks"] = charts.control_chart(view.weeks, view.chart, ON_TIME_TARGET)
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


def _tasks(session: Any, place: Place, period: Period, look: Look) -> Behind:
    question = TaskQuestion(
        TaskPart(look.part), forms.task_filter(request.args), request.args.get("reason"), service.sunday(place.today)
    )
    return tasks_behind(session, selection=place.within(period), asked=question, look=look)


def _discharges(session: Any, place: Place, period: Period, look: Look) -> Behind:
    return discharges_behind(session, selection=place.within(period), look=look)


def _revisits(session: Any, place: Place, period: Period, look: Look) -> Behind:
    measure, link = request.args.get("measure", REVISIT_MEASURE), request.args.get("link")
    if measure not in MEASURES or link not in {None, *Link}:
        abort(404)
    return revisits_behind(
        session,
        selection=place.within(period),
        measure=measure,
        link=Link(link) if link else None,
        reason=request.args.get("reason"),
        look=look,
    )


def _answers(session: Any, place: Place, period: Period, look: Look) -> Behind:
    questionnaire = request.args.get("questionnaire", service.DEFAULT_QUESTIONNAIRE)
    question = request.args.get("question", service.OVERALL)
    try:
        return answers_behind(
            session, selection=place.within(period), questionnaire=questionnaire, question=question, look=look
        )
    except LookupError:
        abort(404)


_BEHIND: Mapping[str, Callable[[Any, Place, Period, Look], Behind]] = {
    "tasks": _tasks,
    "discharges": _discharges,
    "revisits": _revisits,
    "answers": _answers,
}
_PARTS: Mapping[str, Mapping[str, str]] = {
    "tasks": forms.PART_LABELS,
    "discharges": forms.DISCHARGE_PART_LABELS,
    "revisits": forms.REVISIT_PART_LABELS,
    "answers": forms.ANSWER_PART_LABELS,
}


def _definition_behind(figure: str) -> str:
    """The code of the definition that explains a list."""
    codes = {"tasks": "followup_in_time", "discharges": "followup_all_discharges", "answers": "satisfied"}
    measure = request.args.get("measure", REVISIT_MEASURE)
    return codes.get(figure, measure if measure in MEASURES else REVISIT_MEASURE)


def _by(allowed: tuple[By, ...]) -> By:
    """The grouping that the address asks for."""
    wanted = request.args.get("by", By.DEPARTMENT.value)
    return next((each for each in allowed if each.value == wanted), By.DEPARTMENT)


def _followup_export(session: Any, selection: Selection, at: datetime) -> dict[str, Any]:
    report = service.followup_report(
        session,
        selection=selection,
        by=_by(service.FOLLOWUP_GROUPINGS),
        now=at,
        only=forms.task_filter(request.args),
    )
    return service.followup_json(report)


def _revisit_export(session: Any, selection: Selection, at: datetime) -> dict[str, Any]:
    measure = request.args.get("measure", REVISIT_MEASURE)
    if measure not in MEASURES:
        abort(404)
    report = service.revisit_report(
        session, measure=measure, selection=selection, by=_by(service.REVISIT_GROUPINGS), now=at
    )
    return service.revisit_json(report)


def _satisfaction_export(session: Any, selection: Selection, at: datetime) -> dict[str, Any]:
    del at
    report = service.satisfaction_report(session, selection=selection, by=_by(service.SATISFACTION_GROUPINGS))
    return service.satisfaction_json(report)


_EXPORTS: Mapping[str, Callable[[Any, Selection, datetime], dict[str, Any]]] = {
    "followup": _followup_export,
    "revisits": _revisit_export,
    "satisfaction": _satisfaction_export,
}
