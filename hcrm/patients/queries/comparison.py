"""Stays and patients as an import knows them: by visit number and MRN, to show what a file would change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from hcrm.patients.domain import PreparedStay

Known = Mapping[Any, Mapping[str, Any]]

_STAYS = text(
    """
    SELECT e.source, e.visit_number, i.value AS mrn, e.class, e.planned, e.admitted_at, e.discharged_at,
           d.name AS department, c.name AS clinician, e.nurse, e.disposition, e.principal_diagnosis,
           array_to_string(e.diagnoses, ', ') AS diagnoses, NULLIF(e.procedures::text, '[]') AS procedures,
           e.readmission_plan_31d, e.sensitive, e.payer, e.contact_name, e.contact_relationship
    FROM unnest(string_to_array(:sources, chr(1)), string_to_array(:numbers, chr(1))) AS wanted(source, visit_number)
    JOIN encounter e USING (source, visit_number)
    LEFT JOIN department d ON d.id = e.department_id
    LEFT JOIN clinician c ON c.id = e.clinician_id
    LEFT JOIN LATERAL (
        SELECT min(value) AS value FROM patient_identifier
        WHERE patient_identifier.patient_id = e.patient_id AND system = 'mrn'
    ) AS i ON true
    WHERE e.facility_id = :facility
    """
)
_PATIENTS = text(
    """
    SELECT i.value AS mrn, p.full_name AS name, p.sex, p.birth_date, p.language, p.address,
           p.deceased_on AS deceased_at, n.numbers AS phone
    FROM unnest(string_to_array(:mrns, chr(1))) AS wanted(value)
    JOIN patient_identifier i USING (value)
    JOIN patient p ON p.id = i.patient_id
    LEFT JOIN LATERAL (
        SELECT string_agg(COALESCE(number, raw), ' ' ORDER BY number IS NULL, rank, valid_from DESC, id) AS numbers
        FROM contact_point WHERE contact_point.patient_id = p.id AND retired_at IS NULL
    ) AS n ON true
    WHERE i.facility_id = :facility AND i.system = 'mrn'
    """
)


def stays_as_known(session: Session, facility_id: int, rows: Iterable[PreparedStay]) -> Known:
    """What is stored about the stays that ``rows`` name, by (source, visit number); new ones are absent."""
    keys = list({(row.source, row.visit_number) for row in rows})
    values = {
        "facility": facility_id,
        "sources": "\x01".join(source for source, _ in keys),
        "numbers": "\x01".join(number for _, number in keys),
    }
    found = session.execute(_STAYS, values).mappings()
    return {(row["source"], row["visit_number"]): _without(row, "source", "visit_number") for row in found}


def patients_as_known(session: Session, facility_id: int, rows: Iterable[PreparedStay]) -> Known:
    """What is stored about the patients that ``rows`` name, by MRN; new ones are absent."""
    mrns = "\x01".join({row.mrn for row in rows})
    found = session.execute(_PATIENTS, {"facility": facility_id, "mrns": mrns}).mappings()
    return {row["mrn"]: _without(row, "mrn") for row in found}


def _without(row: RowMapping, *names: str) -> dict[str, Any]:
    return {str(name): value for name, value in row.items() if name not in names}
