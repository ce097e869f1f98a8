"""A turn on call, as it is entered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from wtforms import DateTimeLocalField, SelectField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from hcrm.followup.service import Turn
from hcrm.organization.domain import DepartmentSnapshot
from hcrm.patients.domain import ImpossibleNumber, read_number
from hcrm.web import BaseForm, choices

_AT = "%Y-%m-%dT%H:%M"

TURN_PROBLEMS: Mapping[str, str] = {
    "ends_before_it_begins": _l("The turn ends before it begins."),
    "is_over": _l("This turn is over already."),
    "somebody_is": _l("Somebody is on call then already. Take that turn out first."),
}


class TurnForm(BaseForm):
    """Who is on call, from when to when; made by ``turn_form``, which knows departments and the country."""

    country: str = ""

    department = SelectField(_l("For"))
    name = StringField(_l("Who is on call"), validators=[InputRequired(_l("Give a name.")), Length(max=120)])
    number = StringField(
        _l("Their phone"), validators=[InputRequired(_l("Give a phone number."))], render_kw={"inputmode": "tel"}
    )
    from_at = DateTimeLocalField(_l("On call from"), format=_AT, validators=[InputRequired(_l("Say from when."))])
    until_at = DateTimeLocalField(_l("On call until"), format=_AT, validators=[InputRequired(_l("Say until when."))])

    def validate_number(self, field: StringField) -> None:
        try:
            field.data = read_number(field.data or "", self.country)[0]
        except ImpossibleNumber as problem:
            raise ValidationError(_l("This is not a phone number. Check the digits.")) from problem

    def validate_from_at(self, field: DateTimeLocalField) -> None:
        _check_year(field)

    def validate_until_at(self, field: DateTimeLocalField) -> None:
        _check_year(field)

    def turn(self, zone: ZoneInfo) -> Turn:
        """The turn; its times were entered as the facility's own. After ``validate``."""
        return Turn(
            name=self.name.data,
            number=self.number.data,
            from_at=_utc(self.from_at.data, zone),
            until_at=_utc(self.until_at.data, zone),
            department_id=int(self.department.data) or None,
        )


def _check_year(field: DateTimeLocalField) -> None:
    if field.data is not None and not 2000 <= field.data.year <= 2099:
        raise ValidationError(_l("Give a day of this century."))


def _utc(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)


def turn_form(wards: Iterable[DepartmentSnapshot], *, whole: bool, country: str, language: str) -> TurnForm:
    """The form with these departments to choose from, and with the whole hospital where the person may."""
    form = TurnForm()
    form.country = country
    named = [(str(each.id), each.name_in(language)) for each in wards]
    form.department.choices = choices([*([("0", _l("The whole hospital"))] if whole else []), *named])
    return form
