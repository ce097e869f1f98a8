"""What one import told about: its stays and patients."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session


class Touched(NamedTuple):
    """Ids of the stays and patients that the facts of a batch are about."""

    encounter_ids: list[int]
    patient_ids: list[int]


_STAYS = text(
    "SELECT e.id, e.patient_id FROM encounter e JOIN (SELECT DISTINCT source, visit_number FROM encounter_fact"
    " WHERE facility_id = :facility AND batch_id = :batch) AS told USING (source, visit_number)"
    " WHERE e.facility_id = :facility ORDER BY e.id"
)
_PATIENTS = text(
    "SELECT DISTINCT i.patient_id FROM patient_identifier i JOIN ("
    "  SELECT fields ->> 'mrn' AS value FROM encounter_fact WHERE facility_id = :facility AND batch_id = :batch"
    "  UNION SELECT mrn FROM patient_fact WHERE facility_id = :facility AND batch_id = :batch"
    ") AS told USING (value) WHERE i.facility_id = :facility AND i.system = 'mrn'"
)


def touched_by_batch(session: Session, facility_id: int, batch_id: int) -> Touched:
    """The stays and patients that a batch told about."""
    values = {"facility": facility_id, "batch": batch_id}
    stays = session.execute(_STAYS, values).all()
    patients = set(session.scalars(_PATIENTS, values)) | {patient_id for _, patient_id in stays}
    return Touched([stay_id for stay_id, _ in stays], sorted(patients))
