"""A contact that did not come from the list, as it is noted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateTimeLocalField, HiddenField, RadioField, SelectField, TextAreaField
from wtforms.validators import InputRequired, Length

from hcrm.followup.domain.desk import ContactKind
from hcrm.followup.forms.input import NOTE_LIMIT
from hcrm.followup.service import ContactEntry, ContactOutcome
from hcrm.web import BaseForm, choices

KINDS = {
    ContactKind.CALL: _l("We called"),
    ContactKind.INBOUND_CALL: _l("They called us"),
    ContactKind.WARD_VISIT: _l("They came to the ward"),
    ContactKind.MESSENGER: _l("By another messenger"),
}
OUTCOMES = {
    ContactOutcome.WELL: _l("All is well"),
    ContactOutcome.WORRY: _l("There is a worry: open an alert"),
    ContactOutcome.NOT_REACHED: _l("Nobody was reached"),
}
NO_TASK = "0"


class ContactForm(BaseForm):
    """Made by ``contact_form``, which knows the open tasks."""

    key = HiddenField(validators=[InputRequired(), Length(max=80)])
    kind = RadioField(_l("How"), choices=choices((each.value, label) for each, label in KINDS.items()))
    outcome = RadioField(
        _l("What came of it"), choices=choices((each.value, label) for each, label in OUTCOMES.items())
    )
    task = SelectField(_l("It settles"))
    at = DateTimeLocalField(_l("When"), format="%Y-%m-%dT%H:%M", validators=[InputRequired(_l("Say when it was."))])
    by_relative = BooleanField(_l("It was with a relative or carer"))
    waits = BooleanField(_l("They wait for an answer"))
    note = TextAreaField(_l("What was said"), validators=[Length(max=NOTE_LIMIT, message=_l("This note is too long."))])

    def entry(self, zone: ZoneInfo) -> ContactEntry:
        """The contact; its time was entered as the facility's own, and a minute that has just begun is now."""
        try:
            at = self.at.data.replace(tzinfo=zone).astimezone(UTC)
        except OverflowError:
            at = datetime.min.replace(tzinfo=UTC)
        return ContactEntry(
            key=self.key.data,
            kind=ContactKind(self.kind.data),
            outcome=ContactOutcome(self.outcome.data),
            at=at,
            task_id=int(self.task.data) or None,
            by_relative=bool(self.by_relative.data),
            waits=bool(self.waits.data),
            note=self.note.data or "",
        )


def contact_form(tasks: Iterable[tuple[int, str]], *, key: str, now: datetime, zone: ZoneInfo) -> ContactForm:
    """The form with these open tasks to choose from; the first is chosen until something else is."""
    named = [(str(task_id), label) for task_id, label in tasks]
    usual = {
        "key": key,
        "kind": ContactKind.CALL.value,
        "outcome": ContactOutcome.WELL.value,
        "task": named[0][0] if named else NO_TASK,
        "at": now.astimezone(zone).replace(tzinfo=None),
    }
    form = ContactForm(data=usual)
    form.task.choices = choices([*named, (NO_TASK, _l("No task: it came by itself"))])
    return form
