"""What people send from the pages of follow-up, checked before anything is done with it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateTimeLocalField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, Optional

from hcrm.followup.domain.alerts import AlertAction
from hcrm.followup.domain.attempts import Connection, Disposition
from hcrm.followup.domain.task import BY_HAND_REASONS
from hcrm.followup.domain.worklist import WorkFilters, WorkState
from hcrm.followup.forms.labels import ALERT_ACTIONS, CAUSES, CONNECTIONS, DISPOSITIONS, REASONS, WORK_STATES
from hcrm.followup.queries import AlertFilters, Whose
from hcrm.survey.domain import Cause
from hcrm.web import BaseForm, choices

NOTE_LIMIT = 2000
INTERPRETER_LIMIT = 120
MOST_ROWS = 500


class FilterForm(BaseForm):
    """Filters of the work list; they stand in the address, so nothing is protected and nonsense is ignored."""

    class Meta(BaseForm.Meta):
        """Filters change nothing."""

        csrf = False

    department = IntegerField(_l("Department"), validators=[Optional()])
    tier = IntegerField(_l("Tier"), validators=[Optional()])
    state = SelectField(
        _l("State"),
        choices=choices((state.value, label) for state, label in WORK_STATES.items()),
        validate_choice=False,
    )
    mine = BooleanField(_l("Only mine"))
    rows = IntegerField(validators=[Optional()])

    def filters(self) -> WorkFilters:
        """The filters as the query takes them."""
        known = {state.value for state in WorkState}
        return WorkFilters(
            department_id=self.department.data,
            tier=self.tier.data if self.tier.data in (1, 2, 3) else None,
            state=WorkState(self.state.data) if self.state.data in known else WorkState.TO_DO,
            mine=bool(self.mine.data),
            rows=min(max(self.rows.data or 50, 1), MOST_ROWS),
        )


class AlertFilterForm(BaseForm):
    """Filters of the alerts, in the address."""

    class Meta(BaseForm.Meta):
        """Filters change nothing."""

        csrf = False

    whose = SelectField(choices=choices((each.value, each.value) for each in Whose), validate_choice=False)
    cause = SelectField(_l("Cause"), choices=choices((each.value, each.value) for each in Cause), validate_choice=False)

    def filters(self) -> AlertFilters:
        """The filters as the query takes them."""
        whose = {each.value for each in Whose}
        causes = {each.value for each in Cause}
        return AlertFilters(
            whose=Whose(self.whose.data) if self.whose.data in whose else Whose.ALL,
            cause=Cause(self.cause.data) if self.cause.data in causes else None,
        )


class IdentityForm(BaseForm):
    """Who is on the phone: the patient, known by two facts that they said, or somebody else."""

    who = RadioField(
        _l("Who is speaking?"),
        choices=choices([("patient", ""), ("proxy", "")]),
        validators=[InputRequired(_l("Say who is speaking."))],
    )
    said_name = BooleanField(_l("They said the full name, and it is right"))
    said_second = BooleanField(_l("They said the date of birth or the last four digits of the record, and it is right"))
    contact_point_id = IntegerField(validators=[Optional()])
    interpreter = StringField(_l("Who interprets"), validators=[Length(max=INTERPRETER_LIMIT)])


class OutcomeForm(BaseForm):
    """How a call ended. ``key`` was made when the call screen was opened."""

    key = HiddenField(validators=[InputRequired(), Length(max=80)])
    connection = RadioField(
        _l("Connection"),
        choices=choices((each.value, label) for each, label in CONNECTIONS.items()),
        validators=[InputRequired(_l("Say whether somebody answered."))],
    )
    disposition = RadioField(
        _l("How did it end?"),
        choices=choices((each.value, label) for each, label in DISPOSITIONS.items()),
        validators=[Optional()],
    )
    contact_point_id = IntegerField(validators=[Optional()])
    callback_at = DateTimeLocalField(_l("Call back at"), format="%Y-%m-%dT%H:%M", validators=[Optional()])
    interpreter = StringField(_l("Language that is needed"), validators=[Length(max=INTERPRETER_LIMIT)])
    note = TextAreaField(_l("Note"), validators=[Length(max=NOTE_LIMIT, message=_l("This note is too long."))])

    def chosen_connection(self) -> Connection:
        return Connection(self.connection.data)

    def chosen_disposition(self) -> Disposition | None:
        return Disposition(self.disposition.data) if self.disposition.data else None

    def callback_in(self, zone: ZoneInfo) -> datetime | None:
        """The time asked for, which was entered as the facility's own, in UTC; None for one before all calendars."""
        local: datetime | None = self.callback_at.data
        try:
            return None if local is None else local.replace(tzinfo=zone).astimezone(UTC)
        except OverflowError:
            return None


class CancelForm(BaseForm):
    """Why a task is cancelled by hand."""

    reason = SelectField(
        _l("Reason"),
        choices=choices((each.value, REASONS[each]) for each in BY_HAND_REASONS),
        validators=[InputRequired(_l("Choose a reason."))],
    )


class ResolveForm(BaseForm):
    """What was found and done about an alert. That its answer was corrected is offered only when it was."""

    cause = SelectField(
        _l("Cause"),
        choices=choices([("", _l("Choose")), *[(each.value, label) for each, label in CAUSES.items()]]),
        validators=[InputRequired(_l("Choose the cause."))],
    )
    action = SelectField(
        _l("Action"),
        choices=choices(
            [
                ("", _l("Choose")),
                *[(each.value, label) for each, label in ALERT_ACTIONS.items() if each is not AlertAction.JOINED],
            ]
        ),
        validators=[InputRequired(_l("Choose what was done."))],
    )
    note = TextAreaField(
        _l("What was found and done"),
        validators=[
            InputRequired(_l("Write what was found and done.")),
            Length(max=NOTE_LIMIT, message=_l("This note is too long.")),
        ],
    )

    def offer(self, *, corrected: bool) -> None:
        """Offer the actions that fit the alert."""
        if not corrected:
            given = [each for each in self.action.choices if each.value != AlertAction.ANSWER_CORRECTED.value]
            self.action.choices = given
