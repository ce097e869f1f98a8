"""What needs action now, whatever period the page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.orm import Session

from hcrm.followup.domain.alerts import AlertStatus
from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import AlertRow, TaskRow
from hcrm.followup.queries import figures
from hcrm.messaging.domain import InboundState
from hcrm.messaging.models import InboundMessage
from hcrm.reporting.domain.reports import Selection
from hcrm.reporting.queries.places import covered


@dataclass(frozen=True, slots=True)
class Needs:
    """Open alerts and those past their time with the oldest of them; open calls whose window ends soon and the
    department that most of them are in; messages no rule took (None where the inbox is not the viewer's).
    """

    alerts: int
    alerts_late: int
    oldest_late_at: datetime | None
    calls_ending: int
    calls_ending_never_tried: int
    busiest_department_id: int | None
    inbox: int | None


def needs(session: Session, selection: Selection, *, now: datetime, until_on: date, with_inbox: bool) -> Needs:
    """Counts at ``now``; calls whose window ends on or before ``until_on``."""
    late = AlertRow.due_at < now
    alerts = session.execute(
        select(func.count(), func.count().filter(late), func.min(AlertRow.due_at).filter(late)).where(
            AlertRow.status != AlertStatus.RESOLVED,
            covered(selection, AlertRow.facility_id, AlertRow.department_id),
        )
    ).one()
    calls = session.execute(
        select(
            TaskRow.department_id,
            func.count().label("ending"),
            func.count().filter(TaskRow.first_attempt_at.is_(None)),
        )
        .where(*ending_calls(selection, now=now, until_on=until_on))
        .group_by(TaskRow.department_id)
        .order_by(func.count().desc(), TaskRow.department_id)
    ).all()
    return Needs(
        alerts=alerts[0],
        alerts_late=alerts[1],
        oldest_late_at=alerts[2],
        calls_ending=sum(ending for _, ending, _ in calls),
        calls_ending_never_tried=sum(untried for _, _, untried in calls),
        busiest_department_id=calls[0][0] if calls else None,
        inbox=_inbox(session, selection) if with_inbox else None,
    )


def ending_calls(selection: Selection, *, now: datetime, until_on: date) -> list[ColumnElement[bool]]:
    """Open calls and visits whose window runs and ends on or before ``until_on``."""
    return [
        TaskRow.status == literal_column(f"'{TaskStatus.OPEN}'"),
        TaskRow.due_at >= now,
        TaskRow.window_starts_at <= now,
        TaskRow.due_on <= until_on,
        figures.by_people(),
        covered(selection, TaskRow.facility_id, TaskRow.department_id),
    ]


def _inbox(session: Session, selection: Selection) -> int:
    waiting = (InboundState.MATCHED, InboundState.AMBIGUOUS, InboundState.UNMATCHED)
    statement = select(func.count()).where(InboundMessage.state.in_(waiting))
    if selection.scope is not None:
        statement = statement.where(InboundMessage.facility_id.in_(sorted(selection.scope)))
    return session.scalar(statement) or 0
