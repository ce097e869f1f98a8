"""Writing patients, their numbers, consents and stays."""

from hcrm.patients.service.bulk import BulkWriteFailed
from hcrm.patients.service.contacts import add_contact, change_contact, retire_contact
from hcrm.patients.service.duplicates import keep_alike, mark_different, take_back_different
from hcrm.patients.service.emptied import settle_emptied_numbers
from hcrm.patients.service.ledger import merge_patients, unmerge_patients
from hcrm.patients.service.locks import lock_facility
from hcrm.patients.service.record import (
    choose_language,
    note_look,
    record_consent,
    report_deceased,
    set_flags,
    withdraw_deceased,
)
from hcrm.patients.service.records import apply_patients, note_identifiers
from hcrm.patients.service.stays import apply_prepared, apply_stays

__all__ = [
    "BulkWriteFailed",
    "add_contact",
    "apply_patients",
    "apply_prepared",
    "apply_stays",
    "change_contact",
    "choose_language",
    "keep_alike",
    "lock_facility",
    "mark_different",
    "merge_patients",
    "note_identifiers",
    "note_look",
    "record_consent",
    "report_deceased",
    "retire_contact",
    "set_flags",
    "settle_emptied_numbers",
    "take_back_different",
    "unmerge_patients",
    "withdraw_deceased",
]
