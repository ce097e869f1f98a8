"""What must be true after every simulated day, looked up in what the day left behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from hcrm.reporting.domain.reports import By, Selection
from hcrm.reporting.service import followup_report, verify
from hcrm.simulation.people import STOPS
from hcrm.simulation.queries import evidence
from hcrm.simulation.told import Merge, Told

MORNING, EVENING = time(8), time(20)
"""The hours in which texts may go out, as the hospitals of the simulation have them."""

LONGEST_PLAN = timedelta(days=45)
FIGURES_OF = timedelta(days=7)
"""How many days back the tasks are counted a second time after each day."""

EXCLUDED = {
    "readmitted", "deceased", "transferred", "opted_out", "duplicate_merged", "entered_in_error",
    "condition_not_met", "ineligible", "superseded",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DayPlayed:
    """A day to look back at: ``texts_before`` is the newest text of the day before, ``told`` and ``merges`` what the
    records said that came in on its morning, ``looked_at`` when the worker last looked at what was due, ``now`` the end
    of the day.
    """

    day: date
    facility_id: int
    zone: ZoneInfo
    texts_before: int
    told: Sequence[Told]
    merges: Sequence[Merge]
    looked_at: datetime
    now: datetime

    @property
    def visit_numbers(self) -> list[str]:
        """The visits that the day's records are about."""
        return [each.visit_number for each in self.told]

    @property
    def morning(self) -> datetime:
        return datetime.combine(self.day, time.min, self.zone)


Found = Sequence[int | str]


def broken(session: Session, played: DayPlayed) -> Iterator[str]:
    """A sentence for each invariant that does not hold, with how often and the first id."""
    for sentence, look in _INVARIANTS:
        found = look(session, played)
        if found:
            yield f"{played.day}: {sentence} ({len(found)}, the first: {found[0]})."


def _at_night(session: Session, played: DayPlayed) -> Found:
    """Answers to what somebody has just written go out at any hour."""
    return [
        each.id
        for each in evidence.deliveries(session, played.texts_before)
        if each.in_reply_to is None and not MORNING <= each.delivered_at.astimezone(played.zone).time() < EVENING
    ]


def _to_the_dead(session: Session, played: DayPlayed) -> Found:
    return evidence.texts_to_the_dead(session, played.texts_before, played.morning)


def _to_the_stopped(session: Session, played: DayPlayed) -> Found:
    return evidence.texts_to_the_stopped(session, played.texts_before, tuple(STOPS.values()))


def _twice(session: Session, played: DayPlayed) -> Found:
    return evidence.sent_twice(session, played.texts_before)


def _not_told(session: Session, played: DayPlayed) -> Found:
    return evidence.not_told(session, played.texts_before)


def _stuck(session: Session, played: DayPlayed) -> Found:
    return evidence.stuck_messages(session, played.looked_at)


def _not_arrived(session: Session, played: DayPlayed) -> Found:
    return evidence.not_arrived(session, played.facility_id, played.visit_numbers)


def _otherwise(session: Session, played: DayPlayed) -> Found:
    """The stays of the feed as their hospital knows them, against what is stored: corrected, taken back, gone home."""
    stored = {each.visit_number: each for each in evidence.stays(session, played.facility_id, played.visit_numbers)}
    return [
        told.visit_number
        for told in played.told
        if (stay := stored.get(told.visit_number)) is not None and not _agree(told, stay, played.zone)
    ]


def _agree(told: Told, stay: evidence.StayStored, zone: ZoneInfo) -> bool:
    if told.cancelled or told.discharged_at is None:
        return stay.status == ("cancelled" if told.cancelled else "in_progress")
    left = stay.discharged_at.astimezone(zone).replace(tzinfo=None) if stay.discharged_at is not None else None
    known = (stay.status, left, stay.disposition, stay.diagnosis)
    return known == ("finished", told.discharged_at, told.disposition, told.diagnosis)


def _refused(session: Session, played: DayPlayed) -> Found:
    return evidence.refused_batches(session, played.facility_id, played.morning)


def _left_waiting(session: Session, played: DayPlayed) -> Found:
    return evidence.left_waiting(session, played.facility_id, played.morning)


def _two_persons(session: Session, played: DayPlayed) -> Found:
    return evidence.two_persons(session, played.facility_id, played.merges)


def _about_cancelled(session: Session, played: DayPlayed) -> Found:
    return evidence.texts_about_cancelled(session, played.texts_before)


def _plans_of_cancelled(session: Session, played: DayPlayed) -> Found:
    return evidence.plans_of_cancelled(session, played.facility_id, played.visit_numbers)


