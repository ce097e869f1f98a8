"""What the pages behind the overview call things."""

from __future__ import annotations

from collections.abc import Mapping

from babel.dates import get_day_names
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hcrm.reporting.domain.comments import Tone
from hcrm.reporting.domain.reach import Hour
from hcrm.reporting.domain.reports import Basis
from hcrm.reporting.forms.workbook import BY_LABELS
from hcrm.web import language, percent

GROUPINGS = BY_LABELS
BASIS_LABELS: Mapping[str, str] = {
    Basis.WINDOW: _l("by the end of the window"),
    Basis.DISCHARGE: _l("by the day of discharge"),
}
TAG_LABELS: Mapping[str, str] = {
    "nursing": _l("Nursing"),
    "doctors": _l("Doctors"),
    "waiting": _l("Waiting"),
    "information": _l("Information"),
    "medicines": _l("Medicines"),
    "food": _l("Food"),
    "rooms": _l("Rooms"),
    "cost": _l("Cost"),
    "staff": _l("How people were treated"),
    "positive": _l("Positive words"),
    "negative": _l("Negative words"),
}
TONE_LABELS: Mapping[str, str] = {
    Tone.POSITIVE: _l("positive"),
    Tone.NEGATIVE: _l("negative"),
    Tone.MIXED: _l("both"),
    Tone.PLAIN: _l("neither"),
}
TONE_SIGNS: Mapping[str, str] = {
    Tone.POSITIVE: "better",
    Tone.NEGATIVE: "worse",
    Tone.MIXED: "plain",
    Tone.PLAIN: "plain",
}


def weekdays() -> list[str]:
    """Monday to Sunday, short."""
    names = get_day_names("abbreviated", locale=language())
    return [names[day] for day in range(7)]


def best_hours_sentence(best: tuple[Hour, ...]) -> str:
    """When patients are reached most often."""
    if not best:
        return str(_("Too few tries to say which hours are best: an hour is judged from 30 tries on."))
    days = weekdays()
    parts = [f"{days[hour.weekday]} {hour.hour:02d}:00 ({percent(hour.share, 0)})" for hour in best]
    joined = ("、" if language() == "zh_Hans" else ", ").join(parts)
    return str(_("Most patients are reached at: %(hours)s. The darker, the more were reached.", hours=joined))
