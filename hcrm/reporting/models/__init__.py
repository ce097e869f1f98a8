"""The tables of the figures: what is added up beforehand, how figures go out, what the meeting works with."""

from hcrm.reporting.models.getting_out import SavedView, Subscription
from hcrm.reporting.models.measures import OwnMeasure
from hcrm.reporting.models.meeting import Improvement, ReviewAppeal, ReviewApproval, Target, WordList
from hcrm.reporting.models.rollups import AnswerDay, DischargeDay, InvitationDay, Mark, MarkKind, ReturnDay, TaskDay

__all__ = [
    "AnswerDay",
    "DischargeDay",
    "Improvement",
    "InvitationDay",
    "Mark",
    "MarkKind",
    "OwnMeasure",
    "ReturnDay",
    "ReviewAppeal",
    "ReviewApproval",
    "SavedView",
    "Subscription",
    "Target",
    "TaskDay",
    "WordList",
]
