"""Reading follow-up: work lists, call screens, alerts, timelines, figures."""

from hcrm.followup.queries.alert_people import alert_receivers, live_alerts
from hcrm.followup.queries.alert_times import alert_times
from hcrm.followup.queries.alerts import (
    AlertFilters,
    AlertItem,
    Whose,
    alert_counts,
    alert_list,
    one_alert,
    open_alert_count,
    resolved_today,
    task_to_call,
    urgent_alerts,
)
from hcrm.followup.queries.call import CallView, TaskAccess, call_view, task_access
from hcrm.followup.queries.contacts import StayToCall, open_calls_of, stay_by_visit, stay_of_patient
from hcrm.followup.queries.desk import absence_items, colleagues, desk_of, doctors
from hcrm.followup.queries.foresight import call_facts
from hcrm.followup.queries.home_visits import teams as visit_teams
from hcrm.followup.queries.home_visits import visits_of_day, without_day
from hcrm.followup.queries.on_call import on_call_entries
from hcrm.followup.queries.plans import published_plans, step_names
from hcrm.followup.queries.questions import QuestionPanel, question_panel
from hcrm.followup.queries.recalls import Recalls, recalls
from hcrm.followup.queries.rows import WorkRow, wards_of, work_rows
from hcrm.followup.queries.timeline import timeline
from hcrm.followup.queries.today import (
    Day,
    Listed,
    WorkCounts,
    day_of,
    loads,
    next_task_id,
    tasks_of_person,
    work_counts,
    work_list,
)
from hcrm.followup.queries.together import one_row_each, one_task, together
from hcrm.followup.queries.why import TaskWhy, task_why

__all__ = [
    "AlertFilters",
    "AlertItem",
    "CallView",
    "Day",
    "Listed",
    "QuestionPanel",
    "Recalls",
    "StayToCall",
    "TaskAccess",
    "TaskWhy",
    "Whose",
    "WorkCounts",
    "WorkRow",
    "absence_items",
    "alert_counts",
    "alert_list",
    "alert_receivers",
    "alert_times",
    "call_facts",
    "call_view",
    "colleagues",
    "day_of",
    "desk_of",
    "doctors",
    "live_alerts",
    "loads",
    "next_task_id",
    "on_call_entries",
    "one_alert",
    "one_row_each",
    "one_task",
    "open_alert_count",
    "open_calls_of",
    "published_plans",
    "question_panel",
    "recalls",
    "resolved_today",
    "stay_by_visit",
    "stay_of_patient",
    "step_names",
    "task_access",
    "task_to_call",
    "task_why",
    "tasks_of_person",
    "timeline",
    "together",
    "urgent_alerts",
    "visit_teams",
    "visits_of_day",
    "wards_of",
    "without_day",
    "work_counts",
    "work_list",
    "work_rows",
]
