"""How long alerts waited: until somebody acknowledged them, and until they were resolved."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Float, case, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from hcrm.accounts.domain import Action, Actor, scope_of
from hcrm.followup.domain.alerts import AlertAction
from hcrm.followup.models import AlertRow
from hcrm.followup.queries.alerts import in_scope
from hcrm.survey.domain import Severity


class Times(NamedTuple):
    """Alerts of one severity in a span of time; medians and the time in which nine of ten were done, None without any.

    ``in_time``: acknowledged before their time was over; ``late``: not, be it later or not at all so far.
    """

    severity: Severity
    opened: int
    acknowledged: int
    in_time: int
    late: int
    resolved: int
    to_acknowledge: timedelta | None
    to_acknowledge_most: timedelta | None
    to_resolve: timedelta | None
    to_resolve_most: timedelta | None


def alert_times(session: Session, actor: Actor, *, since: datetime, now: datetime) -> list[Times]:
    """The times of the alerts that opened since a moment in the scope of a person, the gravest first.

    Alerts that another one stands for are not counted: nobody had to look at them.
    """
    waited = _seconds(AlertRow.acknowledged_at)
    lasted = _seconds(AlertRow.resolved_at)
    in_time = AlertRow.acknowledged_at <= AlertRow.due_at
    late = func.coalesce(AlertRow.acknowledged_at, now) > AlertRow.due_at
    rows = session.execute(
        select(
            AlertRow.severity,
            func.count(),
            func.count(AlertRow.acknowledged_at),
            func.count().filter(in_time),
            func.count().filter(late),
            func.count(AlertRow.resolved_at),
            func.percentile_cont(0.5).within_group(waited),
            func.percentile_cont(0.9).within_group(waited),
            func.percentile_cont(0.5).within_group(lasted),
            func.percentile_cont(0.9).within_group(lasted),
        )
        .where(
            in_scope(scope_of(actor, Action.VIEW_ALERTS)),
            AlertRow.opened_at >= since,
            func.coalesce(AlertRow.action_code, "") != AlertAction.JOINED.value,
        )
        .group_by(AlertRow.severity)
        .order_by(case((AlertRow.severity == Severity.URGENT, 0), (AlertRow.severity == Severity.HIGH, 1), else_=2))
    )
    return [Times(*row[:6], *(_span(each) for each in row[6:])) for row in rows]


def _seconds(moment: InstrumentedAttribute[datetime | None]) -> ColumnElement[float]:
    return cast(func.extract("epoch", moment - AlertRow.opened_at), Float)


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
