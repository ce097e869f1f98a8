"""Figures for other programs: JSON by token, the same object as the command prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeVar

from flask import abort, jsonify, request
from flask.typing import ResponseReturnValue

from hcrm.accounts.guard import public
from hcrm.reporting import service
from hcrm.reporting.domain.measures import Link
from hcrm.reporting.domain.periods import YEARS
from hcrm.reporting.domain.reports import (
    IMPERSONAL_GROUPINGS,
    REVISIT_GROUPINGS,
    SATISFACTION_GROUPINGS,
    BadPeriod,
    Basis,
    By,
    Selection,
    UnknownMeasure,
)
from hcrm.reporting.domain.tokens import REPORTS
from hcrm.reporting.forms.openapi import description
from hcrm.reporting.queries.tasks import TaskFilter
from hcrm.reporting.routes.blueprint import blueprint
from hcrm.reporting.service.overview import REVISIT_MEASURE
from hcrm.survey.domain import UnknownQuestionnaire
from hcrm.tokens.domain import TokenPurpose, TokenSnapshot
from hcrm.tokens.service import use_token
from hcrm.unit_of_work import unit_of_work
from hcrm.web import bearer_token, now, settings

Choice = TypeVar("Choice", bound=StrEnum)


class BadParameter(ValueError):
    """A parameter makes no sense; the message names it."""


@blueprint.get("/api/openapi.json")
@public
def api_description() -> ResponseReturnValue:
    """What can be asked for, for tools that read such a description."""
    return jsonify(description(settings().public_base_url))


@blueprint.get("/api/figures/<report>")
@public
def api_report(report: str) -> ResponseReturnValue:
    """One report, as far as the token reaches."""
    if report not in REPORTS:
        abort(404)
    with unit_of_work() as session:
        token = use_token(session, bearer_token(), purpose=TokenPurpose.FIGURES, now=now())
        if token is None:
            return jsonify(error="token_needed"), 401, {"WWW-Authenticate": "Bearer"}
        if report not in token.scopes:
            return jsonify(error="not_for_this_report"), 403
        try:
            return jsonify(_MAKERS[report](session, _selection(token), now()))
        except (BadParameter, BadPeriod) as problem:
            return jsonify(error=str(problem) or "bad_period"), 400


def _selection(token: TokenSnapshot) -> Selection:
    departments = None if token.department_id is None else frozenset({token.department_id})
    return Selection(_day("from"), _day("to"), {token.facility_id: departments})


def _day(name: str) -> date | None:
    text = request.args.get(name)
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadParameter(f"bad_{name}") from None
    if day.year not in YEARS:
        raise BadParameter(f"bad_{name}")
    return day


def _choice(name: str, allowed: tuple[Choice, ...], default: Choice) -> Choice:
    text = request.args.get(name)
    if text is None:
        return default
    found = next((each for each in allowed if each.value == text), None)
    if found is None:
        raise BadParameter(f"bad_{name}")
    return found


def _followup(session: Any, selection: Selection, at: datetime) -> dict[str, Any]:
    only = TaskFilter(basis=_choice("basis", tuple(Basis), Basis.WINDOW))
    by = _choice("by", IMPERSONAL_GROUPINGS, By.NONE)
    return service.followup_json(service.followup_report(session, selection=selection, by=by, now=at, only=only))


def _revisits(session: Any, selection: Selection, at: datetime) -> dict[str, Any]:
    measure = request.args.get("measure", REVISIT_MEASURE)
    link = _choice("link", tuple(Link), Link.NONE) if "link" in request.args else None
    by = _choice("by", REVISIT_GROUPINGS, By.NONE)
    try:
        made = service.revisit_report(session, measure=measure, selection=selection, by=by, now=at, link=link)
    except UnknownMeasure:
        raise BadParameter("bad_measure") from None
    return service.revisit_json(made)


def _satisfaction(session: Any, selection: Selection, at: datetime) -> dict[str, Any]:
    del at
    by = _choice("by", SATISFACTION_GROUPINGS, By.NONE)
    code = request.args.get("questionnaire", service.DEFAULT_QUESTIONNAIRE)
    try:
        made = service.satisfaction_report(session, selection=selection, by=by, questionnaire=code)
    except UnknownQuestionnaire:
        raise BadParameter("bad_questionnaire") from None
    return service.satisfaction_json(made)


_MAKERS: Mapping[str, Callable[[Any, Selection, datetime], dict[str, Any]]] = {
    "followup": _followup,
    "revisits": _revisits,
    "satisfaction": _satisfaction,
}
