"""Reports as plain data: JSON objects as other programs read them, and tables for files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from hcrm.reporting.domain.definitions import DEFINITIONS
from hcrm.reporting.domain.reports import (
    FollowupReport,
    FollowupRow,
    RevisitReport,
    RevisitRow,
    SatisfactionReport,
    SatisfactionRow,
)
from hcrm.reporting.service.overview import DepartmentLine
from hcrm.survey.domain.scoring import Score

Cell = str | int | float | None


def revisit_json(report: RevisitReport) -> dict[str, Any]:
    """The object that ``hcrm report revisits --json`` prints."""
    return {
        "measure": report.measure,
        "definition": report.definition.sentence("en"),
        "link": report.link.value,
        **_period(report.from_on, report.to_on),
        "by": report.by.value,
        "rows": [_revisit_row(row) for row in report.rows],
        "total": _revisit_row(report.total),
    }


def followup_json(report: FollowupReport) -> dict[str, Any]:
    """The object that ``hcrm report followup --json`` prints; ``rate`` is completed / due.

    A row is ``withheld`` when its shares are null because it is a person with too few tasks due.
    """
    return {
        "measure": "followup_completion",
        "definition": DEFINITIONS["followup_completion"].sentence("en"),
        "basis": report.basis.value,
        **_period(report.from_on, report.to_on),
        "by": report.by.value,
        "rows": [_followup_row(row) for row in report.rows],
        "total": _followup_row(report.total),
    }


def satisfaction_json(report: SatisfactionReport) -> dict[str, Any]:
    """The object that ``hcrm report satisfaction --json`` prints; ``rate`` is the share satisfied."""
    return {
        "measure": "satisfied",
        "definition": DEFINITIONS["satisfied"].sentence("en"),
        "questionnaire": report.questionnaire,
        **_period(report.from_on, report.to_on),
        "by": report.by.value,
        "rows": [_satisfaction_row(row) for row in report.rows],
        "total": _satisfaction_row(report.total),
    }


def departments_json(lines: Sequence[DepartmentLine], total: DepartmentLine) -> dict[str, Any]:
    """The page of departments as rows and a total: contact by a person, and returns within 30 days."""
    return {"rows": [_department_row(line) for line in lines], "total": _department_row(total)}


def table(report: dict[str, Any], *, escape: bool = True) -> tuple[list[str], list[list[Cell]]]:
    """A JSON report as heads and rows, the total last; what is itself an object is spread over columns.

    ``escape`` writes text so that no spreadsheet takes it for a formula; files with typed cells need it not.
    """
    rows = [_flat(row) for row in [*report["rows"], {**report["total"], "group": "total"}]]
    heads = list(dict.fromkeys(head for row in rows for head in row))
    return heads, [[safe(row.get(head)) if escape else row.get(head) for head in heads] for row in rows]


def safe(cell: Cell) -> Cell:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How formulas begin; a Chinese or Japanese spreadsheet takes the wide signs too."""


def _flat(row: dict[str, Any]) -> dict[str, Cell]:
    flat: dict[str, Cell] = {}
    for head, value in row.items():
        if isinstance(value, dict):
            flat |= {f"{head}.{part}": cell for part, cell in value.items()}
        else:
            flat[head] = value
    return flat


def _period(from_on: date | None, to_on: date | None) -> dict[str, str | None]:
    return {"from": from_on.isoformat() if from_on else None, "to": to_on.isoformat() if to_on else None}


def _revisit_row(row: RevisitRow) -> dict[str, Any]:
    more: dict[str, Any] = {"bands": dict(row.bands)} if row.bands else {}
    return {
        "group": row.label.name,
        "code": row.label.code,
        "numerator": row.rate.numerator,
        "denominator": row.rate.denominator,
        "rate": row.rate.value,
        "low": row.rate.low,
        "high": row.rate.high,
        "excluded": dict(row.excluded),
        "provisional": row.provisional > 0,
        "provisional_indexes": row.provisional,
        **more,
    }


def _followup_row(row: FollowupRow) -> dict[str, Any]:
    funnel = row.funnel
    return {
        "group": row.label.name,
        "code": row.label.code,
        "numerator": funnel.completed,
        "denominator": funnel.due,
        "rate": row.completion.value,
        "low": row.completion.low,
        "high": row.completion.high,
        "planned": funnel.planned,
        "excluded": dict(funnel.excluded),
        "excluded_total": funnel.excluded_total,
        "due": funnel.due,
        "attempted": funnel.attempted,
        "reached": funnel.reached,
        "completed": funnel.completed,
        "completed_in_time": funnel.completed_in_time,
        "open": funnel.open,
        "coverage": row.coverage.value,
        "contact_rate": row.contact.value,
        "completion_rate": row.completion.value,
        "on_time_rate": row.in_time.value,
        "on_time_low": row.in_time.low,
        "on_time_high": row.in_time.high,
        "discharged": row.discharged,
        "followed_up": row.followed_up,
        "followed_up_rate": row.all_discharges.value if row.all_discharges else None,
        "withheld": row.withheld,
        "provisional": funnel.provisional,
    }


def _department_row(line: DepartmentLine) -> dict[str, Any]:
    funnel, in_time, back = line.followup.funnel, line.followup.in_time, line.revisits
    return {
        "group": line.label.name,
        "code": line.label.code,
        "planned": funnel.planned,
        "due": funnel.due,
        "attempted": funnel.attempted,
        "reached": funnel.reached,
        "completed": funnel.completed,
        "completed_in_time": funnel.completed_in_time,
        "on_time_rate": in_time.value,
        "on_time_low": in_time.low,
        "on_time_high": in_time.high,
        "discharges": back.denominator,
        "returned": back.numerator,
        "returned_rate": back.value,
        "returned_low": back.low,
        "returned_high": back.high,
        "provisional_indexes": line.provisional,
    }


def _satisfaction_row(row: SatisfactionRow) -> dict[str, Any]:
    return {
        "group": row.label.name,
        "code": row.label.code,
        "question": row.question,
        "n": row.n,
        "numerator": row.positive,
        "denominator": row.n,
        "rate": row.score.value,
        "low": row.score.low,
        "high": row.score.high,
        "top_box": row.top_box.value,
        "top_box_low": row.top_box.low,
        "top_box_high": row.top_box.high,
        "mean": row.mean.value,
        "mean_low": row.mean.low,
        "mean_high": row.mean.high,
        **_scores("nps", row.nps),
        **_scores("index", row.index),
        "modes": dict(row.modes),
        "invited": row.invited,
        "response_rate": row.response_rate.value if row.response_rate else None,
        "response_rate_delivered": row.delivered_rate.value if row.delivered_rate else None,
        "caution": row.score.caution,
        "suppressed": row.score.suppressed,
        "excluded": {},
        "provisional": False,
    }


def _scores(name: str, score: Score | None) -> dict[str, float | None]:
    values: Sequence[float | None] = (score.value, score.low, score.high) if score else (None, None, None)
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))
