"""Every code that the pages of figures can meet has its words."""

import pytest

from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.domain.task import EXCLUDING_REASONS, SURVEY_EXCLUDING_REASONS, TaskStatus
from hcrm.reporting import forms
from hcrm.reporting.domain.measures import Exclusion
from hcrm.reporting.queries.drilldown import TaskPart


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        (forms.STATUS_LABELS, TaskStatus),
        (forms.CHANNEL_LABELS, StepChannel),
        (forms.EXCLUSION_LABELS, Exclusion),
        (forms.PART_LABELS, TaskPart),
        (forms.REASON_LABELS, EXCLUDING_REASONS | SURVEY_EXCLUDING_REASONS),
    ],
    ids=["status", "channel", "exclusion", "part", "reason"],
)
def test_every_code_has_words(words, codes):
    assert {str(each) for each in words} == {each.value for each in codes}
