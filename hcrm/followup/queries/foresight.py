"""Reads what would hold an open task that a person does."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.followup.domain.figures import asks_satisfaction
from hcrm.followup.domain.foresight import CallFacts, next_call
from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.models import TaskRow
from hcrm.followup.queries.state import is_leased
from hcrm.organization.queries import facility
from hcrm.patients.domain import ConsentChannel, ConsentPurpose, DeceasedState
from hcrm.patients.queries import consents_by_purpose, contacts, patient_snapshots, records_by_patient

_CHANNELS = {StepChannel.PHONE: ConsentChannel.PHONE, StepChannel.HOME_VISIT: ConsentChannel.HOME_VISIT}


def call_facts(session: Session, task: TaskRow, now: datetime) -> CallFacts:
    """The facts about a call or a home visit, as they are now."""
    at, records = facility(session, task.facility_id), records_by_patient(session, [task.patient_id])
    by_phone = task.channel is StepChannel.PHONE
    purpose = ConsentPurpose.SURVEY if asks_satisfaction(task.questionnaire_code) else ConsentPurpose.CARE
    agreed = consents_by_purpose(session, records, [purpose], _CHANNELS.get(task.channel, ConsentChannel.PHONE))
    known = contacts(session, [task.patient_id], records=records)[task.patient_id]
    patient = patient_snapshots(session, [task.patient_id])[task.patient_id]
    facts = CallFacts(
        opens_at=task.window_starts_at,
        closes_at=task.due_at,
        call_from=None,
        waits_until=task.callback_at,
        deceased=patient.deceased_state is not DeceasedState.NONE,
        refused=not agreed[task.patient_id, purpose],
        numbers=sum(each.usable for each in known),
        in_hands_of=session.scalar(select(TaskRow.lease_user_id).where(TaskRow.id == task.id, is_leased())),
    )
    if not by_phone:
        return facts
    return replace(facts, call_from=next_call(facts.ready_at(now), at.settings.calling_hours, at.zone))
