"""What a facility's records hold after an import, to compare one way of bringing them with another."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from hcrm.unit_of_work import Runtime

STAYS = text(
    "SELECT e.visit_number, i.value, p.family_name, p.given_name, p.full_name, p.sex, p.birth_date, p.language,"
    " p.address, p.deceased_on, e.class, e.status, e.planned, e.admitted_at, e.discharged_at, e.disposition,"
    " e.principal_diagnosis, e.diagnoses, e.sensitive, d.code, e.post_acute,"
    " CASE WHEN e.discharged_at IS NOT NULL THEN e.readmission_plan_31d END"
    " FROM encounter e JOIN patient p ON p.id = e.patient_id LEFT JOIN department d ON d.id = e.department_id"
    " JOIN patient_identifier i ON i.patient_id = p.id AND i.system = 'mrn'"
    " WHERE e.facility_id = :facility ORDER BY 1, 2"
)
CONTACTS = text(
    "SELECT DISTINCT i.value, c.number, c.raw, c.line_type, c.owner_kind, c.owner_name, c.relationship"
    " FROM contact_point c JOIN patient_identifier i ON i.patient_id = c.patient_id AND i.system = 'mrn'"
    " WHERE i.facility_id = :facility ORDER BY 1, 3"
)
MERGED = text(
    "SELECT i.value FROM patient p JOIN patient_identifier i ON i.patient_id = p.id AND i.system = 'mrn'"
    " WHERE p.person_id <> p.id AND i.facility_id = :facility ORDER BY 1"
)


def stored(runtime: Runtime, facility: int) -> dict[str, list[tuple[Any, ...]]]:
    """Stays with their patients, numbers to call, and patients who were given up for others."""
    with runtime.engine.connect() as connection:
        tables = {"stays": STAYS, "contacts": CONTACTS, "merged": MERGED}
        return {
            name: [tuple(row) for row in connection.execute(query, {"facility": facility})]
            for name, query in tables.items()
        }
