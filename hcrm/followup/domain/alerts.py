"""Alerts (red flags): severities, causes, actions, states and clocks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum, StrEnum
from zoneinfo import ZoneInfo

from hcrm.organization.domain import Calendar
from hcrm.survey.domain import Cause, Severity


class AlertStatus(StrEnum):
    """State of an alert."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"


class AlertAction(StrEnum):
    """Coded action, needed before an alert can close.

    ``answer_corrected`` closes an alert whose answer was changed since, ``joined`` one that another alert stands for.
    """

    ADVISED_BY_PHONE = "advised_by_phone"
    DOCTOR_CALLED_BACK = "doctor_called_back"
    VISIT_ARRANGED = "visit_arranged"
    SENT_TO_EMERGENCY = "sent_to_emergency"
    READMITTED = "readmitted"
    MEDICINE_CHANGED = "medicine_changed"
    EQUIPMENT_SUPPLIED = "equipment_supplied"
    SOCIAL_SUPPORT = "social_support"
    PASSED_TO_SERVICE = "passed_to_service"
    COULD_NOT_REACH = "could_not_reach"
    NO_ACTION_NEEDED = "no_action_needed"
    ANSWER_CORRECTED = "answer_corrected"
    JOINED = "joined"


class AlertInvalid(ValueError):
    """A step in the life of an alert that cannot be taken; ``code`` names why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


_MOVES: dict[AlertStatus, frozenset[AlertStatus]] = {
    AlertStatus.OPEN: frozenset({AlertStatus.ACKNOWLEDGED, AlertStatus.IN_PROGRESS}),
    AlertStatus.ACKNOWLEDGED: frozenset({AlertStatus.IN_PROGRESS, AlertStatus.RESOLVED}),
    AlertStatus.IN_PROGRESS: frozenset({AlertStatus.RESOLVED}),
    AlertStatus.RESOLVED: frozenset(),
}


def check_move(current: AlertStatus, wanted: AlertStatus) -> None:
    """An alert is acknowledged before it is worked on or resolved, and nothing leaves ``resolved``.

    Raises ``AlertInvalid``.
    """
    if wanted not in _MOVES[current]:
        raise AlertInvalid("already_resolved" if current is AlertStatus.RESOLVED else "not_acknowledged")


@dataclass(frozen=True, slots=True)
class CoverHours:
    """The hours of the day in which a clinician covers alerts, local time, every day."""

    start: time
    end: time

    @property
    def length(self) -> timedelta:
        """How long one day's cover is."""
        return datetime.combine(date.min, self.end) - datetime.combine(date.min, self.start)


@dataclass(frozen=True, slots=True)
class AlertClock:
    """Where and when an alert's time runs: always for urgent ones, in the hours of cover for high ones, in the hours
    of cover on workdays for routine ones.
    """

    zone: ZoneInfo
    cover: CoverHours
    calendar: Calendar

    def due_at(self, severity: Severity, opened_at: datetime) -> datetime:
        """Until when somebody has to have looked: 1 hour, 4 hours of cover, or one business day (a day's cover)."""
        return self._after(severity, opened_at, self._allowed(severity))

    def head_told_at(self, severity: Severity, opened_at: datetime) -> datetime:
        """When the head of department is told of an alert that nobody has acknowledged: after half of its time."""
        return self._after(severity, opened_at, self._allowed(severity) / 2)

    def _allowed(self, severity: Severity) -> timedelta:
        return {
            Severity.URGENT: timedelta(hours=1),
            Severity.HIGH: timedelta(hours=4),
            Severity.ROUTINE: self.cover.length,
        }[severity]

    def _after(self, severity: Severity, opened_at: datetime, length: timedelta) -> datetime:
        if severity is Severity.URGENT:
            return opened_at + length
        left, at = length, opened_at
        day = opened_at.astimezone(self.zone).date()
        while True:
            begins = datetime.combine(day, self.cover.start, tzinfo=self.zone).astimezone(UTC)
            ends = datetime.combine(day, self.cover.end, tzinfo=self.zone).astimezone(UTC)
            at = max(at, begins)
            runs = severity is Severity.HIGH or self.calendar.is_workday(day)
            if runs and at < ends:
                if ends - at >= left:
                    return at + left
                left -= ends - at
            day += timedelta(days=1)


_STOP_CODES = frozenset({"danger", "child_alert"})


def say_code(severity: Severity, question_code: str) -> str:
    """Which words the caller is given when an answer raised an alert: the emergency sentence or the promise to call."""
    if severity is Severity.URGENT or question_code in _STOP_CODES:
        return "emergency"
    return "call_back" if severity is Severity.HIGH else "noted"


class Rung(IntEnum):
    """How far an alert that nobody acknowledges has been passed up."""

    OWNER = 0
    DEPARTMENT_HEAD = 1
    MANAGER = 2


ON_CALL = "on_call"
"""Stands in a notice for the duty phone, which is told of urgent alerts by text message."""

QUALITY = "quality_officer"
"""Owns what a patient says about the ward's own calls; the ward that is checked is neither told nor shown it."""

_ROLES_ABOVE = {Rung.DEPARTMENT_HEAD: "department_head", Rung.MANAGER: "manager"}


def role_told(rung: Rung, owner: str) -> str:
    """The role that is told on a rung; ``owner`` is the alert's own. From the quality office it goes to the manager."""
    if owner == QUALITY and rung is not Rung.OWNER:
        return _ROLES_ABOVE[Rung.MANAGER]
    return _ROLES_ABOVE.get(rung, owner)


def rung_above(rung: Rung) -> Rung | None:
    """The next rung, None from the top."""
    return None if rung is Rung.MANAGER else Rung(rung + 1)


def owner_role(rule: str, cause: Cause) -> str:
    """Who answers an alert first: the quality office when nobody called, the service team for service, the physician
    for medicines, else the ward nurse.
    """
    if "no one called" in rule or "not_called" in rule:
        return QUALITY
    if cause is Cause.SERVICE:
        return "complaints_officer"
    return "physician" if cause is Cause.MEDICINE else "nurse"
