"""What the pages of appointments take in."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
    widgets,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from hcrm.appointments.domain.search import ReturnRule
from hcrm.appointments.domain.sessions import SessionRule
from hcrm.appointments.domain.states import BY_HAND
from hcrm.appointments.forms.labels import CANCEL_REASONS
from hcrm.web import WEEKDAYS, BaseForm, choices

_WHOLE = _l("Enter a whole number.")
_DAY = InputRequired(message=_l("Choose a day."))
_ID = NumberRange(min=1, max=2**62)
_COUNT = NumberRange(min=1, max=1440, message=_WHOLE)
_DAYS = NumberRange(min=0, max=366, message=_l("Give a day between 0 and 366."))


def _this_century(_form: Any, field: Any) -> None:
    """A day of this century; other days are slips of the hand."""
    if field.data is not None and not 2000 <= field.data.year < 2100:
        raise ValidationError(_l("Choose a day of this century."))


class SessionForm(BaseForm):
    """A session with its rule; the last day may be missing here, for its refusal says why it is needed."""

    department = SelectField(_l("Department"), coerce=int)
    clinician = SelectField(_l("Clinician"), coerce=int)
    room = StringField(
        _l("Place"), validators=[InputRequired(message=_l("Say where patients should come.")), Length(max=80)]
    )
    first_on = DateField(_l("First day"), validators=[_DAY, _this_century])
    last_on = DateField(_l("Last day"), validators=[Optional(), _this_century])
    weekdays = SelectMultipleField(
        _l("Weekdays"),
        choices=choices(WEEKDAYS),
        option_widget=widgets.CheckboxInput(),
        widget=widgets.ListWidget(prefix_label=False),
    )
    every_weeks = IntegerField(_l("Every … weeks"), default=1, validators=[NumberRange(min=1, max=52, message=_WHOLE)])
    starts = TimeField(_l("Begins at"), validators=[InputRequired(message=_l("Enter a time."))])
    slot_minutes = IntegerField(
        _l("Minutes for each patient"), default=15, validators=[InputRequired(message=_WHOLE), _COUNT]
    )
    slots = IntegerField(_l("Number of slots"), default=12, validators=[InputRequired(message=_WHOLE), _COUNT])
    capacity = IntegerField(_l("Patients in each slot"), default=1, validators=[InputRequired(message=_WHOLE), _COUNT])
    on_holidays = BooleanField(_l("Also on holidays"))

    @property
    def rule(self) -> SessionRule:
        return SessionRule(
            first_on=self.first_on.data,
            last_on=self.last_on.data,
            weekdays=frozenset(int(day) for day in self.weekdays.data or ()),
            starts=self.starts.data,
            slot_minutes=self.slot_minutes.data,
            slots=self.slots.data,
            capacity=self.capacity.data,
            every_weeks=self.every_weeks.data,
            on_holidays=self.on_holidays.data,
        )


class CloseForm(BaseForm):
    """Why one day of a session is closed."""

    reason = StringField(
        _l("Why is it closed?"), validators=[InputRequired(message=_l("Give a reason.")), Length(max=200)]
    )


class ChangeSessionForm(BaseForm):
    """What a published session is to be from a day on."""

    from_on = DateField(_l("From this day on"), validators=[_DAY, _this_century])
    clinician = SelectField(_l("Clinician"), coerce=int)
    room = StringField(
        _l("Place"), validators=[InputRequired(message=_l("Say where patients should come.")), Length(max=80)]
    )
    starts = TimeField(_l("Begins at"), validators=[InputRequired(message=_l("Enter a time."))])
    slot_minutes = IntegerField(_l("Minutes for each patient"), validators=[InputRequired(message=_WHOLE), _COUNT])
    slots = IntegerField(_l("Number of slots"), validators=[InputRequired(message=_WHOLE), _COUNT])
    capacity = IntegerField(_l("Patients in each slot"), validators=[InputRequired(message=_WHOLE), _COUNT])


class CloseDaysForm(BaseForm):
    """Days on which a session is not held; without a last day it ends."""

    close_from = DateField(_l("First day without it"), validators=[_DAY, _this_century])
    close_until = DateField(_l("Last day without it"), validators=[Optional(), _this_century])
    reason = StringField(
        _l("Why is it closed?"), validators=[InputRequired(message=_l("Give a reason.")), Length(max=200)]
    )


class RuleForm(BaseForm):
    """When patients of a department should come back."""

    department = SelectField(_l("Department"), coerce=int)
    from_days = IntegerField(_l("From day"), validators=[InputRequired(message=_WHOLE), _DAYS])
    within_days = IntegerField(_l("Until day"), validators=[InputRequired(message=_WHOLE), _DAYS])
    same_clinician = BooleanField(_l("The same clinician first"))

    @property
    def rule(self) -> ReturnRule:
        return ReturnRule(self.from_days.data, self.within_days.data, self.same_clinician.data)


class BookForm(BaseForm):
    """A free place for a patient."""

    slot = IntegerField(validators=[InputRequired(), _ID])
    patient = IntegerField(validators=[InputRequired(), _ID])
    encounter = IntegerField(validators=[Optional(), _ID])
    back = HiddenField()


class WaitForm(BaseForm):
    """The wish of a patient for whom there is no good time."""

    patient = IntegerField(validators=[InputRequired(), _ID])
    encounter = IntegerField(validators=[Optional(), _ID])
    department = IntegerField(validators=[InputRequired(), _ID])
    clinician = IntegerField(validators=[Optional(), _ID])
    first_on = DateField(_l("Can come from"), validators=[_DAY, _this_century])
    last_on = DateField(_l("until"), validators=[_DAY, _this_century])
    back = HiddenField()


class ChangeForm(BaseForm):
    """What is done about a visit."""

    do = SelectField(
        choices=choices(
            (each, each) for each in ("confirm", "move", "cancel", "arrive", "fulfil", "miss", "decline", "revoke")
        )
    )
    slot = IntegerField(validators=[Optional(), _ID])
    reason = SelectField(
        _l("Why?"),
        choices=choices((each.value, CANCEL_REASONS[each]) for each in BY_HAND),
        validators=[Optional()],
    )
    comment = StringField(_l("Note"), validators=[Length(max=200)])
    outcome = TextAreaField(_l("What came of it"), validators=[Length(max=2000)])


class FeedForm(BaseForm):
    """Nothing but the proof that the request came from our own page."""
