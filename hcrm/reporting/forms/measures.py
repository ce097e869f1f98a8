"""What people enter to make a revisit measure of their own, and what is said when it cannot be kept."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, SelectField, SelectMultipleField, StringField, widgets
from wtforms.validators import InputRequired, Length, NumberRange

from hcrm.reporting.domain.measures import EMER, IMP, OBSENC, Counted, Exclusion, Link, Measure, Unit
from hcrm.reporting.domain.own_measures import LONGEST_DAYS, SHORT_STAY, Problem, code_of
from hcrm.reporting.forms import EXCLUSION_LABELS
from hcrm.survey.domain import Text
from hcrm.web import BaseForm, choices

CLASS_LABELS: Mapping[str, str] = {
    IMP: _l("Inpatient stays"),
    EMER: _l("Emergency visits"),
    OBSENC: _l("Observation stays"),
    SHORT_STAY: _l("Day cases"),
}
UNIT_LABELS: Mapping[str, str] = {Unit.DAYS: _l("calendar days"), Unit.HOURS: _l("hours elapsed")}
DISCHARGE_DAY_LABELS: Mapping[str, str] = {"0": _l("day 0"), "1": _l("day 1")}
COUNTED_LABELS: Mapping[str, str] = {
    Counted.FIRST: _l("The first return that suits"),
    Counted.ANY: _l("Any return inside the window"),
    Counted.FIRST_DECIDES: _l("The first return of all; none when it was planned"),
}
LINK_LABELS: Mapping[str, str] = {
    Link.EPISODE: _l("Stays that touch are one"),
    Link.NONE: _l("Each stay for itself"),
}
PROBLEM_TEXTS: Mapping[str, str] = {
    Problem.BAD_CODE: _l("The code has 3 to 40 small letters, digits and underscores, and begins with a letter."),
    Problem.CODE_TAKEN: _l("There is already a measure with this code. Choose another one."),
    Problem.NO_NAME: _l("Give the measure a name."),
    Problem.NO_INDEX: _l("Choose whose returns are counted: at least one kind of stay."),
    Problem.NO_REVISIT: _l("Choose what counts as coming back: at least one kind of stay."),
    Problem.WINDOW_REVERSED: _l("The window ends before it begins."),
    Problem.WINDOW_TOO_LONG: _l(
        "The window is longer than a year (%(days)s days). A later return says nothing about the stay, and the figure "
        "would stay provisional for years.",
        days=LONGEST_DAYS,
    ),
    Problem.BAD_BANDS: _l("The groups of days are ranges inside the window, in order: 0, 1, 2-15, 16-31."),
    Problem.BANDS_IN_HOURS: _l("Groups of days need a window in days."),
    Problem.BAD_DIAGNOSIS: _l(
        "Write diagnoses as ICD-10 codes with commas between them: I50, J44.1. Those that do not count need four "
        "characters: Z51.1."
    ),
    Problem.NOTHING_DECIDES: _l("“None when it was planned” needs “Planned returns do not count”."),
}
PROBLEM_FIELDS: Mapping[str, str] = {
    Problem.BAD_CODE: "code",
    Problem.CODE_TAKEN: "code",
    Problem.NO_NAME: "name",
    Problem.NO_INDEX: "index_classes",
    Problem.NO_REVISIT: "revisit_classes",
    Problem.WINDOW_REVERSED: "last",
    Problem.WINDOW_TOO_LONG: "last",
    Problem.BAD_BANDS: "bands",
    Problem.BANDS_IN_HOURS: "bands",
    Problem.BAD_DIAGNOSIS: "ignored_diagnoses",
    Problem.NOTHING_DECIDES: "counted",
}
_MOST = 999_999
_WHOLE = _l("Give a whole number from 0 on.")
_BAND = re.compile(r"(\d{1,6})(?:\s*[-–]\s*(\d{1,6}))?")
_NO_BAND = (-1, -1)
"""Stands for what cannot be read as a range; it lies in no window."""


def _boxes(label: Any, pairs: Any) -> SelectMultipleField:
    return SelectMultipleField(
        label,
        choices=choices(pairs),
        option_widget=widgets.CheckboxInput(),
        widget=widgets.ListWidget(prefix_label=False),
    )


def _number(label: Any, default: int) -> IntegerField:
    return IntegerField(
        label,
        default=default,
        validators=[InputRequired(message=_WHOLE), NumberRange(0, _MOST, message=_WHOLE)],
    )


class MeasureForm(BaseForm):
    """All parameters of a measure."""

    name = StringField(_l("Name of the measure"), validators=[Length(max=100)])
    name_zh = StringField(_l("Name in Chinese"), validators=[Length(max=100)])
    code = StringField(_l("Code"), validators=[Length(max=64)])
    index_classes = _boxes(_l("Whose returns are counted"), CLASS_LABELS.items())
    index_diagnoses = StringField(_l("Only with these principal diagnoses"), validators=[Length(max=400)])
    revisit_classes = _boxes(_l("What counts as coming back"), CLASS_LABELS.items())
    first = _number(_l("Window from"), 0)
    last = _number(_l("Window to"), 30)
    unit = SelectField(_l("Counted in"), choices=choices(UNIT_LABELS.items()))
    discharge_day = SelectField(_l("The day of discharge is"), choices=choices(DISCHARGE_DAY_LABELS.items()))
    counted = SelectField(_l("Which return decides"), choices=choices(COUNTED_LABELS.items()))
    link = SelectField(_l("Transfers and split stays"), choices=choices(LINK_LABELS.items()))
    unplanned_only = BooleanField(_l("Planned returns do not count"))
    no_return_plan = BooleanField(_l("None counts where a return within 31 days was planned at discharge"))
    same_facility = BooleanField(_l("Only returns to the same hospital"))
    same_department = BooleanField(_l("Only returns to the same department"))
    same_diagnosis = BooleanField(_l("Only returns with the same principal diagnosis (four characters)"))
    ignored_diagnoses = StringField(_l("Returns with these diagnoses do not count"), validators=[Length(max=400)])
    excluded = _boxes(
        _l("Also left out, beside deaths"),
        [(each, EXCLUSION_LABELS[each]) for each in Exclusion if each is not Exclusion.DIED],
    )
    bands = StringField(_l("Show in groups of days"), validators=[Length(max=100)])

    def named(self) -> Text:
        """The name in both languages."""
        return Text(self.name.data or "", self.name_zh.data or "")

    def measure(self) -> Measure:
        """The measure as entered; whether it makes sense is for ``own_measures.problems``."""
        flags = ("unplanned_only", "no_return_plan", "same_facility", "same_department", "same_diagnosis")
        return Measure(
            self.code.data or "",
            frozenset(self.index_classes.data or ()),
            frozenset(self.revisit_classes.data or ()),
            self.last.data,
            first=self.first.data,
            unit=Unit(self.unit.data),
            link=Link(self.link.data),
            excluded=frozenset({Exclusion.DIED, *(Exclusion(each) for each in self.excluded.data or ())}),
            counted=Counted(self.counted.data),
            ignored_diagnoses=_codes(self.ignored_diagnoses.data),
            index_diagnoses=_codes(self.index_diagnoses.data),
            bands=_bands(self.bands.data),
            discharge_day=int(self.discharge_day.data),
            **{flag: bool(self[flag].data) for flag in flags},
        )

    def refuse(self, problems: Sequence[Problem]) -> None:
        """Say at each field what is wrong with it."""
        for problem in problems:
            field = self[PROBLEM_FIELDS[problem]]
            field.errors = [*field.errors, PROBLEM_TEXTS[problem]]


def entered(measure: Measure, name: Text) -> dict[str, Any]:
    """A measure as the fields of the form hold it, to begin another one from it."""
    flags = ("unplanned_only", "no_return_plan", "same_facility", "same_department", "same_diagnosis")
    return {
        "name": name.en,
        "name_zh": name.zh,
        "code": measure.code,
        "index_classes": sorted(measure.index_classes),
        "revisit_classes": sorted(measure.revisit_classes),
        "first": measure.first,
        "last": measure.last,
        "unit": measure.unit.value,
        "discharge_day": str(measure.discharge_day),
        "counted": measure.counted.value,
        "link": measure.link.value,
        "excluded": sorted(measure.excluded - {Exclusion.DIED}),
        "ignored_diagnoses": ", ".join(measure.ignored_diagnoses),
        "index_diagnoses": ", ".join(measure.index_diagnoses),
        "bands": ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in measure.bands),
        **{flag: getattr(measure, flag) for flag in flags},
    }


def _parts(text: str | None) -> list[str]:
    return [part.strip() for part in re.split(r"[,，、;；]", text or "") if part.strip()]


def _codes(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code_of(part) for part in _parts(text)))


def _bands(text: str | None) -> tuple[tuple[int, int], ...]:
    return tuple(_band(part) for part in _parts(text))


def _band(text: str) -> tuple[int, int]:
    found = _BAND.fullmatch(text)
    return (int(found[1]), int(found[2] or found[1])) if found else _NO_BAND
