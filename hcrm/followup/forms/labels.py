"""What the codes of follow-up are called on screens."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l

from hcrm.followup.domain.alerts import AlertAction, AlertStatus
from hcrm.followup.domain.attempts import Connection, Disposition
from hcrm.followup.domain.plan import RiskLevel
from hcrm.followup.domain.risk import RiskPart
from hcrm.followup.domain.task import TaskReason, TaskState
from hcrm.followup.domain.worklist import WorkGroup, WorkState
from hcrm.patients.domain import PatientFlag
from hcrm.survey.domain import Cause, Severity

CONNECTIONS: Mapping[Connection, str] = {
    Connection.ANSWERED_PATIENT: _l("The patient answered"),
    Connection.ANSWERED_PROXY: _l("A relative or carer answered"),
    Connection.ANSWERED_UNKNOWN: _l("Answered, person unknown"),
    Connection.NO_ANSWER: _l("No answer"),
    Connection.BUSY: _l("Busy"),
    Connection.REJECTED: _l("Call rejected"),
    Connection.VOICEMAIL_LEFT: _l("Voicemail, message left"),
    Connection.VOICEMAIL_NO_MESSAGE: _l("Voicemail, no message"),
    Connection.ASSISTANT: _l("Phone assistant answered"),
    Connection.HUNG_UP: _l("Hung up at once"),
    Connection.BARRED: _l("Incoming calls barred"),
    Connection.POWERED_OFF: _l("Switched off"),
    Connection.UNREACHABLE: _l("Out of reach"),
    Connection.SUSPENDED: _l("Line suspended"),
    Connection.NOT_IN_SERVICE: _l("Number not in service"),
    Connection.WRONG_NUMBER: _l("Wrong number"),
    Connection.DROPPED: _l("Line dropped"),
    Connection.TECHNICAL_FAILURE: _l("Technical failure on our side"),
}
"""In the order of the definitions."""

USUAL_CONNECTIONS = (
    Connection.NO_ANSWER,
    Connection.BUSY,
    Connection.REJECTED,
    Connection.POWERED_OFF,
    Connection.UNREACHABLE,
    Connection.WRONG_NUMBER,
    Connection.ANSWERED_PROXY,
    Connection.ANSWERED_UNKNOWN,
)
"""Offered at once before it is known that the patient is speaking; the others are folded away."""

DISPOSITIONS: Mapping[Disposition, str] = {
    Disposition.COMPLETED: _l("Completed"),
    Disposition.PARTIAL: _l("Partly done"),
    Disposition.CALLBACK_REQUESTED: _l("Wants to be called back"),
    Disposition.REFUSED_THIS_CONTACT: _l("Refused this call"),
    Disposition.REPORTED_READMITTED: _l("In hospital again"),
    Disposition.OPTED_OUT: _l("Wants no more calls"),
    Disposition.REPORTED_DECEASED: _l("Has died, a relative says"),
    Disposition.LANGUAGE_BARRIER: _l("Language barrier"),
    Disposition.UNABLE_TO_PARTICIPATE: _l("Not able to take part"),
    Disposition.PROXY_ONLY: _l("Only somebody else could be reached"),
    Disposition.INELIGIBLE: _l("Should not be called for this"),
}
USUAL_DISPOSITIONS = (
    Disposition.COMPLETED,
    Disposition.PARTIAL,
    Disposition.CALLBACK_REQUESTED,
    Disposition.REFUSED_THIS_CONTACT,
    Disposition.REPORTED_READMITTED,
)

OUTCOME_KEYS: Mapping[str, str] = {
    Connection.NO_ANSWER.value: "n",
    Connection.BUSY.value: "b",
    Connection.REJECTED.value: "r",
    Connection.POWERED_OFF.value: "f",
    Connection.UNREACHABLE.value: "o",
    Connection.WRONG_NUMBER.value: "w",
    Connection.ANSWERED_PROXY.value: "a",
    Connection.ANSWERED_UNKNOWN.value: "u",
    Disposition.COMPLETED.value: "c",
    Disposition.PARTIAL.value: "p",
    Disposition.CALLBACK_REQUESTED.value: "l",
    Disposition.REFUSED_THIS_CONTACT.value: "x",
    Disposition.REPORTED_READMITTED.value: "h",
}
"""The letter that chooses a result on the call screen. Questions have their own: digits, d, n, s, t and u, which come
first where both are on the screen."""

GROUPS: Mapping[WorkGroup, str] = {
    WorkGroup.CALLBACK: _l("Call-backs whose time has come"),
    WorkGroup.OVERDUE: _l("Overdue"),
    WorkGroup.TODAY: _l("Due today"),
    WorkGroup.LATER: _l("Can be done now, due later"),
}
WORK_STATES: Mapping[WorkState, str] = {
    WorkState.TO_DO: _l("To do"),
    WorkState.CALLBACK: _l("Call-backs"),
    WorkState.OVERDUE: _l("Overdue"),
    WorkState.TODAY: _l("Due today"),
    WorkState.LATER: _l("Due later"),
    WorkState.ON_HOLD: _l("On hold"),
    WorkState.DONE: _l("Done today"),
}
TASK_STATES: Mapping[TaskState, str] = {
    TaskState.DRAFT: _l("Not due yet"),
    TaskState.READY: _l("Ready"),
    TaskState.IN_PROGRESS: _l("Somebody is on it"),
    TaskState.OVERDUE: _l("Overdue"),
    TaskState.ON_HOLD: _l("On hold"),
    TaskState.COMPLETED: _l("Completed"),
    TaskState.FAILED: _l("Not achieved"),
    TaskState.CANCELLED: _l("Cancelled"),
    TaskState.ENTERED_IN_ERROR: _l("Entered in error"),
}
REASONS: Mapping[TaskReason, str] = {
    TaskReason.READMITTED: _l("The patient is in hospital again"),
    TaskReason.DECEASED: _l("The patient is reported as deceased"),
    TaskReason.TRANSFERRED: _l("Transferred to another hospital"),
    TaskReason.OPTED_OUT: _l("The patient does not want it"),
    TaskReason.DUPLICATE_MERGED: _l("Two records of one person were joined; it is done once"),
    TaskReason.ENTERED_IN_ERROR: _l("The hospital's record was withdrawn"),
    TaskReason.CONDITION_NOT_MET: _l("Not needed any more: the earlier step was completed"),
    TaskReason.INELIGIBLE: _l("Not meant for this patient"),
    TaskReason.SUPERSEDED: _l("Another contact took its place"),
    TaskReason.FATIGUE_LIMIT: _l("The patient had been asked too recently"),
    TaskReason.OTHER: _l("Another reason"),
    TaskReason.UNABLE_TO_CONTACT: _l("Unable to contact"),
    TaskReason.REFUSED: _l("The patient refused this call"),
    TaskReason.UNABLE_TO_PARTICIPATE: _l("The patient is not able to take part"),
    TaskReason.INCOMPLETE: _l("The questions could not be finished"),
    TaskReason.NOT_DELIVERED: _l("The message could not be delivered"),
}
FLAGS: Mapping[PatientFlag, tuple[str, str]] = {
    PatientFlag.DIAGNOSIS_NOT_TOLD: (
        _l("Diagnosis not told to the patient"),
        _l("Never name disease, department or treatment. Details only with the authorised relative."),
    ),
    PatientFlag.OPEN_DISPUTE: (_l("Open dispute"), _l("No satisfaction survey. Do not discuss the dispute.")),
    PatientFlag.LOSS_OF_BABY: (
        _l("Loss of a baby"),
        _l("Ask about the mother's own recovery only. No congratulation, no questions about feeding or the newborn."),
    ),
}
RISK_PARTS: Mapping[RiskPart, str] = {
    RiskPart.LENGTH_OF_STAY: _l("length of stay"),
    RiskPart.ACUITY: _l("unplanned admission"),
    RiskPart.COMORBIDITY: _l("other illnesses"),
    RiskPart.EMERGENCY_VISITS: _l("emergency visits"),
}
RISKS: Mapping[RiskLevel, str] = {
    RiskLevel.HIGH: _l("High risk"),
    RiskLevel.MEDIUM: _l("Medium risk"),
    RiskLevel.LOW: _l("Low risk"),
}

SEVERITIES: Mapping[Severity, tuple[str, str]] = {
    Severity.URGENT: ("urgent", _l("Urgent")),
    Severity.HIGH: ("high", _l("High")),
    Severity.ROUTINE: ("plain", _l("Routine")),
}
"""Sign and word."""

ALERT_RAISED: Mapping[Severity, str] = {
    Severity.URGENT: _l("Urgent alert raised"),
    Severity.HIGH: _l("High alert raised"),
    Severity.ROUTINE: _l("Routine alert raised"),
}
CAUSES: Mapping[Cause, str] = {
    Cause.SYMPTOM: _l("Symptom"),
    Cause.MEDICINE: _l("Medicine"),
    Cause.APPOINTMENT: _l("Appointment"),
    Cause.EQUIPMENT: _l("Equipment"),
    Cause.SOCIAL: _l("Social"),
    Cause.SERVICE: _l("Service"),
    Cause.OTHER: _l("Other"),
}
ALERT_ACTIONS: Mapping[AlertAction, str] = {
    AlertAction.ADVISED_BY_PHONE: _l("Advised by phone"),
    AlertAction.DOCTOR_CALLED_BACK: _l("Doctor called back"),
    AlertAction.VISIT_ARRANGED: _l("Visit or return visit arranged"),
    AlertAction.SENT_TO_EMERGENCY: _l("Sent to emergency"),
    AlertAction.READMITTED: _l("Admitted again"),
    AlertAction.MEDICINE_CHANGED: _l("Medicine changed by the doctor"),
    AlertAction.EQUIPMENT_SUPPLIED: _l("Equipment supplied or mended"),
    AlertAction.SOCIAL_SUPPORT: _l("Help at home arranged"),
    AlertAction.PASSED_TO_SERVICE: _l("Passed to the service team"),
    AlertAction.COULD_NOT_REACH: _l("Could not be reached"),
    AlertAction.NO_ACTION_NEEDED: _l("No action needed"),
    AlertAction.ANSWER_CORRECTED: _l("The answer was entered wrongly and has been corrected"),
    AlertAction.JOINED: _l("Joined into another alert"),
}
ALERT_STATES: Mapping[AlertStatus, str] = {
    AlertStatus.OPEN: _l("Open, unclaimed"),
    AlertStatus.ACKNOWLEDGED: _l("Acknowledged"),
    AlertStatus.IN_PROGRESS: _l("In progress"),
    AlertStatus.RESOLVED: _l("Resolved"),
}
OWNER_ROLES: Mapping[str, str] = {
    "nurse": _l("Ward nurse"),
    "physician": _l("Ward doctor"),
    "complaints_officer": _l("Service team"),
    "quality_officer": _l("Quality office"),
    "department_head": _l("Head of department"),
    "manager": _l("Manager"),
}
PASSED_TO: Mapping[int, str] = {
    1: _l("Passed to head of department"),
    2: _l("Passed to the manager"),
}
"""By rung of the ladder."""
SUBJECTS: Mapping[str, str] = {
    "called_back": _l("The patient called back"),
    "worried": _l("Worry told outside a call"),
    "low_score": _l("Low score of a whole survey"),
}
RULES: Mapping[str, str] = {
    "called_back": _l("The patient called the hospital and waits for an answer."),
    "worried": _l("Somebody noted a worry when they were in touch with the patient."),
    "low_score": _l("The answers together score below what the hospital has set."),
}
"""By the rule of an alert that no single answer raised."""
WORD_LISTS: Mapping[str, str] = {
    "danger": _l("danger"),
    "symptom": _l("symptoms"),
    "death": _l("death"),
    "service": _l("service"),
}
ATTEMPT_PROBLEMS: Mapping[str, str] = {
    "disposition_without_answer": _l("Nobody who could be asked answered: choose no result, or say who answered."),
    "disposition_missing": _l("Say how the call ended."),
    "callback_time_missing": _l("Say when they want to be called back."),
    "callback_time_over": _l("This time is over. Choose one that is to come."),
    "callback_time_too_late": _l("By then this task is no longer on the list. Choose an earlier time."),
    "contact_time": _l("Give a time of the last 31 days that is not to come."),
    "contact_without_task": _l("Choose the task that it was tried for."),
    "number_of_another": _l("This number is not one of the patient's. Choose the one that was dialled."),
    "core_missing": _l(
        "A call is completed when its core questions are answered. Answer them, or choose “Partly done”."
    ),
}
ADVICE: Mapping[str, str] = {
    "advice_when_to_call": _l("When to call us"),
    "advice_written": _l("Follow the written advice"),
    "advice_return_visit": _l("Arrange the return visit"),
    "missed_call": _l("We tried to call"),
}
"""Texts that can be sent from a call."""

ABSENCE_PROBLEMS: Mapping[str, str] = {
    "ends_before_it_begins": _l("The last day is before the first."),
    "stands_in_for_themselves": _l("Nobody stands in for themselves. Choose somebody else."),
    "away_already": _l("This person is entered as away on some of these days already."),
}
ALERT_PROBLEMS: Mapping[str, str] = {
    "already_resolved": _l("This alert is resolved already."),
    "not_acknowledged": _l("Somebody has to acknowledge the alert before it can be closed."),
    "somebody_has_it": _l("Somebody else has this alert in hand. Take it over if they cannot go on."),
    "note_missing": _l("Write what was found and done."),
    "action_missing": _l("Choose what was done."),
    "not_for_this_person": _l("This person cannot have this alert. Choose somebody of its ward."),
    "not_corrected": _l("The answer that raised this alert has not been changed. Choose what was done."),
}
STEPS: Mapping[str, str] = {
    "welcome": _l("Welcome message"),
    "high_risk_call": _l("Clinical call, high risk"),
    "clinical_call": _l("Clinical call"),
    "survey": _l("Satisfaction survey"),
    "survey_phone": _l("Satisfaction survey by phone"),
    "recall": _l("Quality re-call"),
    "revisit_reminder": _l("Revisit reminder"),
    "missed_visit_call": _l("Call after a missed visit"),
    "home_visit": _l("Home visit"),
    "contact": _l("Contact without a plan"),
    "emergency_survey": _l("Survey after emergency"),
    "emergency_call": _l("Call after emergency"),
    "next_day_call": _l("Call on the day after surgery"),
    "surgery_call": _l("Call after surgery"),
    "week_call": _l("Call a week after surgery"),
    "implant_call": _l("Call a month after an implant"),
    "birth_call": _l("Call after birth"),
    "day_42_call": _l("Call on day 42"),
    "left_call": _l("Call after leaving unseen"),
    "chronic_first_call": _l("First call, chronic disease"),
    "chronic_call": _l("Call, chronic disease"),
    "oncology_quarter": _l("Call every three months, oncology"),
    "oncology_half_year": _l("Call every six months, oncology"),
    "oncology_year": _l("Call every year, oncology"),
}
"""Steps of the plans that the product brings; a hospital's own steps carry their names in the plan."""

