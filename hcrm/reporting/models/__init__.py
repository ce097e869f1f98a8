"""The tables of the figures: what is added up beforehand, how figures go out, what the meeting works with."""

from hcrm.reporting.models.getting_out import SavedView, Subscription
from hcrm.reporting.models.kept import DayVersion, Kept, Progress
from hcrm.reporting.models.measures import OwnMeasure
from hcrm.reporting.models.meeting import Improvement, ReviewAppeal, ReviewApproval, Target, WordList
from hcrm.reporting.models.rollups import AnswerDay, DischargeDay, InvitationDay, Mark, MarkKind, ReturnDay, TaskDay

__all__ = [
    "AnswerDay",
    "DayVersion",
    "DischargeDay",
    "Improvement",
    "InvitationDay",
    "Kept",
    "Mark",
    "MarkKind",
    "OwnMeasure",
    "Progress",
    "ReturnDay",
    "ReviewAppeal",
    "ReviewApproval",
    "SavedView",
    "Subscription",
    "Target",
    "TaskDay",
    "WordList",
]
