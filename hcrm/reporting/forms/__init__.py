"""What an address of a figure says (period, place, grouping), and what the words of figures are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import cast

from babel.dates import format_date
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from hcrm.followup.forms.labels import STEPS
from hcrm.reporting.domain import periods
from hcrm.reporting.domain.periods import Period
from hcrm.reporting.domain.reports import NOWHERE, TOTAL, Basis, By, Label, Selection
from hcrm.reporting.queries.drilldown import TaskPart
from hcrm.reporting.queries.tasks import TaskFilter
from hcrm.web import language

_ = cast("Callable[..., str]", gettext)

REASON_LABELS: Mapping[str, str] = {
    "readmitted": _l("in hospital again"),
    "deceased": _l("died"),
    "transferred": _l("moved to another hospital"),
    "opted_out": _l("opted out"),
    "duplicate_merged": _l("merged with another record"),
    "entered_in_error": _l("entered in error"),
    "condition_not_met": _l("step not needed"),
    "ineligible": _l("not eligible"),
    "superseded": _l("replaced"),
    "fatigue_limit": _l("asked too recently"),
}
"""Why tasks are excluded; the keys are the reasons of the follow-up figures."""

EXCLUSION_LABELS: Mapping[str, str] = {
    "died": _l("died"),
    "admitted": _l("admitted to a ward"),
    "against_advice": _l("left against advice"),
    "transfer_acute": _l("moved to another acute hospital"),
    "return_planned": _l("return planned at discharge"),
}
"""Why episodes are no index of a revisit measure."""

PART_LABELS: Mapping[str, str] = {
    TaskPart.PLANNED: _l("All planned tasks"),
    TaskPart.EXCLUDED: _l("Tasks left out"),
    TaskPart.OPEN: _l("Tasks still open"),
    TaskPart.DUE: _l("Tasks due"),
    TaskPart.ATTEMPTED: _l("Tasks attempted"),
    TaskPart.NEVER_TRIED: _l("Tasks never tried"),
    TaskPart.REACHED: _l("Tasks in which the patient was reached"),
    TaskPart.COMPLETED: _l("Tasks completed"),
    TaskPart.IN_TIME: _l("Tasks completed in time"),
    TaskPart.NOT_IN_TIME: _l("Tasks not completed in time"),
    TaskPart.ENDING: _l("Open calls whose window ends this week"),
}
REVISIT_PART_LABELS: Mapping[str, str] = {
    "numerator": _l("Patients who came back"),
    "denominator": _l("Discharges counted"),
    "provisional": _l("Discharges still inside their window"),
    "excluded": _l("Discharges left out"),
}
DISCHARGE_PART_LABELS: Mapping[str, str] = {
    "all": _l("Live discharges"),
    "followed_up": _l("Discharges with a completed contact"),
}
ANSWER_PART_LABELS: Mapping[str, str] = {"all": _l("Answers"), "satisfied": _l("Satisfied answers")}

CHANNEL_LABELS: Mapping[str, str] = {
    "sms": _l("Text message"),
    "phone": _l("Phone"),
    "web": _l("Web page"),
    "home_visit": _l("Home visit"),
}
MODE_LABELS: Mapping[str, str] = {
    "sms": _l("Text message"),
    "web": _l("Web page"),
    "phone": _l("Phone"),
    "visit": _l("Home visit"),
}
STATUS_LABELS: Mapping[str, str] = {
    "open": _l("Open"),
    "on_hold": _l("On hold"),
    "completed": _l("Completed"),
    "failed": _l("Not achieved"),
    "cancelled": _l("Cancelled"),
    "entered_in_error": _l("Entered in error"),
}
SECTION_LABELS: Mapping[str, str] = {
    "followup": _l("Follow-up"),
    "revisits": _l("Coming back"),
    "visits": _l("Return visits"),
    "satisfaction": _l("Satisfaction"),
    "charts": _l("Charts"),
}
STEP_LABELS: Mapping[str, str] = STEPS

SORTABLE = (
    "name",
    "planned",
    "due",
    "attempted",
    "reached",
    "completed",
    "in_time",
    "on_time",
    "discharges",
    "revisits",
)
"""Columns that the table of departments can be sorted by."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address says: period, department, facility; the rest is read where it is needed."""

    period: Period | None
    department_id: int | None
    facility_id: int | None


def asked(arguments: MultiDict[str, str], today: date) -> Asked:
    """Read period, department and facility; nonsense counts as not said."""
    return Asked(
        periods.chosen(arguments.get("period", ""), today),
        arguments.get("department", type=int),
        arguments.get("facility", type=int),
    )


def task_filter(arguments: MultiDict[str, str]) -> TaskFilter:
    """Which tasks a drill-down is about."""
    basis = Basis.DISCHARGE if arguments.get("basis") == Basis.DISCHARGE else Basis.WINDOW
    return TaskFilter(
        basis=basis,
        tier=arguments.get("tier", type=int),
        human=arguments.get("human") == "1",
        without_recall=arguments.get("recall") == "0",
    )


def period_label(period: Period, *, inside: bool = False) -> str:
    """``October 2026`` · ``2026年10月``; ``Last 30 days``, with a small letter ``inside`` a sentence."""
    if not period.is_month:
        return _("last 30 days") if inside else _("Last 30 days")
    pattern = "y年M月" if language() == "zh_Hans" else "MMMM y"
    return str(format_date(period.from_on, pattern, locale=language()))


def quarter_label(quarter: Period) -> str:
    """``Q3 2026`` · ``2026年第3季度``."""
    year, number = quarter.code.split("-Q")
    return _("Q%(number)s %(year)s", number=number, year=year)


def days_label(selection: Selection | Period) -> str:
    """``23 Oct to 21 Nov 2026`` · ``2026年10月23日至11月21日``."""
    assert selection.from_on is not None
    assert selection.to_on is not None
    if language() == "zh_Hans":
        first = format_date(selection.from_on, "y年M月d日", locale="zh_Hans")
        return f"{first}至{format_date(selection.to_on, 'M月d日', locale='zh_Hans')}"
    return _(
        "%(first)s to %(last)s",
        first=format_date(selection.from_on, "d MMM", locale="en"),
        last=format_date(selection.to_on, "d MMM y", locale="en"),
    )


def label_text(label: Label) -> str:
    """The name of a group in the language of the page."""
    if label.key == NOWHERE.key:
        return _("Not recorded")
    if label.key == TOTAL.key:
        return _("All")
    return label.in_language(language())


def group_text(by: str, label: Label) -> str:
    """What a group of a report is called: our words for tiers, channels and steps, else the hospital's."""
    if by == By.TIER:
        return tier_text(label)
    words = {By.CHANNEL: CHANNEL_LABELS, By.STEP: STEP_LABELS}.get(By(by), {})
    return str(words.get(label.key) or label_text(label))


def tier_text(label: Label) -> str:
    """What a tier of follow-up is called."""
    if label.key == NOWHERE.key:
        return _("Without a tier")
    return _("Tier %(number)s", number=label.key)
