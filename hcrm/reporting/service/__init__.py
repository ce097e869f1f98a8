"""The reports: one function for each figure, used by pages, exports and commands alike."""

from hcrm.reporting.domain.reports import (
    FOLLOWUP_GROUPINGS,
    REVISIT_GROUPINGS,
    SATISFACTION_GROUPINGS,
    in_department,
)
from hcrm.reporting.queries.review import MOST as MOST_LINES
from hcrm.reporting.service.exports import departments_json, followup_json, revisit_json, satisfaction_json, table
from hcrm.reporting.service.followup import followup_report, weekly_counts
from hcrm.reporting.service.overview import department_lines, overview, sorted_lines, sunday
from hcrm.reporting.service.register import register_table
from hcrm.reporting.service.revisits import RevisitFigures, revisit_figures, revisit_report
from hcrm.reporting.service.satisfaction import DEFAULT_QUESTIONNAIRE, OVERALL, satisfaction_report
from hcrm.reporting.service.verify import Checked, verify
from hcrm.reporting.service.visits import VISIT_GROUPINGS, SeveralZones, visit_json

__all__ = [
    "DEFAULT_QUESTIONNAIRE",
    "FOLLOWUP_GROUPINGS",
    "MOST_LINES",
    "OVERALL",
    "REVISIT_GROUPINGS",
    "SATISFACTION_GROUPINGS",
    "VISIT_GROUPINGS",
    "Checked",
    "RevisitFigures",
    "SeveralZones",
    "department_lines",
    "departments_json",
    "followup_json",
    "followup_report",
    "in_department",
    "overview",
    "register_table",
    "revisit_figures",
    "revisit_json",
    "revisit_report",
    "satisfaction_json",
    "satisfaction_report",
    "sorted_lines",
    "sunday",
    "table",
    "verify",
    "visit_json",
    "weekly_counts",
]
