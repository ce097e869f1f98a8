"""What a person keeps and orders: views of the figures, and the monthly letter."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, requires
from hcrm.reporting.forms.mine import LetterForm, ViewForm
from hcrm.reporting.queries.mine import ordered, views
from hcrm.reporting.routes.blueprint import blueprint
from hcrm.reporting.routes.places import Place, period_of, place_of, shared
from hcrm.reporting.service.letters import subscribe, unsubscribe
from hcrm.reporting.service.views import ARGUMENTS, PAGES, forget, keep
from hcrm.unit_of_work import unit_of_work
from hcrm.web import language, now, settings


@blueprint.route("/figures/mine", methods=["GET", "POST"])
@requires(Action.VIEW_FIGURES)
def mine() -> ResponseReturnValue:
    """The views that the person has kept, and their monthly letter."""
    form, user_id = LetterForm(), current_actor().user_id
    with unit_of_work() as session:
        place = place_of(session, Action.VIEW_FIGURES)
        form.offer({key: each.name_in(language()) for key, each in place.departments.items()})
        if form.validate_on_submit():
            _subscribe(session, place, form)
            return redirect(url_for("reporting.mine"), 303)
        letter, kept = ordered(session, user_id, place.facility.id), views(session, user_id)
        period = period_of(session, place)
    page = request.args.get("page", "")
    view = ViewForm(formdata=None, page=page if page in PAGES else "")
    said = {key: request.args[key] for key in ARGUMENTS if request.args.get(key)}
    more = {"form": form, "view": view, "letter": letter, "kept": kept, "said": said, "mail": settings().smtp_host}
    return render_template("reporting/mine.html", **more, **shared(place, period)), 422 if form.errors else 200


@blueprint.post("/figures/views")
@requires(Action.VIEW_FIGURES)
def keep_view() -> ResponseReturnValue:
    """Keep the page that the person came from under a name."""
    form = ViewForm()
    if not form.validate_on_submit() or form.page.data not in PAGES:
        abort(422)
    with unit_of_work() as session:
        keep(
            session,
            user_id=current_actor().user_id,
            name=form.name.data,
            page=form.page.data,
            arguments=request.form,
            now=now(),
        )
    flash(_("The view is kept."), "good")
    return redirect(url_for("reporting.mine"), 303)


@blueprint.post("/figures/views/<int:view_id>/forget")
@requires(Action.VIEW_FIGURES)
def forget_view(view_id: int) -> ResponseReturnValue:
    """Throw a kept view away."""
    with unit_of_work() as session:
        if not forget(session, user_id=current_actor().user_id, view_id=view_id):
            abort(404)
    return redirect(url_for("reporting.mine"), 303)


@blueprint.post("/figures/letter/stop")
@requires(Action.VIEW_FIGURES)
def stop_letter() -> ResponseReturnValue:
    """End the monthly letter."""
    with unit_of_work() as session:
        place = place_of(session, Action.VIEW_FIGURES)
        unsubscribe(session, user_id=current_actor().user_id, facility_id=place.facility.id, now=now())
    flash(_("No more letters will come."), "info")
    return redirect(url_for("reporting.mine"), 303)


def _subscribe(session: Any, place: Place, form: LetterForm) -> None:
    subscribe(
        session,
        user_id=current_actor().user_id,
        facility_id=place.facility.id,
        department_id=int(form.department.data) if form.department.data else None,
        email=form.email.data,
        language=form.language.data,
        now=now(),
    )
    flash(_("The letter comes at the beginning of each month."), "good")
