"""Home visits of a facility: teams, what is booked on a day, and what waits for a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.followup.domain.home_visits import NoVisit, ServiceArea, Team, Visit, district_of
from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import TaskRow, VisitBookingRow, VisitTeamRow
from hcrm.organization.domain import DepartmentSnapshot
from hcrm.organization.queries import departments, facility
from hcrm.patients.domain import ContactSnapshot, PatientSnapshot
from hcrm.patients.queries import contacts, patient_snapshots

SHOWN_AFTER = timedelta(days=7)
"""So long after its window a visit that was not made is still listed."""


@dataclass(frozen=True, slots=True)
class VisitItem:
    """One visit as a list shows it; ``problem`` says why it has no day."""

    task: TaskRow
    patient: PatientSnapshot
    department: DepartmentSnapshot | None
    contact: ContactSnapshot | None
    booking: VisitBookingRow | None
    district: str
    problem: NoVisit | None = None


def teams(session: Session, facility_id: int, *, active: bool = True) -> list[Team]:
    """The teams of a facility, by name."""
    query = select(VisitTeamRow).where(VisitTeamRow.facility_id == facility_id).order_by(VisitTeamRow.name)
    if active:
        query = query.where(VisitTeamRow.active)
    return [Team(row.id, row.name, tuple(row.districts), row.per_day) for row in session.scalars(query)]


def service_area(session: Session, facility_id: int) -> ServiceArea:
    """Where the active teams of a facility go."""
    return ServiceArea.of(teams(session, facility_id))


def taken(session: Session, facility_id: int, first_day: date) -> dict[tuple[int, date], list[str]]:
    """The districts of the visits that each team has from a day on, by team and day."""
    rows = session.execute(
        select(VisitBookingRow.team_id, VisitBookingRow.day, VisitBookingRow.district).where(
            VisitBookingRow.facility_id == facility_id, VisitBookingRow.day >= first_day
        )
    )
    found: dict[tuple[int, date], list[str]] = defaultdict(list)
    for team_id, day, district in rows:
        found[team_id, day].append(district)
    return dict(found)


def waiting_visits(session: Session, facility_id: int, now: datetime) -> list[tuple[TaskRow, Visit]]:
    """Open visits without a booked day whose window is not long over, as the plan of days takes them."""
    zone = facility(session, facility_id).zone
    rows = session.scalars(
        select(TaskRow)
        .outerjoin(VisitBookingRow, VisitBookingRow.task_id == TaskRow.id)
        .where(
            TaskRow.facility_id == facility_id,
            TaskRow.status == TaskStatus.OPEN,
            TaskRow.channel == StepChannel.HOME_VISIT,
            TaskRow.due_at > now - SHOWN_AFTER,
            VisitBookingRow.task_id.is_(None),
        )
        .order_by(TaskRow.due_at, TaskRow.id)
    ).all()
    people = patient_snapshots(session, {each.patient_id for each in rows})
    return [
        (
            task,
            Visit(
                task.id,
                people[task.patient_id].address,
                task.window_starts_at.astimezone(zone).date(),
                task.due_on,
                task.risk,
            ),
        )
        for task in rows
    ]


def visits_of_day(session: Session, facility_id: int, day: date, team_id: int | None = None) -> list[VisitItem]:
    """The visits of a day (of one team), by team, then district; those that are done too."""
    conditions = [VisitBookingRow.facility_id == facility_id, VisitBookingRow.day == day]
    if team_id is not None:
        conditions.append(VisitBookingRow.team_id == team_id)
    rows = session.execute(
        select(TaskRow, VisitBookingRow)
        .join(VisitBookingRow, VisitBookingRow.task_id == TaskRow.id)
        .where(*conditions)
        .order_by(VisitBookingRow.team_id, VisitBookingRow.district, TaskRow.id)
    ).all()
    return _items(session, facility_id, [(task, booking, booking.district, None) for task, booking in rows])


def without_day(session: Session, facility_id: int, now: datetime) -> list[VisitItem]:
    """The visits that wait for a day, with what stands in the way where that is known."""
    known = teams(session, facility_id)
    found = []
    for task, visit in waiting_visits(session, facility_id, now):
        place = district_of(visit.address, known)
        found.append((task, None, "" if place is None else place[1], NoVisit.OUTSIDE if place is None else None))
    return _items(session, facility_id, found)


def _items(
    session: Session,
    facility_id: int,
    found: Sequence[tuple[TaskRow, VisitBookingRow | None, str, NoVisit | None]],
) -> list[VisitItem]:
    patients = {task.patient_id for task, *_rest in found}
    people, numbers = patient_snapshots(session, patients), contacts(session, patients)
    wards = departments(session, facility_id)
    return [
        VisitItem(
            task=task,
            patient=people[task.patient_id],
            department=wards.get(task.department_id or 0),
            contact=next((one for one in numbers.get(task.patient_id, []) if one.usable), None),
            booking=booking,
            district=district,
            problem=problem,
        )
        for task, booking, district, problem in found
    ]
