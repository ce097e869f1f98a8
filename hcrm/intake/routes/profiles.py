"""Profiles: how files of one kind are read, kept from an import and used for the next."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.intake import queries, service
from hcrm.intake.domain import IGNORED, BatchSnapshot, BatchStatus, Profile
from hcrm.intake.domain.profiles import StoredProfile
from hcrm.intake.forms import labels
from hcrm.intake.forms.profiles import ProfileNameForm
from hcrm.intake.forms.words import MOST_LINES, TABLES, words_form
from hcrm.intake.readers.files import upload_folder
from hcrm.intake.readers.saving import kept_profile, profile_toml, without_what_is_found
from hcrm.intake.routes.access import facilities_of, one_batch
from hcrm.intake.routes.blueprint import blueprint
from hcrm.organization.queries import facility
from hcrm.unit_of_work import unit_of_work
from hcrm.web import language, now, settings


@blueprint.get("/imports/profiles")
@requires(Action.IMPORT_RECORDS)
def profiles() -> ResponseReturnValue:
    """The profiles of the person's facilities, with what each one says."""
    with unit_of_work() as session:
        known = queries.stored_profiles(session, facilities_of())
        places = {each: facility(session, each).name_in(language()) for each in facilities_of()}
    return render_template("intake/profiles.html", profiles=known, places=places, labels=labels, IGNORED=IGNORED)


@blueprint.post("/imports/<int:batch_id>/profile")
@requires(Action.IMPORT_RECORDS)
def keep_profile(batch_id: int) -> ResponseReturnValue:
    """Keep how the file of this import is read."""
    batch, _hospital = one_batch(batch_id)
    form = ProfileNameForm()
    if not batch.shape.get("columns"):
        abort(404)
    if form.validate_on_submit():
        _keep(batch, str(form["name"].data))
    else:
        _say_what_is_wrong(form)
    return redirect(url_for("intake.show", batch_id=batch_id), 303)


@blueprint.post("/imports/profiles/<int:profile_id>/rename")
@requires(Action.IMPORT_RECORDS)
def rename_profile(profile_id: int) -> ResponseReturnValue:
    """Give a profile another name."""
    found = _profile(profile_id)
    form = ProfileNameForm()
    if not form.validate_on_submit():
        _say_what_is_wrong(form)
        return redirect(url_for("intake.profiles"), 303)
    name = str(form["name"].data)
    try:
        with unit_of_work() as session:
            service.rename_profile(
                session, profile_id=found.id, name=name, now=now(), actor_user_id=current_actor().user_id
            )
    except service.ProfileNameTaken:
        _say_taken(name)
    return redirect(url_for("intake.profiles"), 303)


@blueprint.route("/imports/profiles/<int:profile_id>/words", methods=["GET", "POST"])
@requires(Action.IMPORT_RECORDS)
def profile_words(profile_id: int) -> ResponseReturnValue:
    """What the hospital's own words for class, end of a stay and sex mean."""
    found = _profile(profile_id)
    form = words_form(found.profile, _lines_sent())
    if form.validate_on_submit():
        with unit_of_work() as session:
            service.save_words(
                session, profile_id=found.id, words=form.tables(), now=now(), actor_user_id=current_actor().user_id
            )
        flash(_("The words are saved. The next file that is read with this profile goes by them."), "good")
        return redirect(url_for("intake.profile_words", profile_id=found.id), 303)
    page = render_template("intake/words.html", found=found, form=form, tables=TABLES)
    return page, 422 if form.errors else 200


def _lines_sent() -> dict[str, int]:
    """How many lines of each table came with the form; a table of a hospital's words is not endless."""
    return {table: min(sum(name.startswith(f"{table}_word_") for name in request.form), MOST_LINES) for table in TABLES}


@blueprint.post("/imports/profiles/<int:profile_id>/drop")
@requires(Action.IMPORT_RECORDS)
def drop_profile(profile_id: int) -> ResponseReturnValue:
    """Throw a profile away."""
    found = _profile(profile_id)
    with unit_of_work() as session:
        service.drop_profile(session, profile_id=found.id, now=now(), actor_user_id=current_actor().user_id)
    flash(_("The profile %(name)s is gone. What was imported with it stays.", name=found.name), "info")
    return redirect(url_for("intake.profiles"), 303)


@blueprint.get("/imports/profiles/<int:profile_id>.toml")
@requires(Action.IMPORT_RECORDS)
def profile_file(profile_id: int) -> ResponseReturnValue:
    """A profile as the TOML file that commands read."""
    found = _profile(profile_id)
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name)}.toml"}
    return Response(profile_toml(found.profile), mimetype="application/toml", headers=headers)


def _profile(profile_id: int) -> StoredProfile:
    """A profile of one of the person's facilities; else 404."""
    with unit_of_work() as session:
        found = queries.stored_profile(session, profile_id)
    if found is None:
        abort(404)
    require_object(Action.IMPORT_RECORDS, found.facility_id)
    return found


def _keep(batch: BatchSnapshot, name: str) -> None:
    try:
        with unit_of_work() as session:
            service.keep_profile(
                session,
                facility_id=batch.facility_id,
                name=name,
                profile=_read_like(batch, name),
                replaces=batch.profile.name == name,
                now=now(),
                actor_user_id=current_actor().user_id,
            )
    except service.ProfileNameTaken:
        _say_taken(name)
    else:
        text = _("The profile %(name)s is kept. Choose it when you bring the next file of this kind.", name=name)
        flash(text, "good")


def _read_like(batch: BatchSnapshot, name: str) -> Profile:
    shape: Any = batch.shape
    kept = kept_profile(batch.profile, shape["heads"], name)
    if batch.status is not BatchStatus.UPLOADED:
        return kept
    path = upload_folder(settings().instance_dir) / str(batch.stored_name)
    return without_what_is_found(kept, path, shape["header_row"], shape["delimiter"])


def _say_taken(name: str) -> None:
    flash(_("There is a profile called %(name)s already. Choose another name.", name=name), "high")


def _say_what_is_wrong(form: ProfileNameForm) -> None:
    for error in form["name"].errors:
        flash(str(error), "high")
