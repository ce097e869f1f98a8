"""The patient that a page is about: there, and open to the person who looks."""

from __future__ import annotations

from flask import abort

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import require_object
from hcrm.patients import queries
from hcrm.patients.domain import ContactSnapshot, PatientSnapshot
from hcrm.unit_of_work import unit_of_work


def visible_patient(patient_id: int, action: Action = Action.VIEW_PATIENT) -> PatientSnapshot:
    """The person behind a record, or 404; 403 unless one of their stays touched a department of the viewer."""
    with unit_of_work() as session:
        person_id = queries.person_of(session, patient_id)
        if person_id is None:
            abort(404)
        patient = queries.patient_snapshots(session, [person_id])[person_id]
        departments = queries.departments_of_person(session, person_id)
    require_object(action, patient.facility_id, departments)
    return patient


def own_contact(patient: PatientSnapshot, contact_point_id: int) -> ContactSnapshot:
    """A number of this patient, or 404."""
    with unit_of_work() as session:
        listed = queries.contacts(session, [patient.id])[patient.id]
    found = next((each for each in listed if each.id == contact_point_id), None)
    if found is None:
        abort(404)
    return found
