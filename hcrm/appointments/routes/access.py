"""Whose visits a person may see and change."""

from __future__ import annotations

from werkzeug.exceptions import NotFound

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import require_object
from hcrm.appointments import queries
from hcrm.appointments.domain.snapshots import AppointmentSnapshot
from hcrm.patients import queries as patients
from hcrm.patients.domain import PatientSnapshot
from hcrm.unit_of_work import unit_of_work


def visible_visit(visit_id: int, action: Action) -> AppointmentSnapshot:
    """The visit, when the person may do ``action`` to it: of their department, or of one of their patients; a sensitive
    one only when it is of their department.

    404 without such a visit, 403 when it is not theirs.
    """
    with unit_of_work() as session:
        visit = queries.appointment(session, visit_id)
        if visit is None:
            raise NotFound
        knowing = queries.sensitive_visits(session, [visit_id]).get(visit_id)
        departments = knowing or {visit.department_id, *patients.departments_of_person(session, visit.patient_id)}
    require_object(action, visit.facility_id, departments)
    return visit


def bookable_patient(patient_id: int, encounter_id: int | None) -> PatientSnapshot:
    """The patient, when the person may see them; 404 when there is none, or the stay is somebody else's."""
    with unit_of_work() as session:
        found = patients.patient_snapshots(session, [patient_id]).get(patient_id)
        if found is None:
            raise NotFound
        departments = patients.departments_of_person(session, patient_id)
        records = patients.records_of_persons(session, [patient_id])
        stays = patients.encounter_snapshots(session, [encounter_id]) if encounter_id else []
    require_object(Action.VIEW_PATIENT, found.facility_id, departments)
    if encounter_id is not None and not any(stay.patient_id in records for stay in stays):
        raise NotFound
    return found
