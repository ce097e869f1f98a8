"""The tables of the figures: what is added up beforehand."""

from hcrm.reporting.models.rollups import AnswerDay, DischargeDay, InvitationDay, Mark, MarkKind, ReturnDay, TaskDay

__all__ = ["AnswerDay", "DischargeDay", "InvitationDay", "Mark", "MarkKind", "ReturnDay", "TaskDay"]
