"""Words for the list of who was asked and who was not."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hcrm.followup.domain.invitations import Asked, Invitation, WhyNot
from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.domain.task import TaskReason
from hcrm.followup.forms.labels import REASONS
from hcrm.survey.domain import ResponseState
from hcrm.survey.forms import STATE_LABELS

ASKED_LABELS: Mapping[Asked, tuple[str, str]] = {
    Asked.YES: ("good", _l("Asked")),
    Asked.TO_COME: ("info", _l("Will be asked")),
    Asked.NO: ("plain", _l("Not asked")),
}
CHANNEL_LABELS: Mapping[StepChannel, str] = {
    StepChannel.SMS: _l("by text message"),
    StepChannel.WEB: _l("on the web"),
    StepChannel.PHONE: _l("by phone"),
    StepChannel.HOME_VISIT: _l("at home"),
}
WHY_NOT_LABELS: Mapping[WhyNot, str] = {
    WhyNot.DIED: _l("Died in hospital"),
    WhyNot.POST_ACUTE: _l("Care after the acute stay: no plan asks"),
    WhyNot.NO_PLAN: _l("No plan is for this stay"),
    WhyNot.NO_SURVEY: _l("Its plan asks no survey"),
    WhyNot.OTHER_RISK: _l("Its plan asks patients of another risk"),
    WhyNot.NOT_SAMPLED: _l("Not drawn into the sample"),
    WhyNot.MISSED: _l("The time for asking went by"),
}


def why_text(verdict: Invitation) -> str:
    """Why somebody was not asked; empty for all others."""
    if isinstance(verdict.why, WhyNot):
        said = str(WHY_NOT_LABELS[verdict.why])
        if verdict.share is None:
            return said
        return str(_("%(why)s (%(share)s of discharges are)", why=said, share=f"{100 * verdict.share:g} %"))
    return str(REASONS[verdict.why]) if isinstance(verdict.why, TaskReason) else ""


def state_text(state: str | None) -> str:
    """How far the survey has come."""
    return "" if state is None else str(STATE_LABELS[ResponseState(state)])
