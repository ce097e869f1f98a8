"""The register of follow-ups: opened by somebody, which is recorded, and as a table for files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.reporting.domain.reports import Selection
from hcrm.reporting.queries.review import Line, register
from hcrm.reporting.service.exports import safe

HEADS = (
    "mrn",
    "name",
    "discharged_on",
    "department",
    "step",
    "due_on",
    "attempts",
    "first_attempt_at",
    "completed_at",
    "status",
    "reason",
    "done_by",
)


def open_register(session: Session, *, selection: Selection, now: datetime, actor_user_id: int) -> list[Line]:
    """The lines of a place and period; who opened it is recorded."""
    lines = register(session, selection)
    record(
        session,
        now=now,
        action="figures.register_opened",
        actor_user_id=actor_user_id,
        facility_id=next(iter(selection.scope or ()), None),
        object_kind="register",
        object_id=selection.department_id,
        details={"lines": len(lines)},
    )
    return lines


def register_table(lines: Sequence[Line], departments: Mapping[int, str]) -> list[list[str]]:
    """Heads and rows; nothing in them is taken for a formula."""
    rows = [
        [
            line.mrn,
            line.name,
            line.discharged_on.isoformat(),
            departments.get(line.department_id or 0, ""),
            line.step_code,
            line.due_on.isoformat(),
            str(line.attempts),
            line.first_attempt_at.isoformat() if line.first_attempt_at else "",
            line.completed_at.isoformat() if line.completed_at else "",
            line.status,
            line.reason or "",
            line.done_by,
        ]
        for line in lines
    ]
    return [list(HEADS), *([str(safe(cell)) for cell in row] for row in rows)]
