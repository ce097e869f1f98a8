"""Who makes the calls: hours, weekdays, departments, languages and how good each of them is at it. Pure."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time

from hcrm.followup.domain.plan import StepChannel
from hcrm.simulation.queries import OpenAlert, WaitingCall

CALLS_PER_ROUND = 12
"""Calls that an average caller gets through between two rounds of a day."""

CALLS_PER_NURSE = 12
"""Calls a day that one more ward nurse is hired for; the service centre and the outreach team likewise."""

SURVEYS_PER_AGENT = 14
VISITS_PER_WORKER = 4
HOME_VISITS = 0.06
SURVEYS_BY_PHONE = 0.9
FIRST_CALLS = 1.4
"""Home visits, calls of the service centre and calls of a ward, with the ones made again, for each discharge."""

RECALL = "RECALL"
SHIFTS = (
    (time(8), time(16), frozenset(range(5))),
    (time(11), time(20), frozenset((1, 2, 3, 4, 5))),
    (time(8), time(20), frozenset((0, 3, 5, 6))),
)
"""Early, late and weekend: from, until, days of the week (Monday is 0)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """One who calls. ``skill`` is 1 on the average: who has more gets through more calls, and more of them are
    completed. Without departments it is the whole facility.
    """

    user_id: int
    skill: float = 1.0
    shift: int = 0
    departments: frozenset[int] = frozenset()
    speaks_chinese: bool = False

    def on_duty(self, at: datetime) -> bool:
        """Whether the shift covers a moment of local time."""
        begin, end, days = SHIFTS[self.shift]
        return at.weekday() in days and begin <= at.time() < end


@dataclass(frozen=True, slots=True)
class Staff:
    """The teams: wards, service centre, outreach; the doctors, and by role the offices that see to some alerts."""

    wards: Sequence[Caller]
    service_centre: Sequence[Caller]
    outreach: Sequence[Caller]
    doctors: Sequence[Caller] = ()
    offices: Mapping[str, Sequence[Caller]] = field(default_factory=dict)

    def team(self, call: WaitingCall) -> Sequence[Caller]:
        """Whose work a call is: a home visit outreach's, a ward's own call the ward's, the rest the centre's."""
        if call.channel is StepChannel.HOME_VISIT:
            return self.outreach
        if call.tier == 1 and call.questionnaire_code != RECALL:
            return [each for each in self.wards if call.department_id in each.departments] or self.service_centre
        return self.service_centre

    def of_alert(self, alert: OpenAlert, at: datetime) -> Sequence[Caller]:
        """Who is there at a local moment to see to an alert: whose it is, else the nurses of the ward."""
        nurses = [each for each in self.wards if alert.department_id in each.departments] or self.service_centre
        doctors = [each for each in self.doctors if alert.department_id in each.departments]
        owners = doctors if alert.owner_role == "physician" else self.offices.get(alert.owner_role, nurses)
        on_duty = [each for each in owners if each.on_duty(at)]
        return on_duty or [each for each in nurses if each.on_duty(at)]


@dataclass(slots=True)
class Round:
    """One round of calls at a local moment: who is there, and how many calls each of them has made."""

    staff: Staff
    at: datetime
    _made: Counter[int] = field(default_factory=Counter)

    def caller(self, rng: random.Random, call: WaitingCall) -> Caller | None:
        """Somebody whose work this call is and who has time; one who speaks the patient's language if there is one."""
        free = [each for each in self.staff.team(call) if each.on_duty(self.at) and self._has_time(each)]
        fitting = [each for each in free if each.speaks_chinese] if call.language.value.startswith("zh") else free
        if not free:
            return None
        chosen = rng.choice(fitting or free)
        self._made[chosen.user_id] += 1
        return chosen

    def _has_time(self, caller: Caller) -> bool:
        return self._made[caller.user_id] < CALLS_PER_ROUND * caller.skill


def size_of_team(calls_a_day: float, calls_of_one: float) -> int:
    """How many people a number of calls a day takes."""
    return max(1, math.ceil(calls_a_day / calls_of_one))


def team_sizes(per_day: int, shares: Mapping[str, float]) -> dict[str, int]:
    """How many nurses each department has, by its code and share of the discharges."""
    return {code: size_of_team(per_day * share * FIRST_CALLS, CALLS_PER_NURSE) for code, share in shares.items()}
