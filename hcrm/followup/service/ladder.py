"""The ladder of an alert: its owner is told at once, the head of department and the manager when nobody answers.

For who is away their stand-in is told. A rung on which nobody is there is passed at once.
Whoever is told sees it in the count of the navigation and on the alert. Urgent alerts go to the duty phone as well, as
a text message, on each rung.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.accounts.domain import Role
from hcrm.accounts.queries import StaffMember, staff_of_department
from hcrm.audit.service import record
from hcrm.followup.domain.alerts import ON_CALL, AlertStatus, Rung, role_told, rung_above
from hcrm.followup.domain.desk import who_works
from hcrm.followup.models import AlertNoticeRow, AlertRow
from hcrm.followup.queries.desk import absences
from hcrm.followup.queries.on_call import on_call_number
from hcrm.messaging.domain import MessageRequest, Purpose
from hcrm.messaging.service import enqueue
from hcrm.organization.domain import FacilitySnapshot
from hcrm.organization.queries import facility
from hcrm.survey.domain import Severity

TEXT_IS_USEFUL_FOR = timedelta(hours=2)
"""A text about an urgent alert that could not be sent for so long is not sent any more."""


def start_ladder(session: Session, *, alert_id: int, now: datetime) -> None:
    """Tell the owner of a new alert; where nobody has that role, the next rung at once."""
    alert = session.get_one(AlertRow, alert_id, populate_existing=True)
    if not _tell(session, alert, Rung.OWNER, now):
        _climb(session, alert, now)


def start_again(session: Session, *, alert_id: int, to_user_id: int, role: str, now: datetime) -> None:
    """Tell the person whom an alert was handed to, whatever they were told of it before."""
    alert = session.get_one(AlertRow, alert_id)
    values = {"alert_id": alert.id, "rung": Rung.OWNER, "role": role, "user_id": to_user_id, "told_at": now}
    session.execute(
        insert(AlertNoticeRow)
        .values(values)
        .on_conflict_do_update(index_elements=["alert_id", "rung", "role", "user_id"], set_={"told_at": now})
    )


def climb_ladders(session: Session, *, now: datetime, limit: int) -> int:
    """Pass up to ``limit`` alerts that nobody acknowledged in time to the next rung; how many.

    Alerts that another worker passes up, or that somebody acknowledges at this moment, are passed over.
    """
    alerts = session.scalars(
        select(AlertRow)
        .where(AlertRow.next_rung_at <= now, AlertRow.status == AlertStatus.OPEN)
        .order_by(AlertRow.next_rung_at, AlertRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for alert in alerts:
        _climb(session, alert, now)
    return len(alerts)


def _climb(session: Session, alert: AlertRow, now: datetime) -> None:
    """To the first higher rung on which there is somebody, and past those whose time is over too."""
    above = rung_above(Rung(alert.rung))
    while above is not None:
        alert.rung = above
        alert.next_rung_at = None if above is Rung.MANAGER else alert.due_at
        somebody = _tell(session, alert, above, now)
        session.flush()
        _audit(session, alert, above, now)
        late = alert.next_rung_at is not None and alert.next_rung_at <= now
        above = rung_above(above) if late or not somebody else None


def _tell(session: Session, alert: AlertRow, rung: Rung, now: datetime) -> bool:
    """Write down who is told; False when nobody has the role, or all who have it are away without a stand-in."""
    role = role_told(rung, alert.owner_role)
    people = staff_of_department(
        session, facility_id=alert.facility_id, role=Role(role), department_id=alert.department_id
    )
    there = _who_is_there(session, alert, people, now)
    if not there and rung is Rung.MANAGER:
        there = [each.user_id for each in people]
    _note(session, alert, rung, role, there or [None], now)
    if alert.severity is Severity.URGENT:
        _text(session, alert, rung, people, now)
    return bool(there)


def _who_is_there(session: Session, alert: AlertRow, people: list[StaffMember], now: datetime) -> list[int]:
    """The ids of these people, and of the stand-ins of those who are away today."""
    day = now.astimezone(facility(session, alert.facility_id).zone).date()
    away = absences(session, [alert.facility_id], day)
    working = [who_works(each.user_id, away, day) for each in people]
    return list(dict.fromkeys(one for one in working if one is not None))


def _note(
    session: Session, alert: AlertRow, rung: Rung, role: str, user_ids: list[int] | list[None], now: datetime
) -> None:
    rows = [
        {"alert_id": alert.id, "rung": rung, "role": role, "user_id": user_id, "told_at": now} for user_id in user_ids
    ]
    session.execute(insert(AlertNoticeRow).on_conflict_do_nothing(), rows)


def _text(session: Session, alert: AlertRow, rung: Rung, people: list[StaffMember], now: datetime) -> None:
    """A text to whoever is on call, else to the duty phone, where there is one; it says nothing about the patient."""
    number = on_call_number(session, facility_id=alert.facility_id, department_id=alert.department_id, at=now)
    if not number:
        return
    at = facility(session, alert.facility_id)
    message_id = enqueue(session, replace(_request(alert, rung, at, people, now), to_number=number), now=now)
    values = {"alert_id": alert.id, "rung": rung, "role": ON_CALL, "message_id": message_id, "told_at": now}
    session.execute(insert(AlertNoticeRow).values(values).on_conflict_do_nothing())


def _request(
    alert: AlertRow, rung: Rung, at: FacilitySnapshot, people: list[StaffMember], now: datetime
) -> MessageRequest:
    language = people[0].language.value if people else ("zh_Hans" if at.country == "CN" else "en")
    return MessageRequest(
        facility_id=at.id,
        patient_id=None,
        encounter_id=None,
        task_id=None,
        purpose=Purpose.STAFF,
        template_code="staff_alert",
        values={"alert": str(alert.id), "time": alert.opened_at.astimezone(at.zone).strftime("%H:%M")},
        key=f"staff:alert:{alert.id}:{int(rung)}",
        not_before=now,
        expires_at=now + TEXT_IS_USEFUL_FOR,
        language=language,
    )


def _audit(session: Session, alert: AlertRow, rung: Rung, now: datetime) -> None:
    record(
        session,
        now=now,
        action="alert.passed_up",
        actor_user_id=None,
        facility_id=alert.facility_id,
        object_kind="alert",
        object_id=alert.id,
        patient_id=alert.patient_id,
        details={"rung": int(rung)},
    )
