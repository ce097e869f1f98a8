"""The hospital, for administrators: what it decides for itself, and its holidays of a year."""

from __future__ import annotations

from dataclasses import replace

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from hcrm.accounts.domain import Action, scope_of
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.followup.forms.hospital import FIRST_YEAR, LAST_YEAR, HospitalForm, calendar_form, hospital_form
from hcrm.followup.routes.blueprint import blueprint
from hcrm.organization import queries
from hcrm.organization.domain import FacilitySettings, FacilitySnapshot
from hcrm.organization.service import change_settings, replace_calendar_year
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now


@blueprint.get("/hospital")
@requires(Action.ADMINISTER)
def own_hospital() -> ResponseReturnValue:
    """To the administrator's hospital, the first of several."""
    return redirect(url_for("followup.hospital", facility_id=_administered()[0]))


@blueprint.route("/hospital/<int:facility_id>", methods=["GET", "POST"])
@requires(Action.ADMINISTER)
def hospital(facility_id: int) -> ResponseReturnValue:
    """All settings of one hospital."""
    facility, others = _facility(facility_id), _others(facility_id)
    form = hospital_form(facility, others)
    if form.validate_on_submit():
        _save(facility, form)
        flash(_("The settings are saved."), "good")
        return redirect(url_for("followup.hospital", facility_id=facility_id))
    return render_template(
        "followup/hospital.html",
        facility=facility,
        form=form,
        usual=replace(facility, settings=FacilitySettings()),
        year=now().astimezone(facility.zone).year,
        others=[each for each in others if each.id in _administered()],
    )


@blueprint.route("/hospital/<int:facility_id>/calendar/<int:year>", methods=["GET", "POST"])
@requires(Action.ADMINISTER)
def calendar(facility_id: int, year: int) -> ResponseReturnValue:
    """Holidays and make-up workdays of one year."""
    facility = _facility(facility_id)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise NotFound
    with unit_of_work() as session:
        form = calendar_form(year, queries.calendar_entries(session, facility_id, year))
        if form.validate_on_submit():
            replace_calendar_year(
                session,
                facility_id=facility_id,
                year=year,
                entries=form.entries(),
                actor_user_id=current_actor().user_id,
                now=now(),
            )
            flash(_("The holidays are saved."), "good")
            return redirect(url_for("followup.calendar", facility_id=facility_id, year=year))
    years = [each for each in (year - 1, year + 1) if FIRST_YEAR <= each <= LAST_YEAR]
    return render_template("followup/calendar.html", facility=facility, form=form, year=year, years=years)


def _administered() -> list[int]:
    return sorted(scope_of(current_actor(), Action.ADMINISTER).facility_ids)


def _facility(facility_id: int) -> FacilitySnapshot:
    """A facility of the administrator's; else 404."""
    require_object(Action.ADMINISTER, facility_id)
    with unit_of_work() as session:
        return queries.facility(session, facility_id)


def _others(facility_id: int) -> list[FacilitySnapshot]:
    with unit_of_work() as session:
        return [each for each in queries.facilities(session) if each.id != facility_id]


def _save(facility: FacilitySnapshot, form: HospitalForm) -> None:
    """Keep what differs; nothing is written, and nothing audited, where nothing does."""
    changes = form.changes(facility.settings)
    if not changes:
        return
    with unit_of_work() as session:
        change_settings(
            session, facility_id=facility.id, changes=changes, actor_user_id=current_actor().user_id, now=now()
        )
