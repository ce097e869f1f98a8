"""Reports as files: CSV and XLSX, the same object as the pages and the command show."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from flask import Response, abort, request
from flask.typing import ResponseReturnValue

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import requires
from hcrm.reporting import forms, service
from hcrm.reporting.domain.periods import YEARS, Period
from hcrm.reporting.domain.reports import By, RevisitReport, Selection, UnknownMeasure
from hcrm.reporting.forms.workbook import Sheet, workbook
from hcrm.reporting.routes.blueprint import blueprint
from hcrm.reporting.routes.places import Place, followup_groupings, period_of, place_of
from hcrm.reporting.service.overview import REVISIT_MEASURE
from hcrm.unit_of_work import unit_of_work
from hcrm.web import language, now

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WHOLE = "report"
"""The file with everything in it."""


@blueprint.get("/figures/<report>.csv")
@requires(Action.VIEW_FIGURES)
def export(report: str) -> ResponseReturnValue:
    """A report as CSV: the same object as the command prints, one line for each group and one for the total."""
    if report not in EXPORTS:
        abort(404)
    with unit_of_work() as session:
        place = place_of(session, Action.VIEW_FIGURES)
        period = _days(session, place)
        made = EXPORTS[report](session, place.within(period), now())
    heads, rows = service.table(made)
    text = io.StringIO()
    csv.writer(text).writerows([heads, *rows])
    return attachment(text.getvalue().encode("utf-8-sig"), "text/csv", f"{report}-{period.from_on}-{period.to_on}.csv")


@blueprint.get("/figures/departments.csv")
@requires(Action.VIEW_FIGURES)
def departments_file() -> ResponseReturnValue:
    """Every department as CSV, by name, with the columns of the page."""
    with unit_of_work() as session:
        place = place_of(session, Action.VIEW_FIGURES)
        period = _days(session, place)
        lines = service.department_lines(session, selection=place.within(period), now=now())
    ordered = service.sorted_lines(lines.departments, "name", descending=False, language=language())
    heads, rows = service.table(service.departments_json(ordered, lines.total))
    text = io.StringIO()
    csv.writer(text).writerows([heads, *rows])
    name = f"departments-{period.from_on}-{period.to_on}.csv"
    return attachment(text.getvalue().encode("utf-8-sig"), "text/csv", name)


@blueprint.get("/figures/<report>.xlsx")
@requires(Action.VIEW_FIGURES)
def export_workbook(report: str) -> ResponseReturnValue:
    """A report, or all of them (``report``), as a workbook with typed cells and the definitions."""
    if report not in {*EXPORTS, WHOLE}:
        abort(404)
    with unit_of_work() as session:
        place = place_of(session, Action.VIEW_FIGURES)
        period = _days(session, place)
        sheets = _sheets(session, report, place.within(period), now())
    name = f"{report}-{period.from_on}-{period.to_on}.xlsx"
    return attachment(workbook(sheets, title=forms.days_label(period)), XLSX, name)


def _days(session: Any, place: Place) -> Period:
    """The days that the address gives one by one, else its period."""
    try:
        from_on, to_on = (date.fromisoformat(request.args.get(name, "")) for name in ("from", "to"))
    except ValueError:
        return period_of(session, place)
    if from_on.year not in YEARS or to_on.year not in YEARS:
        return period_of(session, place)
    return Period(f"{from_on}/{to_on}", min(from_on, to_on), to_on)


def attachment(content: bytes, kind: str, name: str) -> Response:
    """A file to keep."""
    return Response(content, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _sheets(session: Any, report: str, selection: Selection, at: datetime) -> list[Sheet]:
    """The reports of a file, each grouped in every way that a page shows, or as the address asks."""
    if report == "revisits":
        returns = _revisits(session, selection, at)
        return [Sheet(report, service.revisit_json(returns), returns.definition)]
    if report != WHOLE:
        return [Sheet(report, EXPORTS[report](session, selection, at))]
    made = [
        service.followup_json(service.followup_report(session, selection=selection, by=by, now=at))
        for by in (By.DEPARTMENT, By.TIER, By.CHANNEL, By.CLINICIAN, By.MONTH)
    ]
    made += [
        service.revisit_json(
            service.revisit_report(session, measure=REVISIT_MEASURE, selection=selection, by=by, now=at)
        )
        for by in (By.DEPARTMENT, By.MONTH)
    ]
    made += [
        service.satisfaction_json(service.satisfaction_report(session, selection=selection, by=by))
        for by in (By.QUESTION, By.DEPARTMENT, By.MONTH)
    ]
    names = ["followup"] * 5 + ["revisits"] * 2 + ["satisfaction"] * 3
    return [Sheet(name, each) for name, each in zip(names, made, strict=True)]


def _by(allowed: tuple[By, ...]) -> By:
    """The grouping that the address asks for."""
    wanted = request.args.get("by", By.DEPARTMENT.value)
    return next((each for each in allowed if each.value == wanted), By.DEPARTMENT)


def _followup_export(session: Any, selection: Selection, at: datetime) -> dict[str, Any]:
    report = service.followup_report(
        session,
        selection=selection,
        by=_by(followup_groupings()),
        now=at,
        only=forms.task_filter(request.args),
    )
    return service.followup_json(report)


def _revisits(session: Any, selection: Selection, at: datetime) -> RevisitReport:
    measure, by = request.args.get("measure", REVISIT_MEASURE), _by(service.REVISIT_GROUPINGS)
    try:
        return service.revisit_report(session, measure=measure, selection=selection, by=by, now=at)
    except UnknownMeasure:
        abort(404)


def _revisit_export(session: Any, selection: Selection, at: datetime) -> dict[str, Any]:
    return service.revisit_json(_revisits(session, selection, at))


def _satisfaction_export(session: Any, selection: Selection, at: datetime) -> dict[str, Any]:
    del at
    report = service.satisfaction_report(session, selection=selection, by=_by(service.SATISFACTION_GROUPINGS))
    return service.satisfaction_json(report)


def _visit_export(session: Any, selection: Selection, at: datetime) -> dict[str, Any]:
    return service.visit_json(session, selection=selection, by=_by(service.VISIT_GROUPINGS), now=at)


EXPORTS: Mapping[str, Callable[[Any, Selection, datetime], dict[str, Any]]] = {
    "followup": _followup_export,
    "revisits": _revisit_export,
    "satisfaction": _satisfaction_export,
    "visits": _visit_export,
}
