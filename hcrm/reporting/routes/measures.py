"""Revisit measures that a hospital makes in the browser: tried on its own records, kept, retired."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.reporting.domain.own_definitions import definition_of
from hcrm.reporting.domain.periods import Period, last_complete_month
from hcrm.reporting.domain.reports import By
from hcrm.reporting.forms.measures import MeasureForm, entered
from hcrm.reporting.queries.measures import measures_of, own_measure, own_measures
from hcrm.reporting.routes.blueprint import blueprint
from hcrm.reporting.routes.places import Place, place_of, shared
from hcrm.reporting.service.measures import BadMeasure, checked, keep_measure, retire_measure
from hcrm.reporting.service.revisits import tried_figures
from hcrm.survey.domain import Text
from hcrm.unit_of_work import unit_of_work
from hcrm.web import language, now


@blueprint.route("/figures/measures", methods=["GET", "POST"])
@requires(Action.EDIT_MEASURES)
def measures_page() -> ResponseReturnValue:
    """The hospital's own measures, and the form for a new one, tried before it is kept."""
    form = MeasureForm()
    with unit_of_work() as session:
        place = place_of(session, Action.EDIT_MEASURES)
        tried = None
        if request.method == "GET":
            form = _begun_from(session, place)
        elif form.validate() and "keep" in request.form:
            if _keep(session, place, form):
                return redirect(url_for("reporting.measures_page"), 303)
        elif not form.errors:
            tried = _tried(session, place, form)
        own = own_measures(session, [place.facility.id], with_retired=True)
    period = _tried_on(place)
    page = render_template("reporting/measures.html", form=form, own=own, tried=tried, **shared(place, period))
    return page, 422 if form.errors else 200


@blueprint.post("/figures/measures/<int:measure_id>/retire")
@requires(Action.EDIT_MEASURES)
def retire(measure_id: int) -> ResponseReturnValue:
    """Offer a measure no longer."""
    with unit_of_work() as session:
        found = own_measure(session, measure_id)
        if found is None:
            abort(404)
        require_object(Action.EDIT_MEASURES, found.facility_id)
        retire_measure(session, measure_id=measure_id, now=now(), actor_user_id=current_actor().user_id)
    flash(_("The measure is retired: it is no longer offered."), "info")
    return redirect(url_for("reporting.measures_page"), 303)


def _tried_on(place: Place) -> Period:
    """The month that a measure is tried on: the newest whose days are long enough ago for most windows."""
    return last_complete_month(place.today)


def _begun_from(session: Any, place: Place) -> MeasureForm:
    """An empty form, or one filled from the measure that the address names; it needs a code of its own."""
    code = request.args.get("from", "")
    known = measures_of(session, place.facility.id)
    if code not in known:
        return MeasureForm(formdata=None, index_classes=["IMP"], revisit_classes=["IMP"])
    title = known[code].definition.title
    name = Text(title.en.rstrip("."), title.zh.rstrip("。"))
    return MeasureForm(formdata=None, **{**entered(known[code].measure, name), "code": ""})


def _keep(session: Any, place: Place, form: MeasureForm) -> bool:
    """Keep the measure; False when something is wrong with it, which the form then says."""
    try:
        keep_measure(
            session,
            facility_id=place.facility.id,
            measure=form.measure(),
            name=form.named(),
            now=now(),
            actor_user_id=current_actor().user_id,
        )
    except BadMeasure as refused:
        form.refuse(refused.problems)
        return False
    flash(_("The measure is kept. It stands beside the others on the page of returns."), "good")
    return True


def _tried(session: Any, place: Place, form: MeasureForm) -> Any:
    """The number of the measure as it is entered, with its definition; None when something is wrong with it."""
    measure, name = form.measure(), form.named()
    wrong = checked(session, facility_id=place.facility.id, measure=measure, name=name)
    if wrong:
        form.refuse(wrong)
        return None
    selection = place.within(_tried_on(place))
    definition = definition_of(measure, name)
    figures = tried_figures(session, measure=measure, definition=definition, selection=selection, now=now())
    return {"report": figures.report(session, By.NONE), "sentence": definition.sentence(language())}
