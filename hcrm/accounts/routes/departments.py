"""Departments, for administrators: their names, and those that the records brought and nobody looked at yet."""

from __future__ import annotations

from flask import flash, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from hcrm.accounts import forms
from hcrm.accounts.domain import Action, scope_of
from hcrm.accounts.guard import current_actor, requires
from hcrm.accounts.routes.blueprint import blueprint
from hcrm.organization import queries
from hcrm.organization.domain import DepartmentSnapshot, FacilitySnapshot
from hcrm.organization.service import confirm_department
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now


@blueprint.get("/departments")
@requires(Action.ADMINISTER)
def departments() -> ResponseReturnValue:
    """The departments of the administrator's facilities, those to look at first."""
    groups = []
    with unit_of_work() as session:
        for facility_id in sorted(scope_of(current_actor(), Action.ADMINISTER).facility_ids):
            wards = queries.departments(session, facility_id).values()
            ordered = sorted(wards, key=lambda ward: (not ward.needs_review, ward.code))
            groups.append((queries.facility(session, facility_id), ordered))
    return render_template("accounts/departments.html", groups=groups)


@blueprint.route("/departments/<int:department_id>", methods=["GET", "POST"])
@requires(Action.ADMINISTER)
def department(department_id: int) -> ResponseReturnValue:
    """The names of one department; saving them says that somebody looked at it."""
    facility, ward = _department(department_id)
    form = forms.DepartmentForm(obj=ward)
    if form.validate_on_submit():
        with unit_of_work() as session:
            confirm_department(
                session,
                department_id=ward.id,
                facility_id=facility.id,
                name=form.name.data,
                name_zh=form.name_zh.data or "",
                sensitive=form.sensitive.data,
                actor_user_id=current_actor().user_id,
                now=now(),
            )
        flash(_("The department is saved."), "good")
        return redirect("/departments")
    return render_template("accounts/department.html", form=form, ward=ward, facility=facility)


def _department(department_id: int) -> tuple[FacilitySnapshot, DepartmentSnapshot]:
    """A department of one of the administrator's facilities; else 404."""
    with unit_of_work() as session:
        for facility_id in scope_of(current_actor(), Action.ADMINISTER).facility_ids:
            ward = queries.departments(session, facility_id).get(department_id)
            if ward is not None:
                return queries.facility(session, facility_id), ward
    raise NotFound
