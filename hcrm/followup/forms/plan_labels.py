"""What the words of plans are called on screens."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l

from hcrm.followup.domain.plan import (
    Condition,
    DayKind,
    FlawKind,
    HolidayRule,
    PerformerRole,
    PlanScope,
    StepChannel,
    Trigger,
)

CHANNELS: Mapping[StepChannel, str] = {
    StepChannel.PHONE: _l("Phone call"),
    StepChannel.SMS: _l("Text message"),
    StepChannel.HOME_VISIT: _l("Home visit"),
    StepChannel.WEB: _l("Web page"),
}
TAGS: Mapping[StepChannel, str] = {
    StepChannel.PHONE: _l("Phone call"),
    StepChannel.SMS: _l("SMS"),
    StepChannel.HOME_VISIT: _l("Home visit"),
    StepChannel.WEB: _l("Web"),
}
"""The short words beside a step without a tier."""

PERFORMERS: Mapping[PerformerRole, str] = {
    PerformerRole.SYSTEM: _l("The program"),
    PerformerRole.PHYSICIAN: _l("Attending physician, else ward nurse"),
    PerformerRole.NURSE: _l("Ward nurse"),
    PerformerRole.SERVICE_AGENT: _l("Service centre"),
    PerformerRole.OUTREACH_WORKER: _l("Outreach team"),
}
SCOPES: Mapping[PlanScope, str] = {
    PlanScope.ENCOUNTER: _l("One stay"),
    PlanScope.PATIENT: _l("The patient, beside the plan of the stay"),
}
CONDITIONS: Mapping[Condition, str] = {
    Condition.ALWAYS: _l("Always"),
    Condition.IF_NOT_COMPLETED: _l("Only if an earlier step was not completed"),
    Condition.IF_COMPLETED: _l("Only if an earlier step was completed"),
    Condition.IF_ANSWER: _l("Only if an answer matched"),
}
TRIGGERS: Mapping[Trigger, str] = {
    Trigger.DISCHARGE: _l("Days after discharge"),
    Trigger.STEP_ENDED: _l("Days after an earlier step ended"),
    Trigger.APPOINTMENT: _l("Days before a booked visit"),
    Trigger.VISIT_MISSED: _l("Days after a visit was missed or called off"),
}
DAY_KINDS: Mapping[DayKind, str] = {DayKind.DAYS: _l("Calendar days"), DayKind.WORKDAYS: _l("Business days")}
HOLIDAY_RULES: Mapping[HolidayRule, str] = {
    HolidayRule.KEEP: _l("Keep the day"),
    HolidayRule.ADVANCE: _l("The workday before"),
    HolidayRule.POSTPONE: _l("The next workday"),
}
FLAWS: Mapping[FlawKind, str] = {
    FlawKind.NO_STEPS: _l("The plan has no step that is in use. Add one."),
    FlawKind.NO_CLASSES: _l("Say for which kind of stay the plan is."),
    FlawKind.NAME_MISSING: _l("The plan needs a name in English and in Chinese."),
    FlawKind.AGES_CONTRADICT: _l("The youngest age is above the oldest."),
    FlawKind.DISPOSITIONS_CONTRADICT: _l(
        "The same ends of a stay are asked for and left out: nobody would get the plan."
    ),
    FlawKind.NO_CODE: _l("The step has no code."),
    FlawKind.CODE_TWICE: _l("Two steps have the same code."),
    FlawKind.STEP_NAME_MISSING: _l("It needs a name in English and in Chinese."),
    FlawKind.TIER: _l("The tier is 1, 2 or 3, or left empty."),
    FlawKind.WINDOW_EMPTY: _l("Its window contradicts itself: the latest day and time come before the earliest."),
    FlawKind.TARGET_OUTSIDE: _l("Its target day is outside its window."),
    FlawKind.TOO_LATE: _l("It is planned for later than ten years after discharge."),
    FlawKind.GOES_ON_TOO_EARLY: _l("The day until which it goes on has to be after its latest day."),
    FlawKind.SHARE: _l("The share of patients has to be more than 0 and at most 100 %."),
    FlawKind.NO_RISKS: _l("Say for which risk it is; for none, nobody would get it."),
    FlawKind.WHO_AND_HOW: _l("Texts are sent by the program; calls and visits are made by people."),
    FlawKind.CONDITION_WITHOUT_STEP: _l("Its condition needs the earlier step that it is about."),
    FlawKind.CONDITION_NEEDS_END: _l("With this condition its days are counted from the end of the earlier step."),
    FlawKind.STEP_UNKNOWN: _l("Its condition is about a step that the plan does not have:"),
    FlawKind.STEP_LATER: _l("Its condition is about a step that does not come before it:"),
    FlawKind.WINDOW_BEFORE_CONDITION: _l("Its window is over before this step, which it waits for, begins:"),
    FlawKind.ANSWER_MISSING: _l("Say which question it is about, and which answers match."),
    FlawKind.NOTHING_TO_SAY: _l("Choose the text that is sent, or what is asked."),
    FlawKind.REPEAT_SCOPE: _l("Only a plan of the patient repeats steps."),
    FlawKind.REPEAT_OVERLAPS: _l("It begins anew before its window is over."),
    FlawKind.REPEAT_TOO_OFTEN: _l("It is repeated more than 120 times."),
    FlawKind.DEPARTMENT_UNKNOWN: _l("The hospital has no department with this code:"),
    FlawKind.TEMPLATE_UNKNOWN: _l("There is no text in force with this code:"),
    FlawKind.TEMPLATE_LANGUAGE: _l("Its text is missing in a language:"),
    FlawKind.QUESTIONNAIRE_UNKNOWN: _l("There is no questionnaire in force with this code:"),
    FlawKind.QUESTIONNAIRE_LANGUAGE: _l("This questionnaire is not complete in every language:"),
    FlawKind.QUESTION_UNKNOWN: _l("The earlier step does not ask this question:"),
    FlawKind.ANSWER_UNKNOWN: _l("The question cannot be answered so:"),
}
"""What is wrong with a plan; a sentence that ends with a colon is followed by what it is about."""

FIELDS: Mapping[str, str] = {
    "name_en": _l("Name in English"),
    "name_zh": _l("Name in Chinese"),
    "code": _l("Code"),
    "scope": _l("What the plan is about"),
    "classes": _l("Kinds of stay"),
    "dispositions": _l("Only when the patient …"),
    "excluded_dispositions": _l("Not when the patient …"),
    "departments": _l("Departments"),
    "diagnoses": _l("Diagnoses (ICD-10)"),
    "procedures": _l("Procedures"),
    "surgery": _l("Operation"),
    "age_from": _l("Youngest age"),
    "age_until": _l("Oldest age"),
    "risks": _l("Risk"),
    "tier": _l("Tier"),
    "channel": _l("How"),
    "performer": _l("Who"),
    "trigger": _l("Counted in"),
    "day_kind": _l("Days are"),
    "from_day": _l("Earliest day"),
    "target_day": _l("Target day"),
    "until_day": _l("Latest day"),
    "from_time": _l("Earliest time"),
    "target_time": _l("Target time"),
    "until_time": _l("Latest time"),
    "holiday_rule": _l("If the target is no workday"),
    "sample": _l("Share of patients, %"),
    "condition": _l("Condition"),
    "after_steps": _l("The earlier step"),
    "answer_question": _l("Question"),
    "answer_values": _l("Answers that match"),
    "template": _l("Text"),
    "questionnaires": _l("What is asked"),
    "flagged_too": _l("Every patient flagged for it gets it as well"),
    "goes_on_until_day": _l("Goes on until day, after two attempts that reached nobody"),
    "repeat_weeks": _l("Repeated every … weeks"),
    "repeat_until_day": _l("Repeated until day"),
    "active": _l("In use"),
}
QUESTIONNAIRES: Mapping[str, str] = {
    "CLIN_GEN": _l("Check after going home"),
    "CLIN_SURG": _l("Check after an operation"),
    "SAT_IP": _l("Satisfaction with a stay"),
    "SAT_OP": _l("Satisfaction with an outpatient visit"),
    "SAT_ED": _l("Emergency: health and satisfaction"),
    "RECALL": _l("Quality re-call"),
}
"""A questionnaire without a name here is shown by its code."""
