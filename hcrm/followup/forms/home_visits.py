"""What teams for home visits send: the team itself, a day, the result of a visit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, ValidationError

from hcrm.followup.domain.attempts import Connection, Disposition
from hcrm.followup.domain.home_visits import NoVisit, Team
from hcrm.followup.forms.input import NOTE_LIMIT
from hcrm.followup.service import TeamEntry
from hcrm.web import BaseForm, choices

NO_VISIT: Mapping[NoVisit, str] = {
    NoVisit.OUTSIDE: _l("Outside the area of every team"),
    NoVisit.FULL: _l("No day is free in time"),
}
RESULTS = {
    "patient": _l("The patient was met"),
    "proxy": _l("A relative or carer was met"),
    "nobody": _l("Nobody was at home"),
    "refused": _l("The visit was refused"),
}
MOST_DISTRICTS, LONGEST_DISTRICT = 200, 120


class TeamForm(BaseForm):
    """A team: its name, its districts one in a line, and its visits a day."""

    name = StringField(_l("Name of the team"), validators=[InputRequired(_l("Give a name.")), Length(max=120)])
    districts = TextAreaField(_l("Districts"), validators=[InputRequired(_l("Give at least one district."))])
    per_day = IntegerField(
        _l("Visits a day"),
        validators=[InputRequired(_l("Give a number.")), NumberRange(1, 100, _l("Give a number from 1 to 100."))],
    )
    active = BooleanField(_l("The team makes visits"))

    def validate_districts(self, field: TextAreaField) -> None:
        named = _lines(field.data or "")
        if len(named) > MOST_DISTRICTS or any(len(each) > LONGEST_DISTRICT for each in named):
            raise ValidationError(_l("There are too many districts, or one of them is too long."))

    def entry(self) -> TeamEntry:
        """The team. After ``validate``."""
        return TeamEntry(
            self.name.data, _lines(self.districts.data or ""), self.per_day.data, active=bool(self.active.data)
        )


def _lines(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.strip() for each in re.split(r"[\n,，、;；]", text) if each.strip()))


class DayForm(BaseForm):
    """Another team or day for a visit; made by ``day_form``, which knows the teams."""

    team = SelectField(_l("Team"), validators=[InputRequired(_l("Choose a team."))])
    day = DateField(_l("Day"), validators=[InputRequired(_l("Give a day."))])


def day_form(teams: Iterable[Team]) -> DayForm:
    """The form with these teams to choose from."""
    form = DayForm()
    form.team.choices = choices((str(each.id), each.name) for each in teams)
    return form


class VisitForm(BaseForm):
    """The result of a visit; its answers stand beside it under the codes of the questions."""

    key = HiddenField(validators=[InputRequired(), Length(max=80)])
    result = RadioField(
        _l("Who was met"),
        choices=choices(RESULTS.items()),
        validators=[InputRequired(_l("Say whether somebody was met."))],
    )
    note = TextAreaField(_l("Note"), validators=[Length(max=NOTE_LIMIT, message=_l("This note is too long."))])

    def outcome(self, *, complete: bool) -> tuple[Connection, Disposition | None]:
        """What the visit came to; ``complete``: its core questions are answered."""
        if self.result.data == "nobody":
            return Connection.NO_ANSWER, None
        if self.result.data == "refused":
            return Connection.ANSWERED_PATIENT, Disposition.REFUSED_THIS_CONTACT
        met = Connection.ANSWERED_PATIENT if self.result.data == "patient" else Connection.ANSWERED_PROXY
        return met, Disposition.COMPLETED if complete else Disposition.PARTIAL
