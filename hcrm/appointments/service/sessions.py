"""Publishing sessions, and the rules by which patients come back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hcrm.appointments.domain.refusals import Clash, Refusal, Refused
from hcrm.appointments.domain.search import ReturnRule
from hcrm.appointments.domain.sessions import PlannedSitting, SessionRule, plan_sittings
from hcrm.appointments.domain.texts import is_telling
from hcrm.appointments.models import ClinicSession, ReturnRuleRow, Sitting
from hcrm.organization import queries as organization


def publish_session(
    session: Session,
    *,
    facility_id: int,
    department_id: int,
    clinician_id: int | None,
    room: str,
    rule: SessionRule,
    now: datetime,
    actor_user_id: int | None = None,
) -> int:
    """Publish a session: every day of its rule that is still to come, with all its places; the id of the session.

    Raises ``Refused``: the rule cannot be followed, the room tells the department, or the clinician is already
    somewhere else, with that session named.
    """
    hospital = organization.facility(session, facility_id)
    check_room(session, facility_id, room)
    sittings = plan_sittings(rule, organization.calendar(session, facility_id), hospital.zone)
    sittings = [each for each in sittings if each.starts_at > now]
    if not sittings:
        raise Refused(Refusal.NO_DAY)
    if clinician_id is not None:
        check_clashes(session, clinician_id, sittings)
    assert rule.last_on is not None
    planned = ClinicSession(
        facility_id=facility_id,
        department_id=department_id,
        clinician_id=clinician_id,
        room=room,
        first_on=rule.first_on,
        last_on=rule.last_on,
        weekdays=sorted(rule.weekdays),
        every_weeks=rule.every_weeks,
        starts=rule.starts,
        slot_minutes=rule.slot_minutes,
        slots=rule.slots,
        capacity=rule.capacity,
        on_holidays=rule.on_holidays,
    )
    return store_session(session, like=planned, sittings=sittings, now=now, actor_user_id=actor_user_id).id


def store_session(
    session: Session,
    *,
    like: ClinicSession,
    sittings: Sequence[PlannedSitting],
    now: datetime,
    actor_user_id: int | None,
) -> ClinicSession:
    """Store a session with its days and places. Raises ``Refused`` where the clinician has another one."""
    like.created_at, like.created_by = now, actor_user_id
    session.add(like)
    session.flush()
    _make_sittings(session, like, sittings)
    return like


def check_room(session: Session, facility_id: int, room: str) -> None:
    """Raises ``Refused`` for a place that would tell others the department."""
    departments = organization.departments(session, facility_id)
    if is_telling(room, [name for each in departments.values() for name in (each.name, each.name_zh)]):
        raise Refused(Refusal.TELLING_ROOM)


def check_clashes(
    session: Session, clinician_id: int, sittings: Sequence[PlannedSitting], *, besides: int | None = None
) -> None:
    """Raises ``Refused`` with the first session of the clinician that overlaps; ``besides`` is a session left out."""
    others = session.scalars(
        select(Sitting)
        .where(
            Sitting.clinician_id == clinician_id,
            Sitting.session_id != (besides or 0),
            Sitting.closed_at.is_(None),
            Sitting.starts_at < sittings[-1].ends_at,
            Sitting.ends_at > sittings[0].starts_at,
        )
        .order_by(Sitting.starts_at)
    ).all()
    for planned in sittings:
        for other in others:
            if other.starts_at < planned.ends_at and planned.starts_at < other.ends_at:
                raise Refused(Refusal.SESSIONS_CLASH, Clash(other.room, other.starts_at, other.ends_at))


def _make_sittings(session: Session, row: ClinicSession, sittings: Sequence[PlannedSitting]) -> None:
    values = [
        {
            "session_id": row.id,
            "facility_id": row.facility_id,
            "department_id": row.department_id,
            "clinician_id": row.clinician_id,
            "room": row.room,
            "day": each.day,
            "starts_at": each.starts_at,
            "ends_at": each.ends_at,
            "closed_reason": "",
        }
        for each in sittings
    ]
    try:
        session.execute(insert(Sitting), values)
    except IntegrityError as problem:
        if "ex_sitting_clinician" not in str(problem.orig):
            raise
        raise Refused(Refusal.SESSIONS_CLASH) from None
    session.execute(
        text(
            "INSERT INTO slot (sitting_id, facility_id, department_id, clinician_id, starts_at, ends_at, seat, free)"
            " SELECT sitting.id, facility_id, department_id, clinician_id,"
            " starts_at + number * make_interval(mins => :minutes),"
            " starts_at + (number + 1) * make_interval(mins => :minutes), seat, true"
            " FROM sitting, generate_series(0, :slots - 1) AS number, generate_series(1, :capacity) AS seat"
            " WHERE session_id = :session_id ORDER BY starts_at, number, seat"
        ),
        {"minutes": row.slot_minutes, "slots": row.slots, "capacity": row.capacity, "session_id": row.id},
    )


def set_return_rule(session: Session, *, facility_id: int, department_id: int, rule: ReturnRule) -> None:
    """Say when patients of a department should come back. Raises ``Refused`` for impossible days."""
    if not 0 <= rule.from_days <= rule.within_days <= 366:
        raise Refused(Refusal.END_BEFORE_START)
    row = session.get(ReturnRuleRow, department_id) or ReturnRuleRow(department_id=department_id)
    row.facility_id = facility_id
    row.from_days, row.within_days, row.same_clinician = rule.from_days, rule.within_days, rule.same_clinician
    session.add(row)
    session.flush()