def _without_plan(session: Session, played: DayPlayed) -> Found:
    return evidence.without_plan(session, played.facility_id, played.visit_numbers)


def _steps_missing(session: Session, played: DayPlayed) -> Found:
    return evidence.steps_missing(session, played.facility_id, played.visit_numbers)


def _not_handed_over(session: Session, played: DayPlayed) -> Found:
    return evidence.not_handed_over(session, played.looked_at)


def _contradictory(session: Session, played: DayPlayed) -> Found:
    return evidence.contradictory(session, played.day - LONGEST_PLAN)


def _ended_too_early(session: Session, played: DayPlayed) -> Found:
    return evidence.ended_too_early(session, played.day - LONGEST_PLAN)


def _miscounted(session: Session, played: DayPlayed) -> Found:
    return evidence.calls_miscounted(session, played.day - LONGEST_PLAN)


def _figures_differ(session: Session, played: DayPlayed) -> Found:
    """The follow-up funnel of the last days, against each task counted by hand."""
    first, last = played.day - FIGURES_OF, played.day
    selection = Selection(first, last, {played.facility_id: None})
    funnel = followup_report(session, selection=selection, by=By.NONE, now=played.now).total.funnel
    counted: Counter[str] = Counter()
    for task in evidence.tasks_due(session, played.facility_id, first, last):
        counted.update(_places(task, played.now, played.zone))
    reported = {
        "planned": funnel.planned,
        "excluded": sum(funnel.excluded.values()),
        "open": funnel.open,
        "due": funnel.due,
        "attempted": funnel.attempted,
        "reached": funnel.reached,
        "completed": funnel.completed,
        "completed_in_time": funnel.completed_in_time,
    }
    return [
        f"{name} is {value}, counted one by one it is {counted[name]}"
        for name, value in reported.items()
        if value != counted[name]
    ]


def _places(task: evidence.TaskDue, now: datetime, zone: ZoneInfo) -> Iterator[str]:
    """Where one task counts, by the written definitions (domain, section 9)."""
    yield "planned"
    if _is_excluded(task):
        yield "excluded"
    elif task.status in {"open", "on_hold"} and now <= task.due_at:
        yield "open"
    else:
        yield "due"
        if task.first_attempt_at is not None:
            yield "attempted"
        if task.reached_at is not None:
            yield "reached"
        if task.status == "completed":
            yield "completed"
            if task.completed_at is not None and task.completed_at.astimezone(zone).date() <= task.due_on:
                yield "completed_in_time"


def _is_excluded(task: evidence.TaskDue) -> bool:
    if task.status not in {"cancelled", "entered_in_error"} or task.ended_at is None or task.ended_at > task.due_at:
        return False
    of_survey = (task.questionnaire_code or "").startswith("SAT")
    return (
        task.status == "entered_in_error" or task.reason in EXCLUDED or (of_survey and task.reason == "fatigue_limit")
    )


_INVARIANTS: Sequence[tuple[str, Callable[[Session, DayPlayed], Found]]] = (
    ("texts were sent at night", _at_night),
    ("texts were sent to people who had died", _to_the_dead),
    ("texts were sent to numbers that had said STOP", _to_the_stopped),
    ("messages reached a phone twice", _twice),
    ("messages reached a phone and do not stand as delivered", _not_told),
    ("messages were left in doubt or passed over", _stuck),
    ("visits of the feed are not in the database", _not_arrived),
    ("stays are not stored as the feed has them", _otherwise),
    ("records of the feed were refused", _refused),
    ("messages of the feed have waited for more than a day", _left_waiting),
    ("numbers that were merged are still two persons", _two_persons),
    ("texts were sent about stays that had been entered in error", _about_cancelled),
    ("plans go on for stays that had been entered in error", _plans_of_cancelled),
    ("stays that went home alive have no plan", _without_plan),
    ("plans lack a step that everybody gets", _steps_missing),
    ("steps by text were due and not handed over", _not_handed_over),
    ("tasks contradict themselves", _contradictory),
    ("plans count as done while something is open", _ended_too_early),
    ("calls were not counted as often as they were made", _miscounted),
    ("a figure differs from its recount", _figures_differ),
)


def broken_figures(session: Session, now: datetime) -> list[str]:
    """A sentence for each figure over all records that differs from its recomputation."""
    return [
        f"The figure {each.figure} differs from its recomputation in {each.differences} of {each.records} records."
        for each in verify(session, now)
        if each.differences
    ]
