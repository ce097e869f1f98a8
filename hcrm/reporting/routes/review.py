"""Reviews of people's work: one's own, and for the head those of the department's people. Nobody else sees them."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action, scope_of
from hcrm.accounts.guard import current_actor, requires
from hcrm.reporting import forms
from hcrm.reporting.domain.periods import Period, last_month
from hcrm.reporting.forms import meeting as labels
from hcrm.reporting.forms.meeting import AppealForm
from hcrm.reporting.queries.meeting import appeal, appeals, approved_at
from hcrm.reporting.queries.review import members
from hcrm.reporting.routes.blueprint import blueprint
from hcrm.reporting.routes.places import Place, period_of, place_of, shared
from hcrm.reporting.service.review import answer_appeal, appeal_review, approve_review, note_look, reviews
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now


@blueprint.route("/figures/my-work", methods=["GET", "POST"])
@requires(Action.WORK_TASKS)
def my_work() -> ResponseReturnValue:
    """A person's own month, and their appeal against it."""
    actor, form = current_actor(), AppealForm()
    with unit_of_work() as session:
        place = place_of(session, Action.WORK_TASKS)
        period, here = _month(session, place), place.facility.id
        if form.validate_on_submit():
            appeal_review(
                session,
                facility_id=here,
                month=period.code,
                words=form.words.data,
                now=now(),
                actor_user_id=actor.user_id,
            )
            flash(_("Your head has your appeal."), "good")
            return redirect(url_for("reporting.my_work", period=period.code), 303)
        own = {actor.user_id: actor.display_name}
        (mine,) = reviews(session, facility_id=here, people=own, period=period, now=now())
        said = appeals(session, here, period.code, [actor.user_id])
    more = {"people": [mine], "appeals": said, "form": form, "own": True, "meeting": labels}
    return render_template(
        "reporting/review.html", **more, **shared(place, period, last_month)
    ), 422 if form.errors else 200


@blueprint.get("/figures/review")
@requires(Action.REVIEW_STAFF)
def review_page() -> ResponseReturnValue:
    """The month of a department's people, for its head."""
    with unit_of_work() as session:
        place = place_of(session, Action.REVIEW_STAFF)
        period, here = _month(session, place), place.facility.id
        people = members(session, here, _departments(place))
        found = reviews(session, facility_id=here, people=people, period=period, now=now())
        said = appeals(session, here, period.code, list(people))
        approved = {each: approved_at(session, here, each, period.code) for each in _departments(place)}
        note_look(session, facility_id=here, now=now(), actor_user_id=current_actor().user_id)
    more = {"people": found, "appeals": said, "approved": approved, "names": people, "own": False, "meeting": labels}
    return render_template("reporting/review.html", **more, **shared(place, period, last_month))


@blueprint.post("/figures/review/approve")
@requires(Action.REVIEW_STAFF)
def approve() -> ResponseReturnValue:
    """The head stands by the month."""
    with unit_of_work() as session:
        place = place_of(session, Action.REVIEW_STAFF)
        period = forms.asked(request.form, place.today).period or last_month(place.today)
        for department_id in _departments(place):
            approve_review(
                session,
                facility_id=place.facility.id,
                department_id=department_id,
                month=period.code,
                now=now(),
                actor_user_id=current_actor().user_id,
            )
    flash(_("The review of the month is approved."), "good")
    return redirect(url_for("reporting.review_page", period=period.code), 303)


@blueprint.post("/figures/review/appeals/<int:appeal_id>")
@requires(Action.REVIEW_STAFF)
def answer(appeal_id: int) -> ResponseReturnValue:
    """The head answers an appeal of one of their people."""
    form = AppealForm()
    with unit_of_work() as session:
        found = appeal(session, appeal_id)
        if found is None or found.facility_id not in scope_of(current_actor(), Action.REVIEW_STAFF).facility_ids:
            abort(404)
        place = place_of(session, Action.REVIEW_STAFF)
        if found.user_id not in members(session, place.facility.id, _departments(place)):
            abort(404)
        if not form.validate_on_submit():
            abort(422)
        answer_appeal(
            session, appeal_id=appeal_id, answer=form.words.data, now=now(), actor_user_id=current_actor().user_id
        )
    return redirect(url_for("reporting.review_page", period=found.month), 303)


def _month(session: Any, place: Place) -> Period:
    found = period_of(session, place, last_month)
    return found if found.is_month else last_month(place.today)


def _departments(place: Place) -> list[int]:
    return [place.department.id] if place.department else sorted(place.departments)
