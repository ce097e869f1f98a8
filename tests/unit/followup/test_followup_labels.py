"""Every code of follow-up has its words on the screens, and what a nurse presses is never meant twice."""

import pytest

from hcrm.followup.domain.alerts import AlertAction, AlertStatus
from hcrm.followup.domain.attempts import RETIRES_NUMBER, Connection, Disposition
from hcrm.followup.domain.plan import RiskLevel
from hcrm.followup.domain.risk import RiskPart
from hcrm.followup.domain.task import TaskReason, TaskState
from hcrm.followup.domain.worklist import WorkGroup, WorkState
from hcrm.followup.forms import labels
from hcrm.followup.readers import shipped_plans
from hcrm.patients.domain import PatientFlag, RetiredReason
from hcrm.survey.domain import Cause, Severity


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        (labels.CONNECTIONS, Connection),
        (labels.DISPOSITIONS, Disposition),
        (labels.GROUPS, WorkGroup),
        (labels.WORK_STATES, WorkState),
        (labels.TASK_STATES, TaskState),
        (labels.REASONS, TaskReason),
        (labels.FLAGS, PatientFlag),
        (labels.RISK_PARTS, RiskPart),
        (labels.RISKS, RiskLevel),
        (labels.SEVERITIES, Severity),
        (labels.ALERT_RAISED, Severity),
        (labels.CAUSES, Cause),
        (labels.ALERT_ACTIONS, AlertAction),
        (labels.ALERT_STATES, AlertStatus),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_code_has_words(words, codes):
    assert set(words) == set(codes)


def test_every_step_of_the_shipped_plans_has_a_name():
    assert {step.code for shipped in shipped_plans() for step in shipped.plan.steps} <= set(labels.STEPS)


def test_every_usual_result_has_a_letter_of_its_own():
    usual = {each.value for each in (*labels.USUAL_CONNECTIONS, *labels.USUAL_DISPOSITIONS)}
    assert set(labels.OUTCOME_KEYS) == usual
    assert len(set(labels.OUTCOME_KEYS.values())) == len(usual)


def test_a_result_that_retires_a_number_is_a_reason_for_it():
    assert {each.value for each in RETIRES_NUMBER} <= {each.value for each in RetiredReason}
