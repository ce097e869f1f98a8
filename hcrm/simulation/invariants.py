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
    """A day to look back at: ``texts_before`` is the newest text of the day before, ``looked_at`` when the worker last
    looked at what was due, ``now`` the end of the day.
    """

    day: date
    facility_id: int
    zone: ZoneInfo
    texts_before: int
    visit_numbers: Sequence[str]
    looked_at: datetime
    now: datetime

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
