"""Which plan a discharge gets, and what ends a plan that runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from hcrm.followup.domain.plan import Eligibility, Plan, PlanScope, RiskLevel, plain_code
from hcrm.followup.domain.task import TaskReason

_ICD9CM3 = re.compile(r"(\d{2})(?:\.\d+)?(?:[xX]\d*)?")
_LAST_OPERATION_CHAPTER = 86
_OPERATION_WORDS = re.compile(
    "(?i)术|surg|operation|[a-z](ectomy|plasty|otomy|ostomy|desis)|repair|replacement|bypass|caesarean|cesarean|fixation"
)


@dataclass(frozen=True, slots=True)
class PublishedPlan:
    """A plan in force: its newest published version. ``label`` reads ``code:version`` and goes into sampling.

    Plans are tried in the order of ``position``.
    """

    plan_id: int
    plan_version_id: int
    version: int
    plan: Plan
    position: int = 100

    @property
    def label(self) -> str:
        return f"{self.plan.code}:{self.version}"


@dataclass(frozen=True, slots=True)
class StayFacts:
    """What of a stay decides about its plan. ``age`` is in full years on the day of discharge."""

    encounter_class: str
    disposition: str
    post_acute: bool
    finished: bool
    cancelled: bool
    discharged_on: date | None
    died_on_ward: bool = False
    department: str = ""
    diagnoses: tuple[str, ...] = ()
    procedures: tuple[str, ...] = ()
    surgery: bool = False
    age: int | None = None
    risk: RiskLevel = RiskLevel.LOW


def takes(rules: Eligibility, stay: StayFacts) -> bool:
    """Whether a plan with these rules is for this stay: every rule that says something has to hold."""
    return (
        rules.admits(stay.encounter_class, stay.disposition)
        and (not rules.departments or stay.department in rules.departments)
        and (not rules.risks or stay.risk in rules.risks)
        and rules.surgery in (None, stay.surgery)
        and _is_aged(rules, stay.age)
        and _has_one(stay.diagnoses, rules.diagnoses)
        and _has_one(stay.procedures, rules.procedures)
    )


def _is_aged(rules: Eligibility, age: int | None) -> bool:
    if rules.age_from is None and rules.age_until is None:
        return True
    if age is None:
        return False
    return (rules.age_from is None or rules.age_from <= age) and (rules.age_until is None or age <= rules.age_until)


def _has_one(codes: tuple[str, ...], prefixes: tuple[str, ...]) -> bool:
    return not prefixes or any(plain_code(code).startswith(prefixes) for code in codes)


def choose_plan(
    plans: Sequence[PublishedPlan], stay: StayFacts, scope: PlanScope = PlanScope.ENCOUNTER
) -> PublishedPlan | None:
    """The first plan of this scope that takes the stay; none while it goes on, after post-acute care, or when it ended
    in death.
    """
    if not stay.finished or stay.post_acute or stay.discharged_on is None or stay.died_on_ward:
        return None
    return next((each for each in plans if each.plan.scope is scope and takes(each.plan.eligibility, stay)), None)


_ENDING_DISPOSITIONS = {"expired": TaskReason.DECEASED, "transfer_acute": TaskReason.TRANSFERRED}


def reason_to_end(plan: Plan, stay: StayFacts) -> TaskReason | None:
    """Why a plan that runs has to end after the hospital corrected its record; None when it goes on."""
    if stay.cancelled or not stay.finished or stay.discharged_on is None:
        return TaskReason.ENTERED_IN_ERROR
    if stay.disposition in _ENDING_DISPOSITIONS:
        return _ENDING_DISPOSITIONS[stay.disposition]
    if stay.post_acute or not plan.eligibility.admits(stay.encounter_class, stay.disposition):
        return TaskReason.INELIGIBLE
    return None


def is_surgical(procedures: Iterable[Sequence[str | None]]) -> bool:
    """Whether one of the recorded procedures (code, words, day) is an operation.

    ICD-9-CM-3 codes up to chapter 86 are operations, 87 and above are tests and treatments. Without such a code the
    words decide.
    """
    return any(
        _is_operation(str(entry[0] or ""), str(entry[1] or "") if len(entry) > 1 else "") for entry in procedures
    )


def _is_operation(code: str, words: str) -> bool:
    match = _ICD9CM3.fullmatch(code.strip())
    if match is not None:
        return int(match.group(1)) <= _LAST_OPERATION_CHAPTER
    return _OPERATION_WORDS.search(f"{code} {words}") is not None


def ended_at(reason: TaskReason, *, discharged_at: datetime, now: datetime) -> datetime:
    """When what ends the plan happened: with the discharge itself for a transfer or a death, else now."""
    return discharged_at if reason in (TaskReason.DECEASED, TaskReason.TRANSFERRED) else now
