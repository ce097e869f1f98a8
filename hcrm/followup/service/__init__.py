"""What can be done in follow-up: enrol, reconcile, call, complete, cancel, take back; alerts."""

from hcrm.followup.service.advice import Advice, send_advice
from hcrm.followup.service.alerts import (
    AlertAbout,
    UnknownAlert,
    acknowledge_alert,
    hand_over_alert,
    open_alerts,
    raise_alerts,
    resolve_alert,
    take_alert,
)
from hcrm.followup.service.attempts import AttemptReport, propose, record_attempt
from hcrm.followup.service.contacts import ContactEntry, is_noted, log_contact
from hcrm.followup.service.contacts import Outcome as ContactOutcome
from hcrm.followup.service.desk import NotAColleague, add_absence, assign_tasks, name_doctors, remove_absence
from hcrm.followup.service.enrolment import enrol_encounters
from hcrm.followup.service.foreseeing import foresee_text
from hcrm.followup.service.home_visits import (
    DayFull,
    TeamEntry,
    UnknownTeam,
    answer_visit,
    book_days,
    free_visit,
    move_visit,
    save_team,
)
from hcrm.followup.service.ladder import climb_ladders
from hcrm.followup.service.messages import follow_messages, follow_response, follow_stop, release_due
from hcrm.followup.service.on_call import Turn, TurnInvalid, add_turn, remove_turn
from hcrm.followup.service.plan_editing import (
    DraftChanged,
    NoDraft,
    PlanNotPublishable,
    UnknownPlan,
    begin_draft,
    begin_plan,
    change_draft,
    discard_draft,
    flaws_of,
    publish_draft,
    switch_plan,
)
from hcrm.followup.service.plans import install_default_plan
from hcrm.followup.service.rebasing import follow_calendar
from hcrm.followup.service.recalls import review_call
from hcrm.followup.service.reconcile import (
    end_deceased,
    end_plans,
    end_readmitted,
    join_persons,
    reconcile_encounters,
)
from hcrm.followup.service.reopening import (
    hold_to_facts,
    keep_one,
    part_persons,
    pause_or_go_on,
    restore_living,
    resume_interrupted,
    undo_cancellation,
)
from hcrm.followup.service.responses import Answer, NothingToAsk, answer_question, note_first_answer
from hcrm.followup.service.scores import alert_low_score
from hcrm.followup.service.steps import UnknownStep, add_step, after_end
from hcrm.followup.service.tasks import (
    Ending,
    ReasonNotAllowed,
    TaskClosed,
    TaskHeld,
    UnknownTask,
    cancel_tasks,
    complete_task,
    end_open,
    open_task,
    release_task,
)
from hcrm.followup.service.together import hold_together, record_together
from hcrm.followup.service.visits import (
    follow_booked,
    follow_cancelled,
    follow_kept,
    follow_missed,
    note_reminder,
)

__all__ = [
    "Advice",
    "AlertAbout",
    "Answer",
    "AttemptReport",
    "ContactEntry",
    "ContactOutcome",
    "DayFull",
    "DraftChanged",
    "Ending",
    "NoDraft",
    "NotAColleague",
    "NothingToAsk",
    "PlanNotPublishable",
    "ReasonNotAllowed",
    "TaskClosed",
    "TaskHeld",
    "TeamEntry",
    "Turn",
    "TurnInvalid",
    "UnknownAlert",
    "UnknownPlan",
    "UnknownStep",
    "UnknownTask",
    "UnknownTeam",
    "acknowledge_alert",
    "add_absence",
    "add_step",
    "add_turn",
    "after_end",
    "alert_low_score",
    "answer_question",
    "answer_visit",
    "assign_tasks",
    "begin_draft",
    "begin_plan",
    "book_days",
    "cancel_tasks",
    "change_draft",
    "climb_ladders",
    "complete_task",
    "discard_draft",
    "end_deceased",
    "end_open",
    "end_plans",
    "end_readmitted",
    "enrol_encounters",
    "flaws_of",
    "follow_booked",
    "follow_calendar",
    "follow_cancelled",
    "follow_kept",
    "follow_messages",
    "follow_missed",
    "follow_response",
    "follow_stop",
    "foresee_text",
    "free_visit",
    "hand_over_alert",
    "hold_to_facts",
    "hold_together",
    "install_default_plan",
    "is_noted",
    "join_persons",
    "keep_one",
    "log_contact",
    "move_visit",
    "name_doctors",
    "note_first_answer",
    "note_reminder",
    "open_alerts",
    "open_task",
    "part_persons",
    "pause_or_go_on",
    "propose",
    "publish_draft",
    "raise_alerts",
    "reconcile_encounters",
    "record_attempt",
    "record_together",
    "release_due",
    "release_task",
    "remove_absence",
    "remove_turn",
    "resolve_alert",
    "restore_living",
    "resume_interrupted",
    "review_call",
    "save_team",
    "send_advice",
    "switch_plan",
    "take_alert",
    "undo_cancellation",
]
