"""What a try-out assumes, kept in the address."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import lazy_gettext as _l
from wtforms import DecimalField
from wtforms.validators import NumberRange, Optional

from hcrm.followup.domain.trial import Assumptions
from hcrm.web import BaseForm

_USUAL = Assumptions()


def _number(label: str, usual: float, high: int, low: float = 0) -> DecimalField:
    return DecimalField(
        label,
        places=None,
        default=Decimal(str(usual)),
        validators=[Optional(), NumberRange(low, high, message=_l("Give a number from %(min)s to %(max)s."))],
        render_kw={"inputmode": "decimal"},
    )


class TrialForm(BaseForm):
    """How long work takes and how many answer; what is empty or impossible is as usual."""

    minutes_per_attempt = _number(_l("Minutes for one attempt to call"), _USUAL.minutes_per_attempt, 120)
    attempts_per_call = _number(_l("Attempts until a call is done"), _USUAL.attempts_per_call, 10, 1)
    minutes_per_visit = _number(_l("Minutes for a home visit"), _USUAL.minutes_per_visit, 600)
    reached = _number(_l("Calls and visits that are completed, %"), 100 * _USUAL.reached, 100)
    answered = _number(_l("Surveys by text that are answered, %"), 100 * _USUAL.answered, 100)
    matched = _number(_l("Completed steps whose answer matches a condition, %"), 100 * _USUAL.matched, 100)
    price_per_text = _number(_l("Price of one text message"), _USUAL.price_per_text, 100)
    ward_hours = _number(_l("Hours a day that wards have for calls (0: not said)"), _USUAL.ward_hours, 10_000)

    def assumptions(self) -> Assumptions:
        """What was given."""
        self.validate()
        return Assumptions(
            minutes_per_attempt=self._given("minutes_per_attempt"),
            minutes_per_visit=self._given("minutes_per_visit"),
            attempts_per_call=self._given("attempts_per_call"),
            reached=self._given("reached") / 100,
            answered=self._given("answered") / 100,
            matched=self._given("matched") / 100,
            price_per_text=self._given("price_per_text"),
            ward_hours=self._given("ward_hours"),
        )

    def _given(self, name: str) -> float:
        field = self[name]
        return float(field.default if field.data is None or field.errors else field.data)
