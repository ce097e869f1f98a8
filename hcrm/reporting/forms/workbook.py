"""Reports as a workbook: typed cells, shares as percentages, one sheet that says what every figure means."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hcrm.reporting.domain.definitions import DEFINITIONS, SECTIONS, Definition
from hcrm.reporting.domain.reports import ALL, UNKNOWN
from hcrm.reporting.forms import EXCLUSION_LABELS, MODE_LABELS, REASON_LABELS
from hcrm.reporting.service.exports import table
from hcrm.web import language

LONGEST_SHEET_NAME = 31
WIDE, NARROW = 34, 12

REPORT_LABELS: Mapping[str, str] = {
    "followup": _l("Follow-up"),
    "revisits": _l("Coming back"),
    "satisfaction": _l("Satisfaction"),
    "visits": _l("Return visits"),
}
BY_LABELS: Mapping[str, str] = {
    "department": _l("by department"),
    "month": _l("by month"),
    "facility": _l("by hospital"),
    "tier": _l("by tier"),
    "channel": _l("by channel"),
    "clinician": _l("by clinician"),
    "question": _l("by question"),
    "step": _l("by step"),
    "staff": _l("by member of staff"),
    "day": _l("by day"),
    "week": _l("by week"),
    "diagnosis": _l("by diagnosis group"),
    "disposition": _l("by disposition"),
    "age": _l("by age"),
    "outcome": _l("by outcome of the follow-up"),
    "none": _l("in total"),
}
HEAD_LABELS: Mapping[str, str] = {
    "group": _l("Group"),
    "code": _l("Code"),
    "question": _l("Question"),
    "numerator": _l("Counted"),
    "denominator": _l("Of"),
    "rate": _l("Share"),
    "low": _l("Interval from"),
    "high": _l("Interval to"),
    "planned": _l("Planned"),
    "excluded_total": _l("Left out"),
    "due": _l("Due"),
    "attempted": _l("Attempted"),
    "reached": _l("Reached"),
    "completed": _l("Completed"),
    "completed_in_time": _l("In time"),
    "open": _l("Open"),
    "coverage": _l("Share attempted"),
    "contact_rate": _l("Share reached"),
    "completion_rate": _l("Share completed"),
    "on_time_rate": _l("Share in time"),
    "on_time_low": _l("In time, interval from"),
    "on_time_high": _l("In time, interval to"),
    "discharged": _l("Discharged"),
    "followed_up": _l("With a completed contact"),
    "followed_up_rate": _l("Share with a completed contact"),
    "withheld": _l("Shares not shown: fewer than 30 due"),
    "provisional": _l("Provisional"),
    "provisional_indexes": _l("Still inside the window"),
    "n": _l("Answers"),
    "top_box": _l("Very satisfied"),
    "mean": _l("Mean"),
    "nps": _l("Recommend (NPS)"),
    "index": _l("Index"),
    "invited": _l("Asked"),
    "response_rate": _l("Share answered"),
    "response_rate_delivered": _l("Share answered of delivered"),
    "caution": _l("Fewer than 30"),
    "suppressed": _l("Too few to show"),
    "booked_before": _l("Booked before discharge"),
    "booked_before_rate": _l("Share booked before discharge"),
    "visits_due": _l("Visits due"),
    "kept": _l("Visits kept"),
    "no_show": _l("Did not come"),
    "no_show_rate": _l("Share that did not come"),
    "without_outcome": _l("Without an outcome"),
    "lead_days": _l("Days from booking to visit"),
}
SHARES = frozenset(
    {
        "rate", "low", "high", "coverage", "contact_rate", "completion_rate", "on_time_rate", "on_time_low",
        "on_time_high", "followed_up_rate", "top_box", "top_box_low", "top_box_high", "response_rate",
        "response_rate_delivered", "booked_before_rate", "no_show_rate",
    }
)  # fmt: skip
"""Columns that hold shares between 0 and 1."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A report (``followup``, ``revisits``, ``satisfaction``) as its JSON object.

    ``definition``: of a measure that is not among the shipped definitions.
    """

    report: str
    made: Mapping[str, Any]
    definition: Definition | None = None

    @property
    def defined(self) -> Definition:
        return self.definition or DEFINITIONS[self.made["measure"]]


def head_label(head: str) -> str:
    """What a column is called; of spread-out objects the reason or the channel."""
    whole, _dot, part = head.partition(".")
    if part:
        found = REASON_LABELS.get(part) or EXCLUSION_LABELS.get(part) or MODE_LABELS.get(part) or part
        return _("Left out: %(reason)s", reason=found) if whole == "excluded" else str(found)
    if head in HEAD_LABELS:
        return str(HEAD_LABELS[head])
    for ending, words in (("_low", _("Interval from")), ("_high", _("Interval to"))):
        if head.endswith(ending):
            return f"{head_label(head.removesuffix(ending))}, {words}"
    return head


def sheet_name(sheet: Sheet) -> str:
    """``Follow-up by department``, short enough for a tab."""
    return f"{REPORT_LABELS[sheet.report]} {BY_LABELS[sheet.made['by']]}"[:LONGEST_SHEET_NAME]


def workbook(sheets: Sequence[Sheet], *, title: str) -> bytes:
    """The file. Text is text, whatever it begins with: nothing in it is taken for a formula."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    styles = {
        "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
        "share": book.add_format({"num_format": "0.0%"}),
        "number": book.add_format({"num_format": "#,##0"}),
        "decimal": book.add_format({"num_format": "0.00"}),
        "total": book.add_format({"bold": True, "top": 1}),
        "wrap": book.add_format({"text_wrap": True, "valign": "top"}),
        "plain": book.add_format(),
    }
    for sheet in sheets:
        _write_report(book, styles, sheet, title)
    _write_definitions(book, styles, [sheet.definition for sheet in sheets if sheet.definition])
    book.close()
    return content.getvalue()


