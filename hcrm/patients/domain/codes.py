"""The closed vocabularies of patients and their stays; values are what the database and the exports keep."""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Final


class ExplicitNull(Enum):
    """Marks a field that a record empties on purpose (HL7 ``""``), as against one that it does not mention."""

    NULL = None


EXPLICIT_NULL: Final = ExplicitNull.NULL


class RowKind(StrEnum):
    """What a record says about a visit: how it stands, or that it never was."""

    STAY = "stay"
    CANCEL = "cancel"


class Sex(StrEnum):
    """Administrative sex."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"
    UNKNOWN = "unknown"


class Language(StrEnum):
    """Languages in which a patient can be written to."""

    ENGLISH = "en"
    CHINESE = "zh_Hans"


class EncounterClass(StrEnum):
    """HL7 v3 ActCode, as far as this program tells classes apart."""

    INPATIENT = "IMP"
    EMERGENCY = "EMER"
    OBSERVATION = "OBSENC"
    SHORT_STAY = "SS"
    AMBULATORY = "AMB"


class EncounterStatus(StrEnum):
    """How far a stay has come."""

    PLANNED = "planned"
    IN_PROGRESS = "in_progress"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class Disposition(StrEnum):
    """Where a stay ended."""

    HOME = "home"
    HOME_CARE = "home_care"
    ADMITTED = "admitted"
    OTHER_FACILITY = "other_facility"
    TRANSFER_ACUTE = "transfer_acute"
    AGAINST_ADVICE = "against_advice"
    EXPIRED = "expired"
    HOSPICE = "hospice"
    LEFT_WITHOUT_BEING_SEEN = "left_without_being_seen"
    LEFT_BEFORE_COMPLETION = "left_before_completion"
    UNKNOWN = "unknown"


class LineType(StrEnum):
    """What kind of line a number is; only a mobile takes an SMS."""

    MOBILE = "mobile"
    LANDLINE = "landline"
    UNKNOWN = "unknown"


class OwnerKind(StrEnum):
    """Whose number it is."""

    PATIENT = "patient"
    RELATIVE = "relative"


class RetiredReason(StrEnum):
    """Why a number is no longer used."""

    NOT_IN_SERVICE = "not_in_service"
    WRONG_NUMBER = "wrong_number"
    REPLACED = "replaced"
    BY_REQUEST = "by_request"


class DeceasedState(StrEnum):
    """Whether a patient is known to have died; a report from a caller waits to be confirmed."""

    NONE = "none"
    PENDING = "pending"
    CONFIRMED = "confirmed"


class ConsentPurpose(StrEnum):
    """What a patient agrees to be contacted for."""

    CARE = "care"
    SURVEY = "survey"
    EDUCATION = "education"
    MARKETING = "marketing"


class ConsentChannel(StrEnum):
    """How a patient agrees to be contacted."""

    SMS = "sms"
    PHONE = "phone"
    HOME_VISIT = "home_visit"


CONSENT_DEFAULTS: Final = {
    ConsentPurpose.CARE: True,
    ConsentPurpose.SURVEY: True,
    ConsentPurpose.EDUCATION: False,
    ConsentPurpose.MARKETING: False,
}
"""What holds while a patient has said nothing: care and surveys go on, education and marketing need a yes."""


class PatientFlag(StrEnum):
    """What every caller has to see first."""

    DIAGNOSIS_NOT_TOLD = "diagnosis_not_told"
    OPEN_DISPUTE = "open_dispute"
    LOSS_OF_BABY = "loss_of_baby"
