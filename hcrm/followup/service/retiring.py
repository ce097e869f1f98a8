"""Taking a questionnaire out of use: the plans that ask it first get another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from hcrm.followup.domain.plan import Plan, Step
from hcrm.followup.queries.plan_versions import EditedPlan, edited_plan, known_content, own_plan_id
from hcrm.followup.queries.plans import published_plans
from hcrm.followup.service.plan_editing import begin_draft, change_draft, publish_draft


class PlanHasDraft(RuntimeError):
    """Somebody is changing the plan: it would be published half done; the argument is its code."""


@dataclass(frozen=True, slots=True)
class PlanAsking:
    """A plan in force in a hospital with its steps that ask a questionnaire."""

    facility_id: int
    plan_id: int
    plan: Plan
    steps: tuple[Step, ...]


def plans_asking(session: Session, code: str, facility_ids: Sequence[int]) -> list[PlanAsking]:
    """The plans in force in these hospitals that ask the questionnaire ``code`` in a step that is switched on."""
    found = []
    for facility_id in facility_ids:
        for published in published_plans(session, facility_id):
            steps = tuple(each for each in published.plan.steps if each.active and _asks(each, code))
            if steps:
                found.append(PlanAsking(facility_id, published.plan_id, published.plan, steps))
    return found


def ask_instead(
    session: Session, *, asking: PlanAsking, code: str, other: str, actor_user_id: int, now: datetime
) -> None:
    """Publish a version of the plan that asks ``other`` wherever it asked ``code``; who is enrolled keeps theirs.

    Raises ``PlanHasDraft``, and ``PlanNotPublishable`` where the plan then has flaws.
    """
    about: dict[str, Any] = {"facility_id": asking.facility_id, "actor_user_id": actor_user_id, "now": now}
    if _drafted(session, asking):
        raise PlanHasDraft(asking.plan.code)
    own_id = begin_draft(session, plan_id=asking.plan_id, **about)
    draft = _edited(session, own_id, asking.facility_id).draft
    assert draft is not None
    change_draft(session, plan_id=own_id, change=lambda plan: _replaced(plan, code, other), seen=draft.token, **about)
    publish_draft(session, plan_id=own_id, known=known_content(session, asking.facility_id), **about)


def _drafted(session: Session, asking: PlanAsking) -> bool:
    own_id = own_plan_id(session, asking.facility_id, asking.plan.code) or asking.plan_id
    return _edited(session, own_id, asking.facility_id).draft is not None


def _edited(session: Session, plan_id: int, facility_id: int) -> EditedPlan:
    found = edited_plan(session, plan_id, facility_id)
    assert found is not None
    return found


def _asks(step: Step, code: str) -> bool:
    return any(asked == code for _, asked in step.questionnaires)


def _replaced(plan: Plan, code: str, other: str) -> Plan:
    return replace(
        plan,
        steps=tuple(
            replace(
                step,
                questionnaires=tuple((stay, other if asked == code else asked) for stay, asked in step.questionnaires),
            )
            for step in plan.steps
        ),
    )
