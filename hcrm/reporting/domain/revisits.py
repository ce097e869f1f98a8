"""Who came back: episodes, indexes, revisits and their counts, from the stays of each person.

The rules are those of docs/figures.md. A brute-force recomputation in the tests follows the same definitions by
another way; both must agree on every history.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from hcrm.reporting.domain.measures import Counted, Exclusion, Link, Measure, Unit

Key = TypeVar("Key", bound=Hashable)

_ICD_10 = re.compile(r"[A-Z][0-9][0-9A-Z](?:\.?[0-9A-Z]{1,7})?(?![0-9A-Z])")
_FAR = datetime.max.replace(tzinfo=UTC)


class Stay(NamedTuple):
    """One finished or running stay of an acute class, as far as revisits need it (a tuple: there are many of them).

    ``admitted_at`` and ``discharged_at`` (None while in progress) are aware; ``admitted_on`` and ``discharged_on``
    are their days in ``zone``, the zone of the stay's own facility. Cancelled, planned and post-acute stays are none
    of these. ``planned`` None means unknown, which counts as unplanned. ``weight`` is above 1 when the stay stands for
    so many others that no figure of days can tell apart from it.
    """

    id: int
    person_id: int
    facility_id: int
    zone: ZoneInfo
    encounter_class: str
    admitted_at: datetime
    admitted_on: date
    discharged_at: datetime | None
    discharged_on: date | None
    planned: bool | None = None
    disposition: str = "unknown"
    principal_diagnosis: str = ""
    readmission_plan_31d: bool | None = None
    deceased_on: date | None = None
    department_id: int | None = None
    clinician_id: int | None = None
    patient_id: int = 0
    weight: int = 1

    @property
    def died(self) -> bool:
        """Disposition ``expired``, or a death date on or before the day of discharge."""
        if self.disposition == "expired":
            return True
        return (
            self.deceased_on is not None and self.discharged_on is not None and self.deceased_on <= self.discharged_on
        )

    def admitted_on_in(self, zone: ZoneInfo) -> date:
        """The calendar day of admission as the clock on another facility's wall shows it."""
        return self.admitted_on if zone.key == self.zone.key else self.admitted_at.astimezone(zone).date()


class Episode(NamedTuple):
    """Stays that touch each other, or one stay where a measure does not link: it begins with ``first``.

    ``last`` is the stay that ended last: department, disposition and death are its.
    """

    first: Stay
    last: Stay


@dataclass(frozen=True, slots=True)
class Outcome:
    """One episode that ended in the period: why it is no index, or whether and when the patient came back.

    ``days`` are calendar days from discharge to the revisit, ``hours`` those elapsed; both None without a revisit.
    ``followed_days`` is how long the patient could be seen to come back (to the end of the window at most).
    """

    index: Stay
    excluded: Exclusion | None
    provisional: bool = False
    revisit: Stay | None = None
    days: int | None = None
    followed_days: int = 0


@dataclass(slots=True)
class RevisitCounts:
    """Numerator, denominator, exclusions by reason, revisits by band of days, and indexes still inside the window."""

    numerator: int = 0
    denominator: int = 0
    provisional: int = 0
    excluded: dict[str, int] = field(default_factory=dict)
    bands: dict[str, int] = field(default_factory=dict)


def episodes(stays: Sequence[Stay], link: Link) -> list[Episode]:
    """The episodes of one person's stays, in order of their beginning."""
    ordered = sorted(stays, key=_order)
    if link is Link.NONE:
        return [Episode(stay, stay) for stay in ordered]
    found: list[Episode] = []
    for stay in ordered:
        if found and _touches(found[-1].last, stay):
            found[-1] = Episode(found[-1].first, _ended_last(found[-1].last, stay))
        else:
            found.append(Episode(stay, stay))
    return found


def outcomes(
    stays: Iterable[Stay], measure: Measure, *, from_on: date | None, to_on: date | None, now: datetime
) -> Iterator[Outcome]:
    """Every episode of an index class that ended in the period, with what became of it.

    ``stays`` must hold all stays of the measure's classes of every person with such an episode, in any order.
    """
    by_person: dict[int, list[Stay]] = defaultdict(list)
    for stay in stays:
        by_person[stay.person_id].append(stay)
    period = from_on or date.min, to_on or date.max
    clock = _Clock(now)
    for person_stays in by_person.values():
        yield from _person_outcomes(person_stays, measure, period, clock)


