"""The pages behind the overview: follow-up, returns, what patients say."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, requires
from hcrm.reporting import charts, forms
from hcrm.reporting.domain.comments import DEFAULT_WORDS
from hcrm.reporting.domain.reports import REVISIT_GROUPINGS, By
from hcrm.reporting.forms import sides as labels
from hcrm.reporting.queries.measures import measures_of
from hcrm.reporting.routes.blueprint import blueprint
from hcrm.reporting.routes.places import followup_groupings, period_of, place_of, shared
from hcrm.reporting.service.analysis import (
    FollowupSides,
    ReturnSides,
    SaidSides,
    followup_sides,
    lists_of,
    return_sides,
    said_sides,
)
from hcrm.reporting.service.overview import REVISIT_MEASURE
from hcrm.reporting.service.satisfaction import OVERALL
from hcrm.reporting.service.words import keep_words
from hcrm.unit_of_work import unit_of_work
from hcrm.web import language, now


@blueprint.get("/figures/followup")
@requires(Action.VIEW_FIGURES)
def followup_page() -> ResponseReturnValue:
    """The funnel in groups, the run of days, the best hours, and how many tries it takes."""
    by, only = _by(followup_groupings()), forms.task_filter(request.args)
    with unit_of_work() as session:
        place = place_of(session, Action.VIEW_FIGURES, may_lag=True)
        period = period_of(session, place)
        view = followup_sides(session, selection=place.within(period), by=by, now=now(), only=only)
    figures = _followup_figures(view)
    return render_template(
        "reporting/followup.html", view=view, figures=figures, by=by, only=only, sides=labels, **shared(place, period)
    )


@blueprint.get("/figures/returns")
@requires(Action.VIEW_FIGURES)
def returns_page() -> ResponseReturnValue:
    """A revisit measure in groups, its curve over the days, and returns against the case mix."""
    by, measure = _by(REVISIT_GROUPINGS), request.args.get("measure", REVISIT_MEASURE)
    with unit_of_work() as session:
        place = place_of(session, Action.VIEW_FIGURES, may_lag=True)
        period, measures = period_of(session, place), measures_of(session, place.facility.id)
        if measure not in measures:
            abort(404)
        view = return_sides(session, selection=place.within(period), measure=measure, by=by, now=now())
    figures = _return_figures(view)
    more = {"measure": measure, "measures": measures, "sides": labels}
    return render_template("reporting/returns.html", view=view, figures=figures, by=by, **more, **shared(place, period))


@blueprint.get("/figures/said")
@requires(Action.VIEW_FIGURES)
def said_page() -> ResponseReturnValue:
    """What patients say: scores, months, what moves with the whole, comments."""
    by, topic = _by((By.DEPARTMENT, By.MONTH)), request.args.get("topic", "")
    question = request.args.get("question", OVERALL)
    with unit_of_work() as session:
        place = place_of(session, Action.VIEW_FIGURES, may_lag=True)
        period = period_of(session, place)
        try:
            view = said_sides(
                session,
                selection=place.within(period),
                facility_id=place.facility.id,
                by=by,
                question=question,
                topic=topic,
                now=now(),
                today=place.today,
            )
        except KeyError:
            abort(404)
    more = {"question": question, "topic": topic, "sides": labels, "figures": _said_figures(view)}
    return render_template("reporting/said.html", view=view, by=by, **more, **shared(place, period))


@blueprint.route("/figures/words", methods=["GET", "POST"])
@requires(Action.EDIT_SURVEYS)
def words_page() -> ResponseReturnValue:
    """The lists of words by which comments get a topic and a tone."""
    with unit_of_work() as session:
        place = place_of(session, Action.EDIT_SURVEYS)
        if request.method == "POST":
            said = {tag: request.form.get(tag, "") for tag in DEFAULT_WORDS}
            keep_words(
                session, facility_id=place.facility.id, lists=said, now=now(), actor_user_id=current_actor().user_id
            )
        lists = lists_of(session, place.facility.id)
    if request.method == "POST":
        flash(_("The words are kept. Comments are sorted by them from now on."), "good")
        return redirect(url_for("reporting.words_page"), 303)
    return render_template("reporting/words.html", lists=lists, sides=labels)


def _by(allowed: tuple[By, ...]) -> By:
    """The grouping that the address asks for."""
    return next((each for each in allowed if each.value == request.args.get("by")), allowed[0])


def _followup_figures(view: FollowupSides) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if any(row.funnel.due for row in view.days.rows):
        found["days"] = charts.run_of_days(view.days.rows)
    if view.hours:
        found["hours"] = charts.hours_of_the_week(view.hours, labels.weekdays())
    if view.tries:
        found["tries"] = charts.tries(view.tries, view.tries[0].made)
    return found


def _return_figures(view: ReturnSides) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if view.report.total.rate.denominator:
        found["returned"] = charts.returned_by_day(view.curve)
        rows = [(forms.label_text(row.label), row.rate) for row in view.report.rows]
        found["groups"] = charts.intervals(rows)
    if view.expected:
        found["expected"] = charts.expected_ratios(
            [
                (forms.label_text(each.label), each.ratio.value, each.ratio.low, each.ratio.high)
                for each in view.expected
            ]
        )
    return found


def _said_figures(view: SaidSides) -> dict[str, Any]:
    found: dict[str, Any] = {}
    rows = [row for row in view.months if row.mean.value is not None]
    if len(rows) > 1:
        found["months"] = charts.months([row.label.name for row in rows], [row.mean for row in rows], view.chart)
    known = [(each.label.in_language(language()), each.found) for each in view.drivers if each.found is not None]
    if known:
        found["drivers"] = charts.drivers(known)
    return found
