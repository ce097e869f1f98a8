"""Figures about return visits as a report: what the page of appointments shows, for files and commands."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from hcrm.accounts.domain import Scope
from hcrm.appointments.domain.figures import VisitFigures
from hcrm.appointments.queries import visit_figures_by_department
from hcrm.organization.queries import facilities
from hcrm.reporting.domain.definitions import DEFINITIONS
from hcrm.reporting.domain.reports import TOTAL, By, Label, Selection
from hcrm.reporting.service.labels import Labels
from hcrm.survey.domain.scoring import wilson

VISIT_GROUPINGS = (By.DEPARTMENT, By.NONE)
MEASURE = "visits_kept"
_FIRST, _LAST = date(2000, 1, 1), date(2099, 12, 31)


class SeveralZones(ValueError):
    """The hospitals asked for are in different time zones, so that a day is not the same in all of them."""


def visit_json(session: Session, *, selection: Selection, by: By, now: datetime) -> dict[str, Any]:
    """The object that ``hcrm report visits --json`` prints; ``rate`` is kept / due.

    Raises ``ValueError`` for a grouping it lacks, and ``SeveralZones``.
    """
    if by not in VISIT_GROUPINGS:
        raise ValueError(by)
    places = [each for each in facilities(session) if selection.scope is None or each.id in selection.scope]
    if len({each.timezone for each in places}) > 1:
        raise SeveralZones
    scope = Scope({each.id: None for each in places} if selection.scope is None else dict(selection.scope))
    found: dict[int | None, VisitFigures] = {None: VisitFigures()}
    if places:
        found = visit_figures_by_department(
            session,
            scope,
            from_on=selection.from_on or _FIRST,
            to_on=selection.to_on or _LAST,
            zone=places[0].zone,
            now=now,
            department_id=selection.department_id,
        )
    labels = Labels(session, By.DEPARTMENT)
    wards = {key: each for key, each in found.items() if key is not None}
    rows = [_row(labels.of(key), wards[key]) for key in labels.ordered(wards)]
    total = _row(TOTAL, found[None])
    return {
        "measure": MEASURE,
        "definition": DEFINITIONS[MEASURE].sentence("en"),
        "from": selection.from_on.isoformat() if selection.from_on else None,
        "to": selection.to_on.isoformat() if selection.to_on else None,
        "by": by.value,
        "rows": [total] if by is By.NONE else rows,
        "total": total,
    }


def _row(label: Label, figures: VisitFigures) -> dict[str, Any]:
    low, high = wilson(figures.kept, figures.due) or (None, None)
    return {
        "group": label.name,
        "code": label.code,
        "numerator": figures.kept,
        "denominator": figures.due,
        "rate": figures.kept_rate,
        "low": low,
        "high": high,
        "discharged": figures.discharged,
        "booked_before": figures.booked_before,
        "booked_before_rate": figures.booked_before_rate,
        "visits_due": figures.due,
        "kept": figures.kept,
        "no_show": figures.missed,
        "no_show_rate": figures.no_show_rate,
        "without_outcome": figures.without_outcome,
        "lead_days": figures.lead_days,
        "excluded": {},
        "provisional": figures.without_outcome > 0,
    }
