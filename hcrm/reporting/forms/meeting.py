"""What people enter in and around the monthly meeting, and what its words are called."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, DecimalField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from hcrm.reporting.domain.spc import Capability
from hcrm.reporting.domain.targets import Judged, Stage, Targeted
from hcrm.web import BaseForm, choices, percent

FIGURE_LABELS: Mapping[str, str] = {
    Targeted.FOLLOWUP_IN_TIME: _l("Follow-up in time"),
    Targeted.READMIT_30D: _l("Back in hospital within 30 days"),
    Targeted.SATISFIED: _l("Satisfied overall"),
}
STAGE_LABELS: Mapping[str, str] = {
    Stage.PLAN: _l("Plan"),
    Stage.DO: _l("Do"),
    Stage.CHECK: _l("Check"),
    Stage.ACT: _l("Act"),
    Stage.CLOSED: _l("Closed"),
}
CAPABILITY_SIGNS: Mapping[str, str] = {
    Capability.ALWAYS: "better",
    Capability.SOMETIMES: "plain",
    Capability.NEVER: "worse",
    Capability.UNKNOWN: "plain",
}
VERDICT_LABELS: Mapping[str, str] = {
    "confirmed": _l("confirmed"),
    "not_confirmed": _l("not confirmed"),
    "unknown": _l("cannot be told"),
}
SAY_IT = _l("Say it in a sentence.")


def judged_text(each: Judged) -> str:
    """Whether a target is met reliably, by luck, or not without a change."""
    words: Mapping[Capability, str] = {
        Capability.ALWAYS: _("met reliably: the expected range lies wholly on the right side"),
        Capability.SOMETIMES: _("met or missed by luck: the target lies inside the expected range"),
        Capability.NEVER: _("cannot be met without a change: the expected range lies wholly on the wrong side"),
        Capability.UNKNOWN: _("too few months to tell: 12 complete ones are needed"),
    }
    return words[each.capability]


def range_text(each: Judged) -> str:
    """The expected range of the newest complete month."""
    known = [point for point in each.chart.points if point.low is not None and not point.provisional]
    if not known:
        return "–"
    return str(_("%(low)s to %(high)s", low=percent(known[-1].low), high=percent(known[-1].high)))


class TargetForm(BaseForm):
    """A target in per cent; an empty one takes it away."""

    figure = SelectField(_l("Figure"))
    department = SelectField(_l("Department"))
    percent = DecimalField(
        _l("Target in per cent"),
        validators=[Optional(), NumberRange(0, 100, message=_l("Give a number from 0 to 100."))],
    )

    def offer(self, departments: Mapping[int, str], *, whole: bool) -> None:
        """Fill the choices; ``whole``: the hospital itself may be chosen."""
        self.figure.choices = choices(FIGURE_LABELS.items())
        self.department.choices = choices(_places(departments, whole=whole))


class ImprovementForm(BaseForm):
    """A problem, what is to be done, who does it and until when."""

    figure = SelectField(_l("Chart it came from"))
    department = SelectField(_l("Department"))
    problem = TextAreaField(_l("Problem"), validators=[DataRequired(message=SAY_IT), Length(max=2000)])
    step = TextAreaField(_l("What is to be done"), validators=[DataRequired(message=SAY_IT), Length(max=2000)])
    owner = StringField(_l("Who does it"), validators=[DataRequired(message=_l("Name a person.")), Length(max=100)])
    due_on = DateField(_l("Until"), validators=[DataRequired(message=_l("Give a day."))])

    def offer(self, departments: Mapping[int, str], *, whole: bool) -> None:
        """Fill the choices; ``whole``: the hospital itself may be chosen."""
        self.figure.choices = choices(FIGURE_LABELS.items())
        self.department.choices = choices(_places(departments, whole=whole))


class StageForm(BaseForm):
    """Where an action stands and what came of it."""

    stage = SelectField(_l("Where it stands"), choices=choices(STAGE_LABELS.items()))
    result = TextAreaField(_l("What came of it"), validators=[Length(max=2000)])


class AppealForm(BaseForm):
    """What is wrong, or the answer to it."""

    words = TextAreaField(_l("What is wrong?"), validators=[DataRequired(message=SAY_IT), Length(max=2000)])


def _places(departments: Mapping[int, str], *, whole: bool) -> list[tuple[str, str]]:
    named = [(str(key), name) for key, name in departments.items()]
    return [("", str(_("The whole hospital"))), *named] if whole else named
