"""Which plans discharges get: one for the stay, and one of the patient beside it.

Stays that are alike in class and disposition are compared with the plans once; plans with narrower rules (department,
diagnosis, procedure, age, risk) look once at stays that are alike in these too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy.orm import Session

from hcrm.followup.domain.eligibility import PublishedPlan, is_surgical, takes
from hcrm.followup.domain.plan import PlanScope, RiskLevel
from hcrm.followup.queries.enrolment import Candidate, emergency_visits, running_patient_plans
from hcrm.followup.queries.facts import died_on_ward, stay_facts, stay_risk
from hcrm.followup.queries.plans import published_plans
from hcrm.organization.queries import departments
from hcrm.patients.domain import age_in_years


class Key(NamedTuple):
    """What the dated steps of a discharge depend on."""

    plan_version_id: int
    encounter_class: str
    discharged_on: date
    risk: RiskLevel
    surgery: bool
    has_clinician: bool


class Choice(NamedTuple):
    """A discharge with its plan and its risk."""

    stay: Candidate
    plan: PublishedPlan
    key: Key
    score: int


def choose(session: Session, facility_id: int, found: Sequence[Candidate]) -> list[Choice]:
    """The plans of these stays of one facility; a stay without any is left out.

    A plan of the patient that runs already, for this stay's person, is not begun again.
    """
    plans = published_plans(session, facility_id)
    open_to = _open_to(plans, found)
    if not open_to:
        return []
    visits = emergency_visits(session, [each.encounter_id for each, _ in open_to if not each.alone])
    codes = {each.id: each.code for each in departments(session, facility_id).values()}
    persons = [each.person_id for each, _ in open_to if not each.alone] if _any_of_patients(plans) else []
    running = running_patient_plans(session, persons)
    chosen: dict[tuple[object, ...], tuple[PublishedPlan, ...]] = {}
    by_age = any(_asks_for_age(plan) for plan in plans)
    choices = []
    for each, possible in open_to:
        surgery = is_surgical(each.procedures) if each.procedures else False
        risk = stay_risk(each, visits.get(each.encounter_id, 0))
        alike = (id(possible), risk.level, surgery, *_told(each, by_age=by_age))
        if alike not in chosen:
            department = codes.get(each.department_id or 0, "")
            chosen[alike] = tuple(_chosen(possible, each, department, risk.level, surgery=surgery))
        for plan in chosen[alike]:
            if plan.plan.scope is PlanScope.PATIENT:
                if (each.person_id, plan.plan_id) in running:
                    continue
                running.add((each.person_id, plan.plan_id))
            choices.append(Choice(each, plan, _key(each, plan, risk.level, surgery=surgery), risk.score))
    return choices


def _any_of_patients(plans: Iterable[PublishedPlan]) -> bool:
    return any(each.plan.scope is PlanScope.PATIENT for each in plans)


def _asks_for_age(plan: PublishedPlan) -> bool:
    rules = plan.plan.eligibility
    return rules.age_from is not None or rules.age_until is not None


def _told(each: Candidate, *, by_age: bool) -> tuple[object, ...]:
    """What narrow rules look at besides class, disposition, risk and surgery: stays alike in it get the same plans."""
    procedures = tuple(str(entry[0]) for entry in each.procedures if entry) if each.procedures else ()
    age = age_in_years(each.birth_date, each.discharged_on) if by_age else None
    return each.department_id, each.principal_diagnosis, tuple(each.diagnoses), procedures, age


def _open_to(
    plans: Sequence[PublishedPlan], found: Iterable[Candidate]
) -> list[tuple[Candidate, tuple[PublishedPlan, ...]]]:
    """The stays whose class and disposition some plan admits, with these plans, in order."""
    known: dict[tuple[object, ...], tuple[PublishedPlan, ...]] = {}
    open_to = []
    for each in found:
        alike = (each.encounter_class, each.disposition, each.post_acute, died_on_ward(each))
        if alike not in known:
            known[alike] = tuple(_admitting(plans, each))
        if known[alike]:
            open_to.append((each, known[alike]))
    return open_to


def _admitting(plans: Sequence[PublishedPlan], each: Candidate) -> Iterator[PublishedPlan]:
    if each.post_acute or died_on_ward(each):
        return
    for plan in plans:
        if plan.plan.eligibility.admits(each.encounter_class, each.disposition):
            yield plan


def _chosen(
    possible: Sequence[PublishedPlan], each: Candidate, department: str, risk: RiskLevel, *, surgery: bool
) -> Iterator[PublishedPlan]:
    """The plan of the stay and the plan of the patient among those that admit it."""
    if not any(plan.plan.eligibility.is_narrow for plan in possible):
        facts = None
    else:
        facts = stay_facts(each, department, risk, surgery=surgery)
    for scope in PlanScope:
        mine = (plan for plan in possible if plan.plan.scope is scope)
        for plan in mine:
            if facts is None or takes(plan.plan.eligibility, facts):
                yield plan
                break


def _key(each: Candidate, plan: PublishedPlan, risk: RiskLevel, *, surgery: bool) -> Key:
    return Key(
        plan_version_id=plan.plan_version_id,
        encounter_class=each.encounter_class,
        discharged_on=each.discharged_on,
        risk=risk,
        surgery=surgery,
        has_clinician=each.clinician_id is not None,
    )