def _write_report(book: Any, styles: Mapping[str, Any], sheet: Sheet, title: str) -> None:
    heads, rows = table(dict(sheet.made), escape=False)
    page = book.add_worksheet(sheet_name(sheet))
    page.write_string(0, 0, f"{sheet_name(sheet)}, {title}", styles["head"])
    page.write_string(1, 0, sheet.defined.sentence(language()))
    for column, head in enumerate(heads):
        page.write_string(3, column, head_label(head), styles["head"])
    for at, row in enumerate(rows, start=4):
        for column, (head, cell) in enumerate(zip(heads, row, strict=True)):
            _write_cell(page, styles, (at, column), head, cell)
    page.set_column(0, 0, WIDE)
    page.set_column(1, max(1, len(heads) - 1), NARROW)
    page.freeze_panes(4, 1)
    page.autofilter(3, 0, 3 + len(rows), len(heads) - 1)
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.repeat_rows(3)


def _write_cell(page: Any, styles: Mapping[str, Any], place: tuple[int, int], head: str, cell: Any) -> None:
    if cell is None:
        page.write_blank(*place, None, styles["plain"])
    elif isinstance(cell, bool):
        page.write_boolean(*place, cell)
    elif isinstance(cell, int | float):
        style = "share" if head in SHARES else "number" if isinstance(cell, int) else "decimal"
        page.write_number(*place, cell, styles[style])
    else:
        page.write_string(*place, _group(str(cell)) if head == "group" else str(cell))


def _group(name: str) -> str:
    if name in {ALL, "total"}:
        return str(_("All"))
    return str(_("Not recorded")) if name == UNKNOWN else name


def _write_definitions(book: Any, styles: Mapping[str, Any], own: Sequence[Definition]) -> None:
    page = book.add_worksheet(_("Definitions"))
    heads = (_("Code"), _("Figure"), _("Counted"), _("Of"), _("Left out"), _("Source"))
    for column, head in enumerate(heads):
        page.write_string(0, column, head, styles["head"])
    row = 1
    for entries in (own, *SECTIONS.values()):
        for entry in entries:
            texts = (entry.title, entry.numerator, entry.denominator, entry.excluded, entry.source)
            for column, text in enumerate((entry.code, *(each.in_language(language()) for each in texts))):
                page.write_string(row, column, text, styles["wrap"])
            row += 1
    page.set_column(0, 0, 22)
    page.set_column(1, 1, 28)
    page.set_column(2, 5, 46)
    page.freeze_panes(1, 1)
