"""Which plan a discharge gets, and what ends a plan that runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from hcrm.followup.domain.plan import Plan
from hcrm.followup.domain.task import TaskReason

_ICD9CM3 = re.compile(r"(\d{2})(?:\.\d+)?(?:[xX]\d*)?")
_LAST_OPERATION_CHAPTER = 86
_OPERATION_WORDS = re.compile(
    "(?i)术|surg|operation|[a-z](ectomy|plasty|otomy|ostomy|desis)|repair|replacement|bypass|caesarean|cesarean|fixation"
)


@dataclass(frozen=True, slots=True)
class PublishedPlan:
    """A plan in force: its newest published version. ``label`` reads ``code:version`` and goes into sampling."""

    plan_id: int
    plan_version_id: int
    version: int
    plan: Plan

    @property
    def label(self) -> str:
        return f"{self.plan.code}:{self.version}"


@dataclass(frozen=True, slots=True)
class StayFacts:
    """What of a stay decides about its plan."""

    encounter_class: str
    disposition: str
    post_acute: bool
    finished: bool
    cancelled: bool
    discharged_on: date | None
    died_on_ward: bool = False


def choose_plan(plans: Sequence[PublishedPlan], stay: StayFacts) -> PublishedPlan | None:
    """The first plan that admits the stay; none while it goes on, after post-acute care, or when it ended in death."""
    if not stay.finished or stay.post_acute or stay.discharged_on is None or stay.died_on_ward:
        return None
    return next((each for each in plans if each.plan.eligibility.admits(stay.encounter_class, stay.disposition)), None)


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
