"""Access of other systems to ``POST /fhir``: an administrator makes tokens and takes them back."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.intake.forms.access import RecordsTokenForm
from hcrm.intake.routes.access import facilities_of
from hcrm.intake.routes.blueprint import blueprint
from hcrm.organization.domain import FacilitySnapshot
from hcrm.organization.queries import facility
from hcrm.tokens.domain import TokenPurpose
from hcrm.tokens.queries import token, tokens
from hcrm.tokens.service import make_token, revoke_token
from hcrm.unit_of_work import unit_of_work
from hcrm.web import choices, language, now, settings


@blueprint.route("/imports/access", methods=["GET", "POST"])
@requires(Action.ADMINISTER)
def access() -> ResponseReturnValue:
    """The tokens of all facilities; a new one is shown once, on the page that answers the form."""
    places = _places()
    form, made = _form(places), ""
    if form.validate_on_submit():
        made = _make(form, places)
        form = _form(places, fresh=True)
    with unit_of_work() as session:
        known = tokens(session, TokenPurpose.RECORDS, places)
    address = f"{settings().public_base_url}/fhir"
    page = render_template(
        "intake/access.html", form=form, tokens=known, made=made, places=places, address=address, moment=now()
    )
    return page, 422 if form.errors else 200


@blueprint.post("/imports/access/<int:token_id>/revoke")
@requires(Action.ADMINISTER)
def revoke(token_id: int) -> ResponseReturnValue:
    """Take a token back: whoever shows it is refused from now on."""
    with unit_of_work() as session:
        found = token(session, TokenPurpose.RECORDS, token_id)
        if found is None:
            abort(404)
        require_object(Action.ADMINISTER, found.facility_id)
        revoke_token(session, token_id=token_id, now=now(), actor_user_id=current_actor().user_id)
    flash(_("The access is taken back. The system can send nothing any more."), "info")
    return redirect(url_for("intake.access"), 303)


def _places() -> dict[int, FacilitySnapshot]:
    with unit_of_work() as session:
        return {each: facility(session, each) for each in sorted(facilities_of(Action.ADMINISTER))}


def _form(places: dict[int, FacilitySnapshot], *, fresh: bool = False) -> RecordsTokenForm:
    form = RecordsTokenForm(formdata=None) if fresh else RecordsTokenForm()
    if len(places) == 1:
        del form.facility
    else:
        form.facility.choices = choices((str(each.id), each.name_in(language())) for each in places.values())
    return form


def _make(form: RecordsTokenForm, places: dict[int, FacilitySnapshot]) -> str:
    facility_id = int(form["facility"].data) if "facility" in form else next(iter(places))
    with unit_of_work() as session:
        _known, made = make_token(
            session,
            purpose=TokenPurpose.RECORDS,
            facility_id=facility_id,
            name=str(form["name"].data),
            expires_at=form.expires_at(places[facility_id].zone),
            now=now(),
            actor_user_id=current_actor().user_id,
        )
    return made
