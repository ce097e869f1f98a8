"""What people keep and order for themselves."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, SelectField, StringField
from wtforms.validators import DataRequired, Length, Regexp

from hcrm.web import LANGUAGES, BaseForm, choices

MAILBOX = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+\Z"
"""What every mail server takes; anything else would only be found out when letters go out."""


class ViewForm(BaseForm):
    """A name for the page that the person comes from."""

    name = StringField(_l("Name"), validators=[DataRequired(message=_l("Give it a name.")), Length(max=100)])
    page = HiddenField()


class LetterForm(BaseForm):
    """Where the letter goes, about which department, in which language."""

    email = StringField(
        _l("E-mail address"),
        validators=[
            DataRequired(message=_l("Give an e-mail address.")),
            Length(max=254),
            Regexp(MAILBOX, message=_l("This is no e-mail address.")),
        ],
    )
    department = SelectField(_l("Department"))
    language = SelectField(_l("Language"), choices=choices(LANGUAGES.items()))

    def offer(self, departments: Mapping[int, str]) -> None:
        """Fill the choices."""
        named = [(str(key), name) for key, name in departments.items()]
        self.department.choices = choices([("", _l("All departments")), *named])
