"""What holds an open task that a person does, at this moment: the rules tried in advance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from hcrm.followup.domain.why import Told
from hcrm.messaging.domain import Foresight

Hours = Sequence[tuple[time, time]]


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is known of an open task of a person.

    ``call_from``: from when, once it is ready, calling hours allow it; None where no call is made (a home visit).
    ``numbers``: how many numbers can be dialled. ``in_hands_of``: who has it open.
    """

    opens_at: datetime
    closes_at: datetime
    call_from: datetime | None
    waits_until: datetime | None = None
    deceased: bool = False
    refused: bool = False
    numbers: int = 1
    in_hands_of: int | None = None

    def ready_at(self, now: datetime) -> datetime:
        """When neither its window nor a time set for the next try holds it any more."""
        return max(now, self.opens_at, self.waits_until or now)


def foresee_call(facts: CallFacts, now: datetime) -> list[Told]:
    """Every rule that would hold the task now, then when it can be done; that line is left out where it cannot be."""
    held = list(_never(facts))
    waits = list(_waits(facts, now))
    if held or facts.in_hands_of is not None:
        return [*waits, *held]
    at = max([now, *(each.at for each in waits if each.at is not None)])
    return [*waits, Told("can_be_done" if at <= now else "can_be_done_from", "", at)]


def _waits(facts: CallFacts, now: datetime) -> Iterator[Told]:
    if facts.opens_at > now:
        yield Told("holds_window", "", facts.opens_at)
    if facts.waits_until is not None and facts.waits_until > now:
        yield Told("holds_callback", "", facts.waits_until)
    if facts.call_from is not None and facts.call_from > facts.ready_at(now):
        yield Told("holds_hours", "", facts.call_from)
    if facts.in_hands_of is not None:
        yield Told("holds_lease", str(facts.in_hands_of))


def _never(facts: CallFacts) -> Iterator[Told]:
    if facts.deceased:
        yield Told("holds_death", "")
    if facts.refused:
        yield Told("holds_refused", "")
    if facts.call_from is not None and not facts.numbers:
        yield Told("holds_number", "")


def told_ahead(text: Foresight) -> list[Told]:
    """What would hold the text of a step on its way, rule by rule (the fact is messaging's own code and fact, joined by
    a colon), then what would become of it.
    """
    held = [Told("text_waits", f"{each.rule}:{each.fact}", each.until) for each in text.held]
    if text.goes_at is not None:
        return [*held, Told("text_goes", "", text.goes_at)]
    last = text.decision.checks[-1]
    if text.reason is None:
        return held
    return [*held, Told("text_stops", f"{last.code}:{last.fact}", text.at), Told("text_ends", text.reason.value)]


def next_call(now: datetime, hours: Hours, zone: tzinfo) -> datetime:
    """``now`` inside the calling hours, else when they begin next, in UTC; ``hours`` are in order, one part or more."""
    local = now.astimezone(zone)
    if any(begins <= local.time() < ends for begins, ends in hours):
        return now
    today = [begins for begins, _ends in hours if begins > local.time()]
    day = local.date() if today else local.date() + timedelta(days=1)
    return datetime.combine(day, today[0] if today else hours[0][0], zone).astimezone(UTC)
