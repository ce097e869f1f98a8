"""Visits of which as few as possible should know: of a sensitive department, or of a stay marked sensitive."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from hcrm.accounts.domain import Scope
from hcrm.appointments.domain.snapshots import AppointmentSnapshot
from hcrm.appointments.models import Appointment
from hcrm.organization.models import Department
from hcrm.patients.models import Encounter, Patient
from hcrm.patients.queries import encounter_snapshots


def sensitive_visits(session: Session, appointment_ids: Collection[int]) -> dict[int, frozenset[int]]:
    """The sensitive ones of these visits, each with the departments that may know of it.

    Sensitive is a visit to a department marked so, one after a stay marked so (or recorded as one), and one to a
    department in which the person had such a stay. Those of the department and of the stay itself may know of it.
    """
    mine, record = aliased(Patient), aliased(Patient)
    stay_of_the_kind = (
        select(Encounter.id)
        .join(record, record.id == Encounter.patient_id)
        .join(mine, mine.person_id == record.person_id)
        .where(
            mine.id == Appointment.patient_id,
            Encounter.sensitive,
            or_(
                Encounter.id == Appointment.encounter_id,
                Encounter.id == Appointment.visit_encounter_id,
                Encounter.department_id == Appointment.department_id,
            ),
        )
        .exists()
    )
    rows = session.execute(
        select(Appointment.id, Appointment.department_id, Appointment.encounter_id)
        .outerjoin(Department, Department.id == Appointment.department_id)
        .where(Appointment.id.in_(appointment_ids), or_(Department.sensitive, stay_of_the_kind))
    ).all()
    stays = encounter_snapshots(session, {row.encounter_id for row in rows if row.encounter_id is not None})
    wards = {stay.id: frozenset(stay.department_ids) for stay in stays if stay.sensitive}
    return {row.id: frozenset({row.department_id}) | wards.get(row.encounter_id, frozenset()) for row in rows}


def open_to(session: Session, scope: Scope, visits: Sequence[AppointmentSnapshot]) -> list[AppointmentSnapshot]:
    """These visits without the sensitive ones of departments that are not in ``scope``."""
    knowing = sensitive_visits(session, [each.id for each in visits])
    return [each for each in visits if each.id not in knowing or scope.covers(each.facility_id, knowing[each.id])]