TIMELINE_WORDS: Mapping[str, str] = {
    **{f"followup.step.{code}": label for code, label in STEPS.items()},
    "followup.call": _l("Phone call"),
    **{f"followup.alert.{severity.value}": word for severity, word in ALERT_RAISED.items()},
}
TIMELINE_STATES: Mapping[str, tuple[str, str]] = {
    "followup.open": ("plain", _l("Planned")),
    "followup.on_hold": ("high", _l("On hold")),
    "followup.completed": ("good", _l("Completed")),
    "followup.failed": ("high", _l("Not achieved")),
    "followup.cancelled": ("plain", _l("Cancelled")),
    "followup.entered_in_error": ("plain", _l("Entered in error")),
    **{f"followup.attempt.{each.value}": ("plain", label) for each, label in CONNECTIONS.items()},
    **{
        f"followup.attempt.{each.value}": ("good" if each is Disposition.COMPLETED else "plain", label)
        for each, label in DISPOSITIONS.items()
    },
    "followup.alert.open": ("urgent", ALERT_STATES[AlertStatus.OPEN]),
    "followup.alert.acknowledged": ("high", ALERT_STATES[AlertStatus.ACKNOWLEDGED]),
    "followup.alert.in_progress": ("high", ALERT_STATES[AlertStatus.IN_PROGRESS]),
    "followup.alert.resolved": ("good", ALERT_STATES[AlertStatus.RESOLVED]),
}
