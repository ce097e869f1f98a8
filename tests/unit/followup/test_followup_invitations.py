"""Who is asked how satisfied they are, and why each other one is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hcrm.followup.domain.invitations import Asked, Invitation, StayAsked, SurveyStep, SurveyTask, WhyNot, invitation
from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.domain.task import TaskReason, TaskStatus
from hcrm.followup.forms.invitations import ASKED_LABELS, CHANNEL_LABELS, WHY_NOT_LABELS

NOW = datetime(2026, 3, 10, 2, tzinfo=UTC)
DAY = timedelta(days=1)
SMS, PHONE = StepChannel.SMS, StepChannel.PHONE


def task(
    channel: StepChannel = SMS,
    status: TaskStatus = TaskStatus.OPEN,
    reason: TaskReason | None = None,
    tried: datetime | None = None,
    *,
    starts: timedelta = -DAY,
    ends: timedelta = DAY,
) -> SurveyTask:
    return SurveyTask(channel, status, reason, NOW + starts, NOW + ends, tried)


def step(*, sampled: bool = True, for_risk: bool = True, share: float = 1.0) -> SurveyStep:
    return SurveyStep("satisfaction", SMS, share, sampled, for_risk)


def stay(*tasks: SurveyTask, steps: tuple[SurveyStep, ...] = (), enrolled: bool = True, **more: bool) -> StayAsked:
    return StayAsked(
        died=more.get("died", False),
        post_acute=more.get("post_acute", False),
        enrolled=enrolled,
        steps=steps,
        tasks=tasks,
    )


@pytest.mark.parametrize(
    ("known", "verdict"),
    [
        (stay(task(tried=NOW - DAY)), Invitation(Asked.YES, SMS, NOW - DAY)),
        (
            stay(task(SMS, TaskStatus.FAILED, TaskReason.NOT_DELIVERED), task(PHONE, tried=NOW)),
            Invitation(Asked.YES, PHONE, NOW),
        ),
        (stay(task(starts=DAY, ends=2 * DAY)), Invitation(Asked.TO_COME, SMS, NOW + DAY)),
        (
            stay(task(SMS, TaskStatus.CANCELLED, TaskReason.OPTED_OUT), task(PHONE, starts=DAY, ends=2 * DAY)),
            Invitation(Asked.TO_COME, PHONE, NOW + DAY),
        ),
        (
            stay(
                task(SMS, TaskStatus.CANCELLED, TaskReason.FATIGUE_LIMIT),
                task(PHONE, TaskStatus.CANCELLED, TaskReason.CONDITION_NOT_MET),
            ),
            Invitation(Asked.NO, why=TaskReason.FATIGUE_LIMIT),
        ),
        (stay(task(starts=-3 * DAY, ends=-DAY)), Invitation(Asked.NO, why=WhyNot.MISSED)),
        (stay(died=True, enrolled=False), Invitation(Asked.NO, why=WhyNot.DIED)),
        (stay(post_acute=True, enrolled=False), Invitation(Asked.NO, why=WhyNot.POST_ACUTE)),
        (stay(enrolled=False), Invitation(Asked.NO, why=WhyNot.NO_PLAN)),
        (stay(), Invitation(Asked.NO, why=WhyNot.NO_SURVEY)),
        (stay(steps=(step(for_risk=False),)), Invitation(Asked.NO, why=WhyNot.OTHER_RISK)),
        (
            stay(steps=(step(sampled=False, share=0.2),)),
            Invitation(Asked.NO, why=WhyNot.NOT_SAMPLED, share=0.2),
        ),
    ],
)
def test_each_discharge_was_asked_or_has_a_reason(known: StayAsked, verdict: Invitation):
    assert invitation(known, NOW) == verdict


def test_everything_has_words():
    assert set(ASKED_LABELS) == set(Asked)
    assert set(WHY_NOT_LABELS) == set(WhyNot)
    assert set(CHANNEL_LABELS) == set(StepChannel)
