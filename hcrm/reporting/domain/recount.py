"""Revisit figures once more, from the written definitions alone: every pair of stays is looked at, nothing is clever.

It shares nothing with ``revisits`` but the shapes of stays and measures. The tests compare the two on made-up
histories, ``hcrm report verify`` on the records of the hospital.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from hcrm.reporting.domain.measures import Measure
from hcrm.reporting.domain.revisits import Stay

NEVER = datetime(9999, 1, 1, tzinfo=UTC)

Finding = tuple[int, str | None, bool, int | None]
"""Index, why it is excluded, whether provisional, the stay that is its revisit."""


def recount(
    stays: Iterable[Stay], measure: Measure, *, from_on: date | None, to_on: date | None, now: datetime
) -> set[Finding]:
    """What ``revisits.outcomes`` should have found for every episode that ended in the period."""
    by_person: dict[int, list[Stay]] = defaultdict(list)
    for stay in stays:
        by_person[stay.person_id].append(stay)
    found: set[Finding] = set()
    for own in by_person.values():
        indexes = _groups(own, measure.index_classes, measure)
        later = _groups(own, measure.revisit_classes, measure)
        for group in indexes:
            index = max(group, key=lambda stay: (_end(stay), _place(stay)))
            over = all(stay.discharged_at for stay in group)
            asked = not measure.index_diagnoses or any(
                _four(index.principal_diagnosis)[: len(code)] == code for code in measure.index_diagnoses
            )
            if over and asked and (from_on or date.min) <= _end_day(index) <= (to_on or date.max):
                found.add(_finding(index, [min(each, key=_place) for each in later], measure, now))
    return found


def _finding(index: Stay, beginnings: list[Stay], measure: Measure, now: datetime) -> Finding:
    reason = _why_excluded(index, measure)
    if reason:
        return index.id, reason, False, None
    revisit = _revisit(index, sorted((stay for stay in beginnings if _after(stay, index)), key=_place), measure)
    return index.id, None, not _window_over(index, measure, now), revisit.id if revisit else None


def _groups(own: list[Stay], classes: frozenset[str], measure: Measure) -> list[list[Stay]]:
    """Groups of stays that touch, directly or through others: merged until nothing changes any more."""
    groups = [[stay] for stay in own if stay.encounter_class in classes]
    merging = measure.link == "episode"
    while merging:
        merging = False
        for one in groups:
            touching = next((other for other in groups if other is not one and _any_touch(one, other)), None)
            if touching:
                groups = [each for each in groups if each is not one and each is not touching] + [one + touching]
                merging = True
                break
    return groups


def _any_touch(one: list[Stay], other: list[Stay]) -> bool:
    """Whether a later stay of ``other`` begins on or before the day on which an earlier one of ``one`` ended."""
    return any(_place(a) < _place(b) and _begin_day(b, a) <= _end_day(a) for a in one for b in other)


def _revisit(index: Stay, later: list[Stay], measure: Measure) -> Stay | None:
    suitable = [stay for stay in later if _acceptable(stay, index, measure)]
    if measure.counted == "first_decides":
        suitable = suitable[:1]
    if measure.unplanned_only:
        suitable = [stay for stay in suitable if stay.planned is not True]
    if measure.counted == "any":
        suitable = [stay for stay in suitable if _inside(stay, index, measure)]
    return suitable[0] if suitable and _inside(suitable[0], index, measure) else None


def _acceptable(stay: Stay, index: Stay, measure: Measure) -> bool:
    mine, theirs = _four(index.principal_diagnosis), _four(stay.principal_diagnosis)
    refused = (
        (measure.same_facility and stay.facility_id != index.facility_id)
        or (measure.same_department and (index.department_id is None or stay.department_id != index.department_id))
        or (measure.no_return_plan and index.readmission_plan_31d)
        or (measure.same_diagnosis and (not mine or mine != theirs))
        or theirs in measure.ignored_diagnoses
    )
    return not refused


def _four(diagnosis: str) -> str:
    """Letter, two digits or letters and one more, if the text begins with an ICD-10 code."""
    words = diagnosis.upper().replace(".", "").split()
    word = words[0] if words else ""
    code = ""
    for character in word:
        if not (character.isascii() and character.isalnum()):
            break
        code += character
    is_code = len(code) >= 3 and code[0].isalpha() and code[1].isdigit() and len(code) <= 10
    return code[:4] if is_code else ""


def _why_excluded(index: Stay, measure: Measure) -> str | None:
    dead = index.disposition == "expired" or (index.deceased_on is not None and index.deceased_on <= _end_day(index))
    if dead:
        return "died"
    for disposition in ("admitted", "against_advice", "transfer_acute"):
        if index.disposition == disposition and disposition in measure.excluded:
            return disposition
    if "return_planned" in measure.excluded and index.readmission_plan_31d:
        return "return_planned"
    return None


def _after(stay: Stay, index: Stay) -> bool:
    ended = _end(index)
    by_day_only = ended.astimezone(index.zone).strftime("%H%M%S%f") == "000000000000"
    return stay.admitted_at > ended or (stay.admitted_at == ended and by_day_only and _place(stay) > _place(index))


def _inside(stay: Stay, index: Stay, measure: Measure) -> bool:
    if measure.unit == "hours":
        hours = (stay.admitted_at - _end(index)).total_seconds() / 3600
        return measure.first <= hours <= measure.last
    days = (_begin_day(stay, index) - _end_day(index)).days + measure.discharge_day
    return measure.first <= days <= measure.last


def _window_over(index: Stay, measure: Measure, now: datetime) -> bool:
    if measure.unit == "hours":
        return now > _end(index) + timedelta(hours=measure.last)
    today = now.astimezone(index.zone).date()
    return (today - _end_day(index)).days + measure.discharge_day > measure.last


def _end(stay: Stay) -> datetime:
    return stay.discharged_at or NEVER


def _end_day(stay: Stay) -> date:
    return _end(stay).astimezone(stay.zone).date() if stay.discharged_at else NEVER.date()


def _begin_day(stay: Stay, seen_from: Stay) -> date:
    return stay.admitted_at.astimezone(seen_from.zone).date()


def _place(stay: Stay) -> tuple[datetime, datetime, int]:
    return stay.admitted_at, _end(stay), stay.id
