"""What people, stays, numbers and consents are called on screens."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l

from hcrm.patients.domain import (
    ConsentChannel,
    ConsentPurpose,
    Disposition,
    EncounterClass,
    Language,
    LineType,
    OwnerKind,
    PatientFlag,
    RetiredReason,
    Sex,
)
from hcrm.patients.domain.duplicates import Likeness

SEXES: Mapping[Sex, str] = {
    Sex.FEMALE: _l("female"),
    Sex.MALE: _l("male"),
    Sex.OTHER: _l("other sex"),
    Sex.UNKNOWN: _l("sex not recorded"),
}
LIKENESSES: Mapping[Likeness, str] = {
    Likeness.NAME_AND_BIRTH: _l("Same name and date of birth"),
    Likeness.SOUND_AND_BIRTH: _l("Names that sound alike, same date of birth"),
    Likeness.PHONE_AND_NAME: _l("Same name and phone number"),
    Likeness.PHONE_AND_BIRTH: _l("Same phone number and date of birth"),
    Likeness.TRANSPOSED_BIRTH: _l("Same name, date of birth with digits exchanged"),
    Likeness.TRANSPOSED_MRN: _l("Same name, MRN with digits exchanged"),
    Likeness.TRANSPOSED_PHONE: _l("Same name, phone number with digits exchanged"),
    Likeness.PHONE: _l("Same phone number"),
}
LANGUAGES: Mapping[Language, str] = {Language.ENGLISH: _l("English"), Language.CHINESE: _l("Chinese")}
CLASSES: Mapping[EncounterClass, str] = {
    EncounterClass.INPATIENT: _l("Inpatient stay"),
    EncounterClass.EMERGENCY: _l("Emergency visit"),
    EncounterClass.OBSERVATION: _l("Observation stay"),
    EncounterClass.SHORT_STAY: _l("Day case"),
    EncounterClass.AMBULATORY: _l("Outpatient visit"),
}
DISPOSITIONS: Mapping[Disposition, str] = {
    Disposition.HOME: _l("went home"),
    Disposition.HOME_CARE: _l("went home with care at home"),
    Disposition.ADMITTED: _l("was admitted to a ward"),
    Disposition.OTHER_FACILITY: _l("went to another facility"),
    Disposition.TRANSFER_ACUTE: _l("was moved to another hospital"),
    Disposition.AGAINST_ADVICE: _l("left against advice"),
    Disposition.EXPIRED: _l("died"),
    Disposition.HOSPICE: _l("went to a hospice"),
    Disposition.LEFT_WITHOUT_BEING_SEEN: _l("left without being seen"),
    Disposition.LEFT_BEFORE_COMPLETION: _l("left before the end of treatment"),
}
"""Where a stay ended, in words that follow a comma; an unknown end is not mentioned."""

LINES: Mapping[LineType, str] = {
    LineType.MOBILE: _l("mobile"),
    LineType.LANDLINE: _l("landline"),
    LineType.UNKNOWN: _l("kind of line not known"),
}
OWNERS: Mapping[OwnerKind, str] = {
    OwnerKind.PATIENT: _l("The patient's own"),
    OwnerKind.RELATIVE: _l("A relative's or another person's"),
}
RETIRED: Mapping[RetiredReason, str] = {
    RetiredReason.NOT_IN_SERVICE: _l("Not in service"),
    RetiredReason.WRONG_NUMBER: _l("Wrong number"),
    RetiredReason.REPLACED: _l("Replaced by another number"),
    RetiredReason.BY_REQUEST: _l("The owner asked not to be called"),
}
PURPOSES: Mapping[ConsentPurpose, str] = {
    ConsentPurpose.CARE: _l("Care follow-up"),
    ConsentPurpose.SURVEY: _l("Surveys"),
    ConsentPurpose.EDUCATION: _l("Health education"),
    ConsentPurpose.MARKETING: _l("Marketing"),
}
CHANNELS: Mapping[ConsentChannel, str] = {
    ConsentChannel.SMS: _l("SMS"),
    ConsentChannel.PHONE: _l("Phone call"),
    ConsentChannel.HOME_VISIT: _l("Home visit"),
}
HOW_SAID: Mapping[str, str] = {
    "phone": _l("By phone"),
    "in_person": _l("In person"),
    "written": _l("In writing"),
}
FLAGS: Mapping[PatientFlag, str] = {
    PatientFlag.DIAGNOSIS_NOT_TOLD: _l("Diagnosis not told to the patient"),
    PatientFlag.OPEN_DISPUTE: _l("Open dispute: no survey"),
    PatientFlag.LOSS_OF_BABY: _l("Loss of a baby"),
}
FLAG_HINTS: Mapping[PatientFlag, str] = {
    PatientFlag.DIAGNOSIS_NOT_TOLD: _l("Speak of the illness with the named relative only."),
    PatientFlag.OPEN_DISPUTE: _l("The complaints officer is in contact. Do not ask for an opinion."),
    PatientFlag.LOSS_OF_BABY: _l("Do not ask about the child."),
}
MERGE_REASONS: Mapping[str, str] = {
    "registered_twice": _l("Registered twice"),
    "name_changed": _l("Changed name or identity document"),
    "emergency_record": _l("First registered without a name in an emergency"),
    "other": _l("Another reason"),
}
"""Reasons that a person chooses from."""
MERGE_WORDS: Mapping[str, str] = {**MERGE_REASONS, "hl7": _l("Told by the hospital's system")}
RETIRED_WORDS: Mapping[str, str] = {reason.value: label for reason, label in RETIRED.items()}

TIMELINE_WORDS: Mapping[str, str] = {
    "patients.admitted": _l("Admitted"),
    "patients.discharged": _l("Discharged"),
    "patients.visit": _l("Visit"),
    "patients.cancelled": _l("Visit cancelled"),
    "patients.consent_given": _l("Agreed to be contacted"),
    "patients.consent_refused": _l("Does not want to be contacted"),
    "patients.number_retired": _l("A number is no longer used"),
    "patients.merged": _l("Records merged"),
    "patients.unmerged": _l("Merge taken back"),
}
TIMELINE_STATES: Mapping[str, tuple[str, str]] = {
    "patients.planned": ("plain", _l("Planned")),
    "patients.in_progress": ("info", _l("In hospital now")),
    "patients.cancelled": ("plain", _l("Cancelled")),
}
