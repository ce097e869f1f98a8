"""Which records stand behind the numbers that other systems use."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from hcrm.patients.models import Encounter, PatientIdentifier


def patients_by_mrn(session: Session, facility_id: int, mrns: Iterable[str]) -> dict[str, int]:
    """The records of a facility that have these numbers; unknown numbers are left out."""
    wanted = set(mrns)
    if not wanted:
        return {}
    rows = session.execute(
        select(PatientIdentifier.value, PatientIdentifier.patient_id).where(
            PatientIdentifier.facility_id == facility_id,
            PatientIdentifier.system == "mrn",
            PatientIdentifier.value.in_(wanted),
        )
    )
    return {row.value: row.patient_id for row in rows}


def known_visits(session: Session, facility_id: int, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the (source, visit number) pairs about which a facility has a stay."""
    wanted = set(keys)
    if not wanted:
        return set()
    rows = session.execute(
        select(Encounter.source, Encounter.visit_number).where(
            Encounter.facility_id == facility_id, tuple_(Encounter.source, Encounter.visit_number).in_(wanted)
        )
    )
    return {(source, number) for source, number in rows}
