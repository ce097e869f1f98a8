"""What a head sends about the work of others: who is away, whom tasks are given to."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import lazy_gettext as _l
from wtforms import DateField, SelectField
from wtforms.validators import InputRequired

from hcrm.accounts.queries import UserSnapshot
from hcrm.followup.domain.desk import Absence
from hcrm.followup.queries.desk import Colleague
from hcrm.web import BaseForm, choices

NOBODY = "0"


class AbsenceForm(BaseForm):
    """Who is away from when to when, and who stands in; made by ``absence_form``, which knows the people."""

    person = SelectField(_l("Who is away"), validators=[InputRequired(_l("Say who is away."))])
    from_on = DateField(_l("From"), validators=[InputRequired(_l("Give the first day."))])
    until_on = DateField(_l("Until and with"), validators=[InputRequired(_l("Give the last day."))])
    stand_in = SelectField(_l("Who stands in"))

    def absence(self) -> Absence:
        """The absence that was entered. After ``validate``."""
        stand_in = int(self.stand_in.data or NOBODY)
        return Absence(int(self.person.data), self.from_on.data, self.until_on.data, stand_in or None)


class AssignForm(BaseForm):
    """Whom tasks are given to."""

    to = SelectField(_l("Give to"), validators=[InputRequired(_l("Choose a person."))])

    def user_id(self) -> int | None:
        """The person, None for nobody in particular."""
        return int(self.to.data) or None


class ReceiverForm(BaseForm):
    """Whom an alert is handed to."""

    to = SelectField(_l("Hand over to"), validators=[InputRequired(_l("Choose a person."))])


def alert_receiver_form(people: Iterable[UserSnapshot], *, but: int) -> ReceiverForm:
    """The form with these people to choose from, without the one who hands over."""
    form = ReceiverForm()
    named = [(str(each.user_id), each.display_name) for each in people if each.user_id != but]
    form.to.choices = choices([("", _l("Choose")), *named])
    return form


def absence_form(people: Iterable[Colleague]) -> AbsenceForm:
    """The form with these people to choose from."""
    form = AbsenceForm()
    named = [(str(each.user_id), each.name) for each in people]
    form.person.choices = choices([("", _l("Choose")), *named])
    form.stand_in.choices = choices([(NOBODY, _l("Nobody: the ward shares it")), *named])
    return form


def assign_form(people: Iterable[Colleague]) -> AssignForm:
    """The form with these people to choose from."""
    form = AssignForm()
    named = [(str(each.user_id), each.name) for each in people]
    form.to.choices = choices([("", _l("Choose")), *named, (NOBODY, _l("Nobody in particular"))])
    return form