def again(index: Stay, measure: Measure, excluded: Exclusion | None, days: int | None, now: datetime) -> Outcome:
    """The outcome of an index of which it is known whether (``excluded``) and when (``days``) the patient came back.

    What depends on the clock is decided anew. The revisit, where there is one, is stood for by the index itself. Only
    for measures of days.
    """
    if excluded is not None:
        return Outcome(index, excluded)
    clock = _Clock(now)
    provisional = _still_inside(index, measure, clock)
    if days is None:
        return Outcome(index, None, provisional, followed_days=_watched_days(index, measure, clock))
    return Outcome(index, None, provisional, index, days, followed_days=days)


def count(found: Iterable[Outcome], measure: Measure, key: Callable[[Stay], Key]) -> dict[Key, RevisitCounts]:
    """Count outcomes in groups; ``key`` names the group of an index (its department, month …)."""
    groups: dict[Key, RevisitCounts] = defaultdict(_empty_counts(measure))
    for outcome in found:
        counts = groups[key(outcome.index)]
        if outcome.excluded is not None:
            reason = outcome.excluded.value
            counts.excluded[reason] = counts.excluded.get(reason, 0) + outcome.index.weight
            continue
        counts.denominator += outcome.index.weight
        counts.provisional += outcome.index.weight * outcome.provisional
        if outcome.revisit is not None:
            counts.numerator += outcome.index.weight
            _add_to_band(counts, measure, outcome.days, outcome.index.weight)
    return dict(groups)


def _empty_counts(measure: Measure) -> Callable[[], RevisitCounts]:
    return lambda: RevisitCounts(bands={band_name(*band): 0 for band in measure.bands})


def _add_to_band(counts: RevisitCounts, measure: Measure, days: int | None, weight: int) -> None:
    for low, high in measure.bands:
        if days is not None and low <= days <= high:
            counts.bands[band_name(low, high)] += weight


def band_name(low: int, high: int) -> str:
    """The name of a range of days: ``0``, ``2-15``."""
    return str(low) if low == high else f"{low}-{high}"


class _Clock:
    """The moment of the report, and what day it is then in each zone."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._days: dict[str, date] = {}

    def today(self, zone: ZoneInfo) -> date:
        day = self._days.get(zone.key)
        if day is None:
            day = self._days[zone.key] = self.now.astimezone(zone).date()
        return day


def _person_outcomes(
    stays: list[Stay], measure: Measure, period: tuple[date, date], clock: _Clock
) -> Iterator[Outcome]:
    indexes = _episodes_of(stays, measure.index_classes, measure.link)
    later: list[Episode] | None = None
    for episode in indexes:
        index = episode.last
        if index.discharged_on is None or not period[0] <= index.discharged_on <= period[1]:
            continue
        if not _is_asked_about(index, measure):
            continue
        excluded = _exclusion(index, measure)
        if excluded is not None:
            yield Outcome(index, excluded)
            continue
        if later is None:
            same = measure.revisit_classes == measure.index_classes
            later = indexes if same else _episodes_of(stays, measure.revisit_classes, measure.link)
        yield _follow(index, later, measure, clock)


def _is_asked_about(index: Stay, measure: Measure) -> bool:
    """Whether the measure is about the principal diagnosis of the index."""
    return not measure.index_diagnoses or icd_4(index.principal_diagnosis).startswith(measure.index_diagnoses)


def _episodes_of(stays: list[Stay], classes: frozenset[str], link: Link) -> list[Episode]:
    """Episodes among the stays of some classes."""
    if len(stays) == 1:
        (only,) = stays
        return [Episode(only, only)] if only.encounter_class in classes else []
    return episodes([stay for stay in stays if stay.encounter_class in classes], link)


def _follow(index: Stay, candidates: list[Episode], measure: Measure, clock: _Clock) -> Outcome:
    revisit = _revisit(index, candidates, measure)
    provisional = _still_inside(index, measure, clock)
    if revisit is None:
        return Outcome(index, None, provisional, followed_days=_watched_days(index, measure, clock))
    days = _days(index, revisit, measure)
    return Outcome(index, None, provisional, revisit, days, followed_days=days)


def _revisit(index: Stay, candidates: list[Episode], measure: Measure) -> Stay | None:
    """The first stay of the episode that counts as coming back, or None."""
    for candidate in candidates:
        stay = candidate.first
        if not _begins_after(stay, index) or not _suits(index, stay, measure):
            continue
        if _in_window(index, stay, measure):
            decided_against = measure.counted is Counted.FIRST_DECIDES and stay.planned is True
            return None if decided_against else stay
        if measure.counted is not Counted.ANY:
            return None
    return None


def _begins_after(stay: Stay, index: Stay) -> bool:
    """Whether ``stay`` begins after ``index`` ended.

    A source that knows days only gives midnight for both: then the stay that comes second on that day is after.
    """
    ended = index.discharged_at or _FAR
    if stay.admitted_at != ended:
        return stay.admitted_at > ended
    local = ended.astimezone(index.zone)
    return local.hour == local.minute == local.second == local.microsecond == 0 and _order(stay) > _order(index)


def _suits(index: Stay, stay: Stay, measure: Measure) -> bool:
    """Whether a later stay is of the kind that the measure counts, wherever it lies in time."""
    if measure.unplanned_only and measure.counted is not Counted.FIRST_DECIDES and stay.planned is True:
        return False
    if measure.no_return_plan and index.readmission_plan_31d is True:
        return False
    return _place_suits(index, stay, measure) and _diagnosis_suits(index, stay, measure)


def _place_suits(index: Stay, stay: Stay, measure: Measure) -> bool:
    if measure.same_facility and stay.facility_id != index.facility_id:
        return False
    return not measure.same_department or (
        index.department_id is not None and stay.department_id == index.department_id
    )


def _diagnosis_suits(index: Stay, stay: Stay, measure: Measure) -> bool:
    if not (measure.same_diagnosis or measure.ignored_diagnoses):
        return True
    mine, theirs = icd_4(index.principal_diagnosis), icd_4(stay.principal_diagnosis)
    if theirs in measure.ignored_diagnoses:
        return False
    return not measure.same_diagnosis or (mine != "" and mine == theirs)


def icd_4(diagnosis: str) -> str:
    """The first four characters of the ICD-10 code that ``diagnosis`` begins with, the point left out.

    ``I21.001``, ``i210`` and ``I21.0 heart attack`` are ``I210``; text without a code is empty.
    """
    code = _ICD_10.match(diagnosis.strip().upper())
    return code.group().replace(".", "")[:4] if code else ""


def _in_window(index: Stay, stay: Stay, measure: Measure) -> bool:
    if measure.unit is Unit.HOURS:
        elapsed = stay.admitted_at - (index.discharged_at or _FAR)
        return timedelta(hours=measure.first) <= elapsed <= timedelta(hours=measure.last)
    return measure.first <= _days(index, stay, measure) <= measure.last


def _days(index: Stay, stay: Stay, measure: Measure) -> int:
    """Calendar days from discharge to admission in the index's zone; the day of discharge is ``discharge_day``."""
    discharged_on = index.discharged_on or date.max
    return (stay.admitted_on_in(index.zone) - discharged_on).days + measure.discharge_day


