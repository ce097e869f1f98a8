"""The patients behind a number as a table for a file: the columns of the page, in its language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, tzinfo

from flask_babel import gettext as _

from hcrm.reporting import forms
from hcrm.reporting.service.behind import BehindRow
from hcrm.reporting.service.exports import safe


def behind_table(figure: str, rows: Sequence[BehindRow], zone: tzinfo) -> list[list[str]]:
    """Heads and rows of a kind of number (``tasks``, ``discharges``, ``revisits``, ``answers``).

    Times are the hospital's, without seconds; nothing is taken for a formula.
    """
    heads, more = _KINDS[figure]
    table = [[_("Patient"), _("MRN"), _("Department"), *heads()]]
    table += [[row.name, row.mrn, forms.label_text(row.department), *more(row, zone)] for row in rows]
    return [[str(safe(cell)) for cell in line] for line in table]


def _task(row: BehindRow, zone: tzinfo) -> list[str]:
    return [
        _day(row.discharged_on),
        str(forms.STEP_LABELS.get(row.step_code or "", row.step_code)),
        str(forms.CHANNEL_LABELS[row.channel or ""]),
        _moment(row.due_at, zone),
        str(forms.STATUS_LABELS[row.status or ""]),
        _moment(row.completed_at, zone),
        "" if row.completed_at else str(forms.REASON_LABELS.get(row.reason or "", "")),
    ]


def _discharge(row: BehindRow, zone: tzinfo) -> list[str]:
    del zone
    return [_day(row.discharged_on)]


def _revisit(row: BehindRow, zone: tzinfo) -> list[str]:
    left_out = forms.EXCLUSION_LABELS[row.reason] if row.reason and not row.returned_on else ""
    days = str(row.days) if row.returned_on else ""
    return [*_discharge(row, zone), _day(row.returned_on), days, str(left_out)]


def _answer(row: BehindRow, zone: tzinfo) -> list[str]:
    return [_moment(row.answered_at, zone), str(row.value), str(forms.MODE_LABELS[row.mode or ""])]


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _moment(at: datetime | None, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else ""


_KINDS: Mapping[str, tuple[Callable[[], list[str]], Callable[[BehindRow, tzinfo], list[str]]]] = {
    "tasks": (
        lambda: [
            _("Discharged"), _("Task"), _("Channel of the task"), _("To be done by"), _("State"), _("Completed"),
            _("Reason"),
        ],
        _task,
    ),
    "discharges": (lambda: [_("Discharged")], _discharge),
    "revisits": (lambda: [_("Discharged"), _("Came back"), _("Days after discharge"), _("Reason left out")], _revisit),
    "answers": (lambda: [_("Answered"), _("Answer"), _("How")], _answer),
}  # fmt: skip
