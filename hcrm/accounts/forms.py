"""Forms of accounts, and how roles, languages and problems are called on screens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from babel.lists import format_list
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, PasswordField, SelectField, StringField
from wtforms.validators import DataRequired, Length

from hcrm.accounts.domain import DEPARTMENT_ROLES, PasswordProblem, Role
from hcrm.web import LANGUAGES, BaseForm, choices, language, local_date, local_time

ROLE_LABELS: Mapping[Role, str] = {
    Role.NURSE: _l("Nurse"),
    Role.PHYSICIAN: _l("Physician"),
    Role.SERVICE_AGENT: _l("Service centre agent"),
    Role.OUTREACH_WORKER: _l("Outreach worker"),
    Role.DEPARTMENT_HEAD: _l("Department head"),
    Role.MANAGER: _l("Manager"),
    Role.COMPLAINTS_OFFICER: _l("Complaints officer"),
    Role.QUALITY_OFFICER: _l("Quality officer"),
    Role.ADMINISTRATOR: _l("Administrator"),
    Role.GROUP_ADMINISTRATOR: _l("Group administrator"),
    Role.AUDITOR: _l("Auditor"),
}

PASSWORD_PROBLEMS: Mapping[PasswordProblem, str] = {
    PasswordProblem.TOO_SHORT: _l(
        "Choose a password of at least 12 characters. Several words in a row are easy to keep."
    ),
    PasswordProblem.TOO_LONG: _l("Choose a password of at most 200 characters."),
    PasswordProblem.IS_USERNAME: _l("The password must not be the user name."),
    PasswordProblem.UNCHANGED: _l("Choose a password that is not your present one."),
}

WRONG_PASSWORD = _l("This is not your present password.")
PASSWORDS_DIFFER = _l("The two new passwords are not the same.")
USERNAME_TAKEN = _l("There is an account with this user name. Choose another one.")
USERNAME_RULE = _l("Use 2 to 64 small letters, digits, dots, hyphens or underscores.")
WHOLE_HOSPITAL = _l("This role is for the whole hospital. Choose all departments.")
MEMBERSHIP_TAKEN = _l("This person has this role already.")


def _needed(sentence: str) -> DataRequired:
    return DataRequired(message=sentence)


class LoginForm(BaseForm):
    """User name and password."""

    username = StringField(
        _l("User name"),
        validators=[_needed(_l("Enter your user name.")), Length(max=64, message=_l("This user name is too long."))],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "required": True},
    )
    password = PasswordField(
        _l("Password"),
        validators=[_needed(_l("Enter your password.")), Length(max=200, message=_l("This password is too long."))],
        render_kw={"autocomplete": "current-password", "required": True},
    )


class PasswordForm(BaseForm):
    """One's own password, present and new."""

    current = PasswordField(
        _l("Present password"),
        validators=[
            _needed(_l("Enter your present password.")),
            Length(max=200, message=_l("This password is too long.")),
        ],
        render_kw={"autocomplete": "current-password", "required": True},
    )
    new = PasswordField(
        _l("New password"),
        validators=[_needed(_l("Enter a new password."))],
        render_kw={"autocomplete": "new-password", "required": True},
    )
    again = PasswordField(
        _l("New password again"),
        validators=[_needed(_l("Enter the new password a second time."))],
        render_kw={"autocomplete": "new-password", "required": True},
    )


class LanguageForm(BaseForm):
    """The language of one's screens."""

    language = SelectField(_l("Language"), choices=choices(LANGUAGES.items()))


class MembershipForm(BaseForm):
    """A role in a facility; the choices of facility and department are set by the page."""

    place = SelectField(_l("Department"))
    role = SelectField(_l("Role"), choices=choices(ROLE_LABELS.items()))


class NewUserForm(MembershipForm):
    """A new account with its first role."""

    display_name = StringField(
        _l("Name"),
        validators=[_needed(_l("Enter the person's name.")), Length(max=120, message=_l("This name is too long."))],
        render_kw={"required": True, "autocomplete": "off"},
    )
    username = StringField(
        _l("User name"),
        validators=[_needed(_l("Enter a user name."))],
        render_kw={"required": True, "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = StringField(
        _l("First password"),
        validators=[_needed(_l("Enter a first password."))],
        render_kw={"required": True, "autocomplete": "off", "spellcheck": "false"},
    )
    language = SelectField(_l("Language"), choices=choices(LANGUAGES.items()))


class ResetPasswordForm(BaseForm):
    """A new password on behalf of somebody."""

    new = StringField(
        _l("New password"),
        validators=[_needed(_l("Enter a new password."))],
        render_kw={"required": True, "autocomplete": "off", "spellcheck": "false"},
    )


class DepartmentForm(BaseForm):
    """The names of a department."""

    name = StringField(
        _l("Name in English"),
        validators=[_needed(_l("Enter a name.")), Length(max=120, message=_l("This name is too long."))],
        render_kw={"required": True},
    )
    name_zh = StringField(_l("Name in Chinese"), validators=[Length(max=120, message=_l("This name is too long."))])
    sensitive = BooleanField(_l("Sensitive department"))


def too_many_tries(closed_until: datetime) -> str:
    """Until when no password is looked at."""
    moment = {"time": local_time(closed_until), "day": local_date(closed_until)}
    return str(_("Too many tries. For safety, logging in is closed until %(time)s on %(day)s.", **moment))


def department_roles() -> str:
    """The roles that may be bound to departments, for a sentence."""
    return format_list([str(ROLE_LABELS[role]) for role in Role if role in DEPARTMENT_ROLES], locale=language())
