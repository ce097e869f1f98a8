"""Tokens for figures: an administrator makes them and takes them back."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action, scope_of
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.organization.queries import departments, facility
from hcrm.reporting.forms.access import FigureTokenForm
from hcrm.reporting.forms.workbook import REPORT_LABELS
from hcrm.reporting.routes.blueprint import blueprint
from hcrm.tokens.domain import TokenPurpose
from hcrm.tokens.queries import token, tokens
from hcrm.tokens.service import make_token, revoke_token
from hcrm.unit_of_work import unit_of_work
from hcrm.web import language, now, settings


@blueprint.route("/figures/access", methods=["GET", "POST"])
@requires(Action.ADMINISTER)
def access() -> ResponseReturnValue:
    """The tokens of the facility; a new one is shown once, on the page that answers the form."""
    form, facility_id, made = FigureTokenForm(), _facility(), ""
    with unit_of_work() as session:
        names = {key: each.name_in(language()) for key, each in departments(session, facility_id).items()}
        form.offer(names)
        if form.validate_on_submit():
            made = _make(session, form, facility_id)
            form = FigureTokenForm(formdata=None)
            form.offer(names)
        zone = facility(session, facility_id).zone
        known = tokens(session, TokenPurpose.FIGURES, [facility_id])
    page = render_template(
        "reporting/access.html",
        form=form,
        made=made,
        tokens=known,
        names=names,
        reports=REPORT_LABELS,
        moment=now(),
        zone=zone,
        address=settings().public_base_url,
    )
    return page, 422 if form.errors else 200


@blueprint.post("/figures/access/<int:figure_token_id>/revoke")
@requires(Action.ADMINISTER)
def revoke_access(figure_token_id: int) -> ResponseReturnValue:
    """Take a token back: whoever shows it is refused from now on."""
    with unit_of_work() as session:
        found = token(session, TokenPurpose.FIGURES, figure_token_id)
        if found is None:
            abort(404)
        require_object(Action.ADMINISTER, found.facility_id)
        revoke_token(session, token_id=figure_token_id, now=now(), actor_user_id=current_actor().user_id)
    flash(_("The access is taken back. The tool can read nothing any more."), "info")
    return redirect(url_for("reporting.access"), 303)


def _facility() -> int:
    return min(scope_of(current_actor(), Action.ADMINISTER).facility_ids)


def _make(session: Any, form: FigureTokenForm, facility_id: int) -> str:
    _known, made = make_token(
        session,
        purpose=TokenPurpose.FIGURES,
        facility_id=facility_id,
        department_id=int(form.department.data) if form.department.data else None,
        scopes=form.reports.data,
        expires_at=form.expires_at(facility(session, facility_id).zone),
        name=str(form.name.data),
        now=now(),
        actor_user_id=current_actor().user_id,
    )
    return made
