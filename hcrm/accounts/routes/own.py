"""One's own account: language, password, roles."""

from __future__ import annotations

from flask import flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _

from hcrm.accounts import forms, service
from hcrm.accounts.domain import Action, Language
from hcrm.accounts.guard import audit_denial, begin_session, current_actor, must_change_password, requires
from hcrm.accounts.routes.blueprint import blueprint
from hcrm.accounts.routes.places import places_of
from hcrm.unit_of_work import unit_of_work
from hcrm.web import choose_language, now, settings


@blueprint.get("/account")
@requires(Action.USE_ACCOUNT)
def account() -> ResponseReturnValue:
    """Who one is here, with the language to choose."""
    actor = current_actor()
    places = places_of(actor.memberships)
    form = forms.LanguageForm(language=actor.language.value)
    return render_template("accounts/account.html", form=form, places=places, labels=forms.ROLE_LABELS)


@blueprint.post("/account/language")
@requires(Action.USE_ACCOUNT)
def own_language() -> ResponseReturnValue:
    """Keep the chosen language for all one's sessions."""
    form = forms.LanguageForm()
    response = redirect("/account")
    if form.validate_on_submit():
        chosen = form.language.data
        with unit_of_work() as session:
            service.choose_language(session, user_id=current_actor().user_id, language=Language(chosen))
        choose_language(chosen, response, secure=settings().secure_cookies)
        with force_locale(chosen):
            flash(_("The language is changed."), "good")
    return response


@blueprint.route("/account/password", methods=["GET", "POST"])
@requires(Action.USE_ACCOUNT)
def password() -> ResponseReturnValue:
    """Choose a new password; all other sessions of the account end."""
    form = forms.PasswordForm()
    if form.validate_on_submit() and _changed(form):
        flash(_("Your password is changed. Wherever else you were logged in, you are logged out now."), "good")
        return redirect("/account")
    return render_template("accounts/password.html", form=form, forced=must_change_password())


def _changed(form: forms.PasswordForm) -> bool:
    if form.new.data != form.again.data:
        form.again.errors = [forms.PASSWORDS_DIFFER]
        return False
    actor, address = current_actor(), request.remote_addr or ""
    with unit_of_work() as session:
        closed_until = service.take_attempt(session, username=actor.username, address=address, now=now())
    if closed_until is not None:
        form.current.errors = [forms.too_many_tries(closed_until)]
        return False
    given = {"user_id": actor.user_id, "current": form.current.data, "new": form.new.data, "address": address}
    try:
        with unit_of_work() as session:
            user = service.change_password(session, **given, now=now())
    except service.WrongPassword:
        audit_denial("user.password_changed")
        form.current.errors = [forms.WRONG_PASSWORD]
        return False
    except service.PasswordRefused as refusal:
        form.new.errors = [forms.PASSWORD_PROBLEMS[refusal.problem]]
        return False
    begin_session(user)
    return True
