"""Alerts and people: who can be given one, and what the head of every page counts."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm.accounts.domain import ACTIONS, Action, Actor, scope_of
from hcrm.accounts.queries import UserSnapshot, users
from hcrm.followup.domain.alerts import AlertStatus
from hcrm.followup.models import AlertRow
from hcrm.followup.queries.alerts import AlertItem, in_scope
from hcrm.patients.queries import encounter_snapshots
from hcrm.survey.domain import Severity


class Live(NamedTuple):
    """Alerts that nobody has claimed, the urgent ones among them, and the id of the newest urgent one (0: none)."""

    total: int
    urgent: int
    newest: int


def live_alerts(session: Session, actor: Actor) -> Live:
    """The counts of a person's scope."""
    urgent = AlertRow.severity == Severity.URGENT
    row = session.execute(
        select(
            func.count(),
            func.count().filter(urgent),
            func.coalesce(func.max(AlertRow.id).filter(urgent), 0),
        ).where(AlertRow.status == AlertStatus.OPEN, in_scope(scope_of(actor, Action.VIEW_ALERTS)))
    ).one()
    return Live(*row)


def receivers(session: Session, alert: AlertRow) -> list[UserSnapshot]:
    """Active people who may work on this alert: by role, and by the wards of its stay."""
    wards = set() if alert.department_id is None else {alert.department_id}
    if alert.encounter_id is not None:
        for stay in encounter_snapshots(session, [alert.encounter_id]):
            wards |= stay.department_ids
    return [
        each
        for each in users(session, [alert.facility_id])
        if each.active
        and any(
            one.facility_id == alert.facility_id
            and Action.WORK_ALERTS in ACTIONS[one.role]
            and (one.department_id is None or one.department_id in wards)
            for one in each.memberships
        )
    ]


def alert_receivers(session: Session, item: AlertItem) -> list[UserSnapshot]:
    """The same for an alert as it is shown."""
    return receivers(session, item.alert)
