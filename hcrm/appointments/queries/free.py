"""Looking for free slots, and the rules by which they are looked for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, tzinfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from hcrm.appointments.domain.search import FreeSlot, ReturnRule, Window, in_order, window_of
from hcrm.appointments.models import ReturnRuleRow, Sitting, Slot


def free_slots(
    session: Session,
    *,
    department_id: int,
    starts_from: datetime,
    starts_until: datetime,
    clinician_id: int | None = None,
    limit: int = 10,
) -> list[FreeSlot]:
    """Times with a free place, earliest first; a time with several places is one entry.

    The search walks along an index of free places and stops at ``limit``, however many slots there are.
    """
    where: list[ColumnElement[bool]] = [Slot.free.is_(True)]
    where += [Slot.starts_at >= starts_from, Slot.starts_at < starts_until]
    if clinician_id is None:
        where.append(Slot.department_id == department_id)
    else:
        where += [Slot.clinician_id == clinician_id, Slot.department_id == department_id]
    found = (
        select(
            Slot.starts_at,
            Slot.sitting_id,
            func.min(Slot.id).label("slot_id"),
            func.min(Slot.ends_at).label("ends_at"),
            func.count().label("places"),
        )
        .where(*where)
        .group_by(Slot.starts_at, Slot.sitting_id)
        .order_by(Slot.starts_at, Slot.sitting_id)
        .limit(limit * 3)
        .subquery()
    )
    rows = session.execute(
        select(found, Sitting.department_id, Sitting.clinician_id, Sitting.room)
        .join(Sitting, Sitting.id == found.c.sitting_id)
        .where(Sitting.closed_at.is_(None))
        .order_by(found.c.starts_at, found.c.sitting_id)
        .limit(limit)
    )
    return [
        FreeSlot(
            slot_id=row.slot_id,
            sitting_id=row.sitting_id,
            department_id=row.department_id,
            clinician_id=row.clinician_id,
            room=row.room,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            places=row.places,
        )
        for row in rows
    ]


def free_for_discharge(
    session: Session,
    *,
    department_id: int,
    clinician_id: int | None,
    discharged_on: date,
    now: datetime,
    zone: tzinfo,
    rule: ReturnRule | None = None,
    limit: int = 6,
) -> tuple[Window, list[FreeSlot]]:
    """What to offer a patient: the days that the department's rule asks for, and the best free slots, best first."""
    asked = rule or return_rule(session, department_id)
    window = window_of(asked, discharged_on, now=now, zone=zone)
    found: dict[int, FreeSlot] = {}
    searches: list[tuple[int | None, datetime, datetime]] = [(None, window.starts_at, window.ends_at)]
    if asked.same_clinician and clinician_id is not None:
        searches.insert(0, (clinician_id, window.starts_at, window.ends_at))
    searches.append((None, window.ends_at, window.latest))
    for clinician, starts_from, starts_until in searches:
        if len(found) < limit:
            slots = free_slots(
                session,
                department_id=department_id,
                clinician_id=clinician,
                starts_from=starts_from,
                starts_until=starts_until,
                limit=limit,
            )
            found.update({each.slot_id: each for each in slots})
    ordered = in_order(found.values(), rule=asked, clinician_id=clinician_id, window=window)
    return window, ordered[:limit]


def free_times(session: Session, sitting_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """(places, free places) of each sitting."""
    rows = session.execute(
        select(Slot.sitting_id, func.count(), func.count().filter(Slot.free))
        .where(Slot.sitting_id.in_(sitting_ids))
        .group_by(Slot.sitting_id)
    )
    return {sitting_id: (places, free) for sitting_id, places, free in rows}


def return_rule(session: Session, department_id: int) -> ReturnRule:
    """When patients of a department should come back; the usual rule where it has none of its own."""
    row = session.get(ReturnRuleRow, department_id)
    return ReturnRule() if row is None else ReturnRule(row.from_days, row.within_days, row.same_clinician)


def return_rules(session: Session, facility_id: int) -> dict[int, ReturnRule]:
    """The departments' own rules."""
    rows = session.scalars(select(ReturnRuleRow).where(ReturnRuleRow.facility_id == facility_id))
    return {row.department_id: ReturnRule(row.from_days, row.within_days, row.same_clinician) for row in rows}
