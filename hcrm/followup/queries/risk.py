"""The risk of coming back, with its parts, as it is known today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm.followup.domain.risk import RiskAssessment, assess_risk
from hcrm.followup.queries.enrolment import emergency_visits, id_array
from hcrm.patients.domain import EncounterClass, EncounterStatus
from hcrm.patients.models import Encounter
from hcrm.patients.queries import BED_CLASSES, records_of_persons

_ACUTE = (EncounterClass.EMERGENCY, EncounterClass.OBSERVATION)


@dataclass(frozen=True, slots=True)
class StayRisk:
    """The risk after one stay that ended on ``discharged_on``."""

    discharged_on: date
    risk: RiskAssessment


def patient_risk(session: Session, patient_id: int) -> StayRisk | None:
    """The risk after the person's last finished stay, over all their records; None without such a stay."""
    stay = session.scalars(
        select(Encounter)
        .where(
            Encounter.patient_id == func.any(id_array(records_of_persons(session, [patient_id]))),
            Encounter.encounter_class.in_(BED_CLASSES),
            Encounter.status == EncounterStatus.FINISHED,
            Encounter.discharged_on.is_not(None),
        )
        .order_by(Encounter.discharged_on.desc(), Encounter.id.desc())
        .limit(1)
    ).first()
    if stay is None or stay.discharged_on is None:
        return None
    nights = None if stay.admitted_on is None else (stay.discharged_on - stay.admitted_on).days
    found = assess_risk(
        days_in_hospital=nights,
        planned=False if stay.encounter_class in _ACUTE else stay.planned,
        diagnoses=(stay.principal_diagnosis, *stay.diagnoses),
        emergency_visits=emergency_visits(session, [stay.id]).get(stay.id, 0),
    )
    return StayRisk(stay.discharged_on, found)