def _window_days(measure: Measure) -> int:
    """Calendar days after the day of discharge that the window touches."""
    return -(-measure.last // 24) if measure.unit is Unit.HOURS else measure.last - measure.discharge_day


def _still_inside(index: Stay, measure: Measure, clock: _Clock) -> bool:
    """Whether a revisit could still come inside the window."""
    if measure.unit is Unit.HOURS:
        return clock.now <= (index.discharged_at or _FAR) + timedelta(hours=measure.last)
    return _days_since(index, clock) <= _window_days(measure)


def _watched_days(index: Stay, measure: Measure, clock: _Clock) -> int:
    """Days during which a return would have been seen: to the end of the window, today, or the patient's death."""
    watched = min(_window_days(measure), _days_since(index, clock))
    if index.deceased_on is not None and index.discharged_on is not None:
        watched = min(watched, (index.deceased_on - index.discharged_on).days)
    return max(0, watched)


def _days_since(index: Stay, clock: _Clock) -> int:
    return (clock.today(index.zone) - (index.discharged_on or date.max)).days


def _exclusion(index: Stay, measure: Measure) -> Exclusion | None:
    if index.died:
        return Exclusion.DIED
    by_disposition = _EXCLUDING_DISPOSITIONS.get(index.disposition)
    if by_disposition in measure.excluded:
        return by_disposition
    if Exclusion.RETURN_PLANNED in measure.excluded and index.readmission_plan_31d is True:
        return Exclusion.RETURN_PLANNED
    return None


_EXCLUDING_DISPOSITIONS = {
    "admitted": Exclusion.ADMITTED,
    "against_advice": Exclusion.AGAINST_ADVICE,
    "transfer_acute": Exclusion.TRANSFER_ACUTE,
}


def _order(stay: Stay) -> tuple[datetime, datetime, int]:
    return stay.admitted_at, stay.discharged_at or _FAR, stay.id


def _touches(previous: Stay, following: Stay) -> bool:
    """Whether the next stay begins on or before the day the previous ended (one in progress has not ended)."""
    if previous.discharged_on is None:
        return True
    return following.admitted_on_in(previous.zone) <= previous.discharged_on


def _ended_last(one: Stay, other: Stay) -> Stay:
    return other if (other.discharged_at or _FAR) >= (one.discharged_at or _FAR) else one
