"""Users, for administrators: who they are, their roles, new passwords, closing an account."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from hcrm.accounts import forms, service
from hcrm.accounts.domain import Action, scope_of
from hcrm.accounts.guard import audit_denial, current_actor, requires
from hcrm.accounts.queries import UserSnapshot, user
from hcrm.accounts.queries import users as all_users
from hcrm.accounts.routes.blueprint import blueprint
from hcrm.accounts.routes.places import chosen_membership, place_choices, places_of
from hcrm.unit_of_work import unit_of_work
from hcrm.web import choices, now


@blueprint.get("/users")
@requires(Action.ADMINISTER)
def users() -> ResponseReturnValue:
    """Everybody who works in the administrator's facilities."""
    with unit_of_work() as session:
        found = all_users(session, _own_facilities())
    rows = [(person, places_of(person.memberships)) for person in found]
    return render_template("accounts/users.html", rows=rows, labels=forms.ROLE_LABELS)


@blueprint.route("/users/new", methods=["GET", "POST"])
@requires(Action.ADMINISTER)
def new_user() -> ResponseReturnValue:
    """A new account with its first role; its owner chooses a password of their own at the first log-in."""
    form = forms.NewUserForm()
    form.place.choices = choices(place_choices(_own_facilities()))
    if form.validate_on_submit():
        user_id = _created(form)
        if user_id is not None:
            flash(_("The account is made. Give the person the user name and the first password."), "good")
            return redirect(f"/users/{user_id}")
    return render_template("accounts/new_user.html", form=form, department_roles=forms.department_roles())


def _created(form: forms.NewUserForm) -> int | None:
    try:
        with unit_of_work() as session:
            return service.create_user(
                session,
                username=form.username.data,
                password=form.password.data,
                display_name=form.display_name.data,
                language=form.language.data,
                memberships=[chosen_membership(form.place.data, form.role.data)],
                now=now(),
                actor=current_actor(),
                must_change_password=True,
            )
    except service.UsernameRefused:
        form.username.errors = [forms.USERNAME_RULE]
    except service.UsernameTaken:
        form.username.errors = [forms.USERNAME_TAKEN]
    except service.PasswordRefused as refusal:
        form.password.errors = [forms.PASSWORD_PROBLEMS[refusal.problem]]
    except service.MembershipRefused:
        form.place.errors = [forms.WHOLE_HOSPITAL]
    return None


@blueprint.get("/users/<int:user_id>")
@requires(Action.ADMINISTER)
def one_user(user_id: int) -> ResponseReturnValue:
    """One account with everything that can be changed in it."""
    return _user_page(_visible_user(user_id))


def _user_page(
    person: UserSnapshot,
    *,
    role_form: forms.MembershipForm | None = None,
    reset_form: forms.ResetPasswordForm | None = None,
) -> str:
    if role_form is None:
        role_form = forms.MembershipForm(formdata=None)
        role_form.place.choices = choices(place_choices(_own_facilities()))
    return render_template(
        "accounts/user.html",
        person=person,
        places=places_of(person.memberships),
        labels=forms.ROLE_LABELS,
        role_form=role_form,
        reset_form=reset_form or forms.ResetPasswordForm(formdata=None),
        department_roles=forms.department_roles(),
        whole=_is_managed(person),
        own=person.user_id == current_actor().user_id,
    )


@blueprint.post("/users/<int:user_id>/roles")
@requires(Action.ADMINISTER)
def add_role(user_id: int) -> ResponseReturnValue:
    """Give the person another role in one of the administrator's facilities."""
    person = _visible_user(user_id)
    form = forms.MembershipForm()
    form.place.choices = choices(place_choices(_own_facilities()))
    if form.validate_on_submit():
        membership = chosen_membership(form.place.data, form.role.data)
        try:
            with unit_of_work() as session:
                service.add_membership(
                    session, user_id=user_id, membership=membership, now=now(), actor=current_actor()
                )
        except service.MembershipRefused:
            form.place.errors = [forms.WHOLE_HOSPITAL]
        except service.MembershipTaken:
            form.role.errors = [forms.MEMBERSHIP_TAKEN]
        else:
            flash(_("The role is given."), "good")
            return redirect(f"/users/{user_id}")
    return _user_page(person, role_form=form)


@blueprint.post("/users/<int:user_id>/roles/<int:membership_id>/remove")
@requires(Action.ADMINISTER)
def remove_role(user_id: int, membership_id: int) -> ResponseReturnValue:
    """Take a role away."""
    person = _visible_user(user_id)
    facilities = {row.id: row.facility_id for row in person.memberships}
    if facilities.get(membership_id) not in _own_facilities():
        abort(404)
    try:
        with unit_of_work() as session:
            service.remove_membership(
                session, user_id=user_id, membership_id=membership_id, now=now(), actor=current_actor()
            )
        flash(_("The role is taken away."), "good")
    except service.LastMembership:
        flash(_("A person keeps at least one role. Close the account instead."), "high")
    except service.OwnAccount:
        flash(_("You cannot take your own roles away."), "high")
    return redirect(f"/users/{user_id}")


@blueprint.post("/users/<int:user_id>/password")
@requires(Action.ADMINISTER)
def reset_password(user_id: int) -> ResponseReturnValue:
    """A new password on behalf of the person, who chooses another one at the next log-in."""
    person = _managed_user(user_id)
    form = forms.ResetPasswordForm()
    if form.validate_on_submit():
        try:
            with unit_of_work() as session:
                service.reset_password(session, user_id=user_id, new=form.new.data, now=now(), actor=current_actor())
        except service.PasswordRefused as refusal:
            form.new.errors = [forms.PASSWORD_PROBLEMS[refusal.problem]]
        else:
            flash(_("The password is new. The person chooses another one at the next log-in."), "good")
            return redirect(f"/users/{user_id}")
    return _user_page(person, reset_form=form)


@blueprint.post("/users/<int:user_id>/active")
@requires(Action.ADMINISTER)
def set_active(user_id: int) -> ResponseReturnValue:
    """Close the account, or open it again."""
    _managed_user(user_id)
    active = request.form.get("active") == "1"
    try:
        with unit_of_work() as session:
            service.set_active(session, user_id=user_id, active=active, now=now(), actor=current_actor())
        flash(_("The account is open.") if active else _("The account is closed. Nobody can log in with it."), "good")
    except service.OwnAccount:
        flash(_("You cannot close your own account."), "high")
    return redirect(f"/users/{user_id}")


def _own_facilities() -> frozenset[int]:
    return scope_of(current_actor(), Action.ADMINISTER).facility_ids


def _visible_user(user_id: int) -> UserSnapshot:
    """The account, when it has a role in one of the administrator's facilities; else 404, audited."""
    with unit_of_work() as session:
        person = user(session, user_id)
    if person is not None and any(row.facility_id in _own_facilities() for row in person.memberships):
        return person
    audit_denial(Action.ADMINISTER.value)
    raise NotFound


def _is_managed(person: UserSnapshot) -> bool:
    """True when all roles are in the administrator's facilities: only then the account itself may be changed."""
    return all(row.facility_id in _own_facilities() for row in person.memberships)


def _managed_user(user_id: int) -> UserSnapshot:
    person = _visible_user(user_id)
    if not _is_managed(person):
        audit_denial(Action.ADMINISTER.value)
        abort(403)
    return person
