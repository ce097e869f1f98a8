"""Forms of profiles: the name under which one is kept."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import DataRequired, Length, Regexp

from hcrm.web import BaseForm


class ProfileNameForm(BaseForm):
    """A name that commands can use too."""

    name = StringField(
        _l("Name of the profile"),
        validators=[
            DataRequired(message=_l("Give the profile a name.")),
            Length(max=64),
            Regexp(r"[^/\\]+\Z", message=_l("A name has no slashes.")),
        ],
    )
