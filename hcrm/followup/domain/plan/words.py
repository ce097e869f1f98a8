"""The words that plans are written with."""

from __future__ import annotations

from enum import StrEnum


class PlanScope(StrEnum):
    """What a plan is about: one stay, or the patient over many stays."""

    ENCOUNTER = "encounter"
    PATIENT = "patient"


class VersionStatus(StrEnum):
    """State of a version of a plan; enrolments keep the version they started with."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class StepChannel(StrEnum):
    """How a step reaches the patient."""

    SMS = "sms"
    PHONE = "phone"
    WEB = "web"
    HOME_VISIT = "home_visit"


class PerformerRole(StrEnum):
    """Who does a step. The values are those of the roles of accounts, and ``system``."""

    SYSTEM = "system"
    PHYSICIAN = "physician"
    NURSE = "nurse"
    SERVICE_AGENT = "service_agent"
    OUTREACH_WORKER = "outreach_worker"


class Condition(StrEnum):
    """When a step is done, seen from the earlier step it names."""

    ALWAYS = "always"
    IF_NOT_COMPLETED = "if_not_completed"
    IF_COMPLETED = "if_completed"
    IF_ANSWER = "if_answer"

    def is_met(self, *, completed: bool, answered: bool = False) -> bool:
        """Whether the step is done after the earlier one has ended, ``completed`` or not.

        ``answered``: the answer that the step asks for was given in the earlier one.
        """
        if self is Condition.IF_ANSWER:
            return answered
        return self is Condition.ALWAYS or completed is (self is Condition.IF_COMPLETED)


class Trigger(StrEnum):
    """What brings a step into being."""

    DISCHARGE = "discharge"
    STEP_ENDED = "step_ended"
    APPOINTMENT = "appointment"
    VISIT_MISSED = "visit_missed"


class HolidayRule(StrEnum):
    """What happens when a target day is no workday."""

    KEEP = "keep"
    ADVANCE = "advance"
    POSTPONE = "postpone"


class DayKind(StrEnum):
    """What the days of a window are counted in."""

    DAYS = "days"
    WORKDAYS = "workdays"


class RiskLevel(StrEnum):
    """How likely the patient is to come back unplanned."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
