"""The form for a new access token."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.validators import DataRequired, Length

from hcrm.tokens.forms import TokenForm


class RecordsTokenForm(TokenForm):
    """Which system it is for, and whose records that system has."""

    name = StringField(
        _l("System"), validators=[DataRequired(message=_l("Say which system it is for.")), Length(max=100)]
    )
    facility = SelectField(_l("Facility"), coerce=int)
