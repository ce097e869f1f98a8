"""Sessions, free places and visits for tests of appointments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.appointments import service
from hcrm.appointments.domain.sessions import SessionRule
from hcrm.appointments.domain.states import Via
from hcrm.appointments.models import Appointment, Sitting, Slot
from hcrm.messaging.models import OutboxMessage
from hcrm.organization.models import Clinician

DAY = date(2026, 3, 16)
"""Monday after the day on which tests begin."""


@dataclass(slots=True)
class Clinic:
    """Publishes sessions and books in ``session`` at ``now``."""

    session: Session
    now: datetime
    facility_id: int
    department_id: int

    def clinician(self, code: str = "D1", name: str = "Dr Li") -> int:
        row = Clinician(facility_id=self.facility_id, code=code, name=name)
        self.session.add(row)
        self.session.flush()
        return row.id

    def publish(
        self,
        *,
        day: date = DAY,
        days: int = 1,
        starts: time = time(9),
        slots: int = 4,
        capacity: int = 1,
        minutes: int = 15,
        clinician_id: int | None = None,
        room: str = "2F-03",
        department_id: int | None = None,
    ) -> int:
        """A session on each of ``days`` days; its id."""
        rule = SessionRule(day, day + timedelta(days=days - 1), frozenset(range(7)), starts, minutes, slots, capacity)
        return service.publish_session(
            self.session,
            facility_id=self.facility_id,
            department_id=department_id or self.department_id,
            clinician_id=clinician_id,
            room=room,
            rule=rule,
            now=self.now,
        )

    def slots(self, session_id: int | None = None) -> list[Slot]:
        """Places by time."""
        query = select(Slot).join(Sitting).order_by(Slot.starts_at, Slot.seat, Slot.id)
        if session_id is not None:
            query = query.where(Sitting.session_id == session_id)
        return list(self.session.scalars(query.execution_options(populate_existing=True)))

    def sittings(self) -> list[Sitting]:
        return list(self.session.scalars(select(Sitting).order_by(Sitting.starts_at, Sitting.id)))

    def book(self, patient_id: int, slot_id: int, **more) -> int:
        values = {"via": Via.STAFF, "now": self.now, **more}
        return service.book(self.session, patient_id=patient_id, slot_id=slot_id, **values)

    def row(self, appointment_id: int) -> Appointment:
        return self.session.get_one(Appointment, appointment_id, populate_existing=True)

    def texts(self, patient_id: int) -> list[str]:
        """Templates of the texts that were stored for a patient, in order."""
        return list(
            self.session.scalars(
                select(OutboxMessage.template_code)
                .where(OutboxMessage.patient_id == patient_id)
                .order_by(OutboxMessage.id)
            )
        )


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment in UTC by the clock of Shanghai."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) - timedelta(hours=8)
