"""Tables of follow-up: plans, enrolments, tasks, tries, alerts, home visits."""

from hcrm.followup.models.alerts import AlertNoticeRow, AlertRow, OnCallRow
from hcrm.followup.models.desk import AbsenceRow, ClinicianAccountRow
from hcrm.followup.models.home_visits import VisitBookingRow, VisitTeamRow
from hcrm.followup.models.plans import EnrolmentRow, PlanRow, PlanVersionRow
from hcrm.followup.models.tasks import AttemptRow, RecallReviewRow, TaskRow

__all__ = [
    "AbsenceRow",
    "AlertNoticeRow",
    "AlertRow",
    "AttemptRow",
    "ClinicianAccountRow",
    "EnrolmentRow",
    "OnCallRow",
    "PlanRow",
    "PlanVersionRow",
    "RecallReviewRow",
    "TaskRow",
    "VisitBookingRow",
    "VisitTeamRow",
]
