"""*Why (not)?* of a task, on screen and for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import abort, jsonify, render_template
from flask.typing import ResponseReturnValue

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.audit.service import record
from hcrm.followup import service
from hcrm.followup.domain.foresight import foresee_call, told_ahead
from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.domain.why import Told, explain_task
from hcrm.followup.forms import labels, words
from hcrm.followup.queries import TaskWhy, call_facts, task_why
from hcrm.followup.routes.blueprint import blueprint
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now, wants_json


@blueprint.get("/tasks/<int:task_id>/why")
@requires(Action.VIEW_PATIENT)
def why(task_id: int) -> ResponseReturnValue:
    """Each rule that had a say, the fact that it went by, and the time."""
    moment = now()
    with unit_of_work() as session:
        found = task_why(session, task_id, moment)
        if found is None:
            abort(404)
        require_object(Action.VIEW_PATIENT, found.task.facility_id, found.department_ids)
        told, ahead = explain_task(found.story, moment), _ahead(session, found, moment)
        _note_look(session, found)
        if wants_json():
            return jsonify(_for_programs(found, told, ahead))
        in_words = [[(each, words.why_words(each, found, moment)) for each in part] for part in (told, ahead)]
        return render_template(
            "followup/why.html", found=found, title=words.step_title(found), lines=in_words[0], ahead=in_words[1],
            zone=found.zone, labels=labels,
        )  # fmt: skip


def _ahead(session: Any, found: TaskWhy, moment: datetime) -> list[Told]:
    """What would hold an open task if it were to be done now, and when it can be done."""
    if found.task.status is not TaskStatus.OPEN:
        return []
    if found.task.channel is not StepChannel.SMS:
        return foresee_call(call_facts(session, found.task, moment), moment)
    foresight = service.foresee_text(session, found.task.id, now=moment)
    return [] if foresight is None else told_ahead(foresight)


def _note_look(session: Any, found: TaskWhy) -> None:
    record(
        session,
        now=now(),
        action="task.viewed",
        actor_user_id=current_actor().user_id,
        facility_id=found.task.facility_id,
        object_kind="task",
        object_id=found.task.id,
        patient_id=found.task.patient_id,
    )


def _for_programs(found: TaskWhy, told: list[Told], ahead: list[Told]) -> dict[str, Any]:
    """The same with codes instead of words, times in UTC. ``ahead``: the rules tried in advance."""
    return {
        "id": found.task.id,
        "step": found.task.step_code,
        "status": found.task.status.value,
        "reason": found.task.reason.value if found.task.reason else None,
        "rules": [_coded(each) for each in told],
        "ahead": [_coded(each) for each in ahead],
    }


def _coded(told: Told) -> dict[str, Any]:
    return {"rule": told.rule, "fact": told.fact, "at": told.at.isoformat() if told.at is not None else None}
