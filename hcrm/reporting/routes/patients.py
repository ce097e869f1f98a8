"""The patients behind a number, on a page and as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, requires
from hcrm.reporting import forms, service
from hcrm.reporting.domain.definitions import DEFINITIONS, Definition
from hcrm.reporting.domain.measures import Link
from hcrm.reporting.domain.periods import Period
from hcrm.reporting.domain.reports import REVISIT_GROUPINGS, UNKNOWN, By, Group, Label, UnknownMeasure
from hcrm.reporting.forms.behind import behind_table
from hcrm.reporting.queries.drilldown import TaskPart, TaskQuestion
from hcrm.reporting.queries.measures import named_measure
from hcrm.reporting.routes.blueprint import blueprint
from hcrm.reporting.routes.exports import attachment
from hcrm.reporting.routes.places import Place, followup_groupings, period_of, place_of, shared
from hcrm.reporting.service.behind import (
    Behind,
    Look,
    RevisitQuestion,
    answers_behind,
    discharges_behind,
    revisits_behind,
    tasks_behind,
)
from hcrm.reporting.service.followup import DISCHARGE_GROUPINGS
from hcrm.reporting.service.labels import Labels
from hcrm.reporting.service.overview import REVISIT_MEASURE
from hcrm.unit_of_work import unit_of_work
from hcrm.web import Page, now, page_number
from hcrm.web.paging import PAGE_SIZE

MOST_IN_A_FILE = 10_000
"""Longer lists are downloaded department by department."""


@blueprint.get("/figures/patients")
@requires(Action.VIEW_FIGURE_PATIENTS)
def patients_page() -> ResponseReturnValue:
    """The patients behind a number."""
    (figure, part), number = _figure_and_part(), page_number()
    with unit_of_work() as session:
        place = place_of(session, Action.VIEW_FIGURE_PATIENTS)
        period = period_of(session, place)
        look = Look(figure, part, current_actor().user_id, now(), (number - 1) * PAGE_SIZE, PAGE_SIZE + 1)
        behind = _BEHIND[figure](session, place, period, look)
        definition = _definition_behind(session, figure, place)
        group = _group_label(session) if behind.total and figure != "answers" else None
    page, title = Page.of(behind.rows, number), _PARTS[figure][part]
    return render_template(
        "reporting/patients.html",
        figure=figure,
        part=part,
        title=title,
        definition=definition,
        group=forms.group_text(*group) if group else "",
        behind=behind,
        page=page,
        file=_asked(),
        most_in_a_file=MOST_IN_A_FILE,
        **shared(place, period),
    )


@blueprint.get("/figures/patients.csv")
@requires(Action.VIEW_FIGURE_PATIENTS)
def patients_file() -> ResponseReturnValue:
    """The whole list as a file; one that is too long is not read, the page says so."""
    figure, part = _figure_and_part()
    with unit_of_work() as session:
        place = place_of(session, Action.VIEW_FIGURE_PATIENTS)
        period = period_of(session, place)
        look = Look(figure, part, current_actor().user_id, now(), 0, MOST_IN_A_FILE)
        behind = _BEHIND[figure](session, place, period, look)
        if behind.total > MOST_IN_A_FILE:
            session.rollback()
            return redirect(url_for("reporting.patients_page", **_asked()), 303)
    text = io.StringIO()
    csv.writer(text).writerows(behind_table(figure, behind.rows, place.facility.zone))
    return attachment(text.getvalue().encode("utf-8-sig"), "text/csv", f"{figure}-{part}-{period.code}.csv")


def _asked() -> dict[str, Any]:
    """What the address says about the list, for the address of the same list elsewhere."""
    return {name: request.args[name] for name in _ARGUMENTS if name in request.args}


_ARGUMENTS = (
    "figure", "part", "period", "facility", "department", "by", "key", "basis", "tier", "human", "recall", "reason",
    "measure", "link", "questionnaire", "question",
)  # fmt: skip


def _figure_and_part() -> tuple[str, str]:
    """Which number the address asks for."""
    figure, part = request.args.get("figure", ""), request.args.get("part", "all")
    if figure not in _BEHIND or part not in _PARTS[figure]:
        abort(404)
    return figure, part


def _tasks(session: Any, place: Place, period: Period, look: Look) -> Behind:
    question = TaskQuestion(
        TaskPart(look.part),
        forms.task_filter(request.args),
        request.args.get("reason"),
        service.sunday(place.today),
        _group(followup_groupings()),
    )
    return tasks_behind(session, selection=place.within(period), asked=question, look=look)


def _discharges(session: Any, place: Place, period: Period, look: Look) -> Behind:
    return discharges_behind(session, selection=place.within(period), look=look, group=_group(DISCHARGE_GROUPINGS))


def _revisits(session: Any, place: Place, period: Period, look: Look) -> Behind:
    measure, link = request.args.get("measure", REVISIT_MEASURE), request.args.get("link")
    if link not in {None, *Link}:
        abort(404)
    try:
        asked = RevisitQuestion(
            measure, Link(link) if link else None, request.args.get("reason"), _group(REVISIT_GROUPINGS)
        )
        return revisits_behind(session, selection=place.within(period), asked=asked, look=look)
    except UnknownMeasure:
        abort(404)


def _answers(session: Any, place: Place, period: Period, look: Look) -> Behind:
    questionnaire = request.args.get("questionnaire", service.DEFAULT_QUESTIONNAIRE)
    question = request.args.get("question", service.OVERALL)
    try:
        return answers_behind(
            session, selection=place.within(period), questionnaire=questionnaire, question=question, look=look
        )
    except LookupError:
        abort(404)


def _group(allowed: tuple[By, ...]) -> Group | None:
    """The group that the address names; one that the viewer may not group by is not found."""
    by = request.args.get("by")
    if by is None:
        return None
    found = next((each for each in allowed if each.value == by and each is not By.NONE), None)
    if found is None:
        abort(404)
    return Group(found, request.args.get("key", UNKNOWN))


def _group_label(session: Any) -> tuple[By, Label] | None:
    """What the group of the list is called; asked for a list that has patients, so that no name of elsewhere shows."""
    by, key = request.args.get("by"), request.args.get("key", UNKNOWN)
    if by is None:
        return None
    labels, known = Labels(session, By(by)), int(key) if key.isdecimal() else key
    return By(by), labels.of(None if key == UNKNOWN else known)


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


def _definition_behind(session: Any, figure: str, place: Place) -> Definition:
    """The definition that explains a list."""
    codes = {"tasks": "followup_in_time", "discharges": "followup_all_discharges", "answers": "satisfied"}
    if figure in codes:
        return DEFINITIONS[codes[figure]]
    return named_measure(session, request.args.get("measure", REVISIT_MEASURE), place.selection).definition
