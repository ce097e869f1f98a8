"""What every form for a new token asks."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, StringField, ValidationError
from wtforms.validators import Optional

from hcrm.web import BaseForm, now

END_OF_DAYS = 2100


class TokenForm(BaseForm):
    """How long a token is good; without a day it is until somebody takes it back. Subclasses ask what it is for."""

    name: StringField
    last_day = DateField(_l("Valid until and including"), validators=[Optional()])

    def validate_last_day(self, field: DateField) -> None:
        """A day that is over everywhere is refused, and one that no calendar of the program reaches."""
        if field.data is not None and field.data < (now() - timedelta(hours=12)).date():
            raise ValidationError(_("This day is over."))
        if field.data is not None and field.data.year >= END_OF_DAYS:
            raise ValidationError(_("Choose a day of this century."))

    def expires_at(self, zone: ZoneInfo) -> datetime | None:
        """The end of the last day by the clock of the facility, in UTC; None without one."""
        if self.last_day.data is None:
            return None
        return datetime.combine(self.last_day.data + timedelta(days=1), time(), zone).astimezone(UTC)
