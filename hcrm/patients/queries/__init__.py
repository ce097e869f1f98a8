"""Reading patients, stays, numbers and consents. Everything goes by person: merged records answer as one."""

from hcrm.patients.queries.comparison import Known, patients_as_known, stays_as_known
from hcrm.patients.queries.history import timeline
from hcrm.patients.queries.keys import known_visits, patients_by_mrn
from hcrm.patients.queries.people import (
    Records,
    addresses_of,
    consent_snapshots,
    consents_by_purpose,
    contacts,
    merges,
    patient_snapshots,
    patients_with_number,
    person_of,
    records_by_patient,
    records_of_persons,
)
from hcrm.patients.queries.search import search
from hcrm.patients.queries.stays import (
    BED_CLASSES,
    clinician_codes,
    departments_of_person,
    encounter_snapshots,
    encounters_of_persons,
    known_departments,
    left_a_bed_alive,
)

__all__ = [
    "BED_CLASSES",
    "Known",
    "Records",
    "addresses_of",
    "clinician_codes",
    "consent_snapshots",
    "consents_by_purpose",
    "contacts",
    "departments_of_person",
    "encounter_snapshots",
    "encounters_of_persons",
    "known_departments",
    "known_visits",
    "left_a_bed_alive",
    "merges",
    "patient_snapshots",
    "patients_as_known",
    "patients_by_mrn",
    "patients_with_number",
    "person_of",
    "records_by_patient",
    "records_of_persons",
    "search",
    "stays_as_known",
    "timeline",
]
