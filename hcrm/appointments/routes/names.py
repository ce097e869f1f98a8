"""Names that the pages of appointments show, and what a person may see of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from hcrm.accounts.domain import Scope
from hcrm.organization import queries as organization
from hcrm.organization.domain import FacilitySnapshot
from hcrm.patients import queries as patients
from hcrm.web import language


@dataclass(frozen=True, slots=True)
class Names:
    """The hospital at hand with the names of its departments and clinicians by id."""

    facility: FacilitySnapshot
    departments: Mapping[int, str]
    clinicians: Mapping[int, str]

    def department(self, department_id: int | None) -> str:
        return self.departments.get(department_id or 0, "–")

    def clinician(self, clinician_id: int | None) -> str:
        return self.clinicians.get(clinician_id or 0, "–")


def names_of(session: Any, facility_id: int) -> Names:
    """The names of one hospital."""
    return Names(
        facility=organization.facility(session, facility_id),
        departments={
            each.id: each.name_in(language()) for each in organization.departments(session, facility_id).values()
        },
        clinicians=organization.clinicians(session, facility_id),
    )


def within(scope: Scope, names: Names) -> dict[int, str]:
    """The departments of the hospital that the person works for."""
    allowed = scope.departments.get(names.facility.id, frozenset())
    return {id_: name for id_, name in names.departments.items() if allowed is None or id_ in allowed}


def patient_names(session: Any, patient_ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """(full name, MRN) of patients by id."""
    return {
        id_: (each.full_name, each.mrn) for id_, each in patients.patient_snapshots(session, set(patient_ids)).items()
    }
