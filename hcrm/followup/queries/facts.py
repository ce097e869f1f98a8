"""What the rules of plans and the risk look at in a stay, from what was read of it."""

from __future__ import annotations

from hcrm.followup.domain.eligibility import StayFacts
from hcrm.followup.domain.plan import RiskLevel
from hcrm.followup.domain.risk import RiskAssessment, assess_risk
from hcrm.followup.queries.enrolment import Candidate
from hcrm.patients.domain import DeceasedState, EncounterClass, age_in_years

_ACUTE_CLASSES = frozenset({EncounterClass.EMERGENCY.value, EncounterClass.OBSERVATION.value})


def stay_facts(each: Candidate, department: str, risk: RiskLevel, *, surgery: bool) -> StayFacts:
    """What the rules of plans look at in a finished stay; ``department`` is the department's code."""
    return StayFacts(
        encounter_class=each.encounter_class,
        disposition=each.disposition,
        post_acute=each.post_acute,
        finished=True,
        cancelled=False,
        discharged_on=each.discharged_on,
        died_on_ward=died_on_ward(each),
        department=department,
        diagnoses=tuple(filter(None, (each.principal_diagnosis, *each.diagnoses))),
        procedures=tuple(str(entry[0]) for entry in each.procedures or () if entry and entry[0]),
        surgery=surgery,
        age=age_in_years(each.birth_date, each.discharged_on),
        risk=risk,
    )


def stay_risk(each: Candidate, visits: int) -> RiskAssessment:
    """The risk of coming back; ``visits`` are those to an emergency department in the six months before."""
    nights = None if each.admitted_on is None else (each.discharged_on - each.admitted_on).days
    return assess_risk(
        days_in_hospital=nights,
        planned=False if each.encounter_class in _ACUTE_CLASSES else each.planned,
        diagnoses=(each.principal_diagnosis, *each.diagnoses),
        emergency_visits=visits,
    )


def died_on_ward(each: Candidate) -> bool:
    """Whether the patient is known to have died by the day of discharge."""
    if each.deceased_state == DeceasedState.NONE:
        return False
    return each.deceased_on is None or each.deceased_on <= each.discharged_on
