"""A text with advice, sent while somebody is on the phone with the patient."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.followup.models import TaskRow
from hcrm.followup.service.tasks import UnknownTask
from hcrm.messaging.domain import MessageRequest, Purpose
from hcrm.messaging.service import enqueue

USEFUL_FOR = timedelta(days=1)


class Advice(StrEnum):
    """The texts that can be sent from a call; they say nothing about health."""

    WHEN_TO_CALL = "advice_when_to_call"
    WRITTEN_ADVICE = "advice_written"
    RETURN_VISIT = "advice_return_visit"
    MISSED_CALL = "missed_call"


def send_advice(session: Session, *, task_id: int, advice: Advice, user_id: int, now: datetime) -> int:
    """Hand the text to the outbox, once a day for each task; the id of the message. Raises ``UnknownTask``.

    It does not belong to the task: what becomes of the task does not withdraw it.
    """
    task = session.get(TaskRow, task_id)
    if task is None:
        raise UnknownTask(task_id)
    message_id = enqueue(
        session,
        MessageRequest(
            facility_id=task.facility_id,
            patient_id=task.patient_id,
            encounter_id=task.encounter_id,
            task_id=None,
            purpose=Purpose.CARE,
            template_code=advice.value,
            values={},
            key=f"care:{advice.value}:{task.id}:{now.date().isoformat()}",
            not_before=now,
            expires_at=now + USEFUL_FOR,
        ),
        now=now,
    )
    record(
        session,
        now=now,
        action="task.advice_sent",
        actor_user_id=user_id,
        facility_id=task.facility_id,
        object_kind="task",
        object_id=task.id,
        patient_id=task.patient_id,
        details={"template": advice.value},
    )
    return message_id
