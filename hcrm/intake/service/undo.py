"""Undoing a whole import while nothing was done with it yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from hcrm.audit.queries import patients_changed
from hcrm.audit.service import record
from hcrm.events import EncountersChanged, publish
from hcrm.followup.queries.begun import begun_tasks, tasks_ended_by_records
from hcrm.followup.service import undo_cancellation
from hcrm.intake.domain import BatchSnapshot, BatchStatus, MessageStatus
from hcrm.intake.models import InterfaceMessage, PostedDocument
from hcrm.intake.queries import batch as batch_snapshot
from hcrm.intake.service.batches import move_batch
from hcrm.patients.queries.batches import Touched, touched_by_batch
from hcrm.patients.service import lock_facility
from hcrm.patients.service.taking_back import TakenBack, take_back_batch

MERGES: Final = ("A34", "A40")


class Hindrance(NamedTuple):
    """Why an import cannot be undone: a code, and how many things of that kind there are."""

    code: str
    things: int = 0


class CannotUndo(Exception):
    """Something was done with what an import brought."""

    def __init__(self, hindrances: Sequence[Hindrance]) -> None:
        super().__init__([each.code for each in hindrances])
        self.hindrances = list(hindrances)


def undo_batch(session: Session, *, batch_id: int, now: datetime, actor_user_id: int) -> TakenBack:
    """Take back everything that a finished import brought. Raises ``CannotUndo`` with every reason why not."""
    found = batch_snapshot(session, batch_id)
    if found is None or found.status is not BatchStatus.FINISHED:
        raise CannotUndo([Hindrance("not_finished")])
    lock_facility(session, found.facility_id)
    touched = touched_by_batch(session, found.facility_id, batch_id)
    hindrances = _hindrances(session, found, touched)
    if hindrances:
        raise CannotUndo(hindrances)
    for table in (InterfaceMessage, PostedDocument):
        session.execute(delete(table).where(table.facility_id == found.facility_id, table.batch_id == batch_id))
    since = found.started_at or found.created_at
    taken = take_back_batch(
        session,
        facility_id=found.facility_id,
        batch_id=batch_id,
        touched=touched,
        since=since,
        timezone=found.timezone,
        with_plans=found.with_plans,
        actor_user_id=actor_user_id,
        now=now,
    )
    _go_on(session, touched.encounter_ids, now)
    move_batch(session, batch_id=batch_id, to=BatchStatus.UNDONE, now=now)
    _audit(session, found, taken, actor_user_id, now)
    return taken


def _go_on(session: Session, encounter_ids: Sequence[int], now: datetime) -> None:
    """Open what the import had ended; what has to end by the records that are left ends again."""
    undo_cancellation(session, task_ids=tasks_ended_by_records(session, encounter_ids), now=now)
    if encounter_ids:
        publish(session, EncountersChanged(now=now, encounter_ids=tuple(encounter_ids), with_plans=False))


def _hindrances(session: Session, batch: BatchSnapshot, touched: Touched) -> list[Hindrance]:
    since = batch.started_at or batch.created_at
    counted = (
        Hindrance("work_begun", begun_tasks(session, touched.encounter_ids, since)),
        Hindrance("patients_changed", patients_changed(session, touched.patient_ids, since)),
        Hindrance("merged", _messages(session, batch, event=True)),
        Hindrance("others_applied", _messages(session, batch, event=False)),
    )
    return [each for each in counted if each.things]


def _messages(session: Session, batch: BatchSnapshot, *, event: bool) -> int:
    """Merges that came with the batch; else messages of others that had waited for what it brought."""
    query = select(func.count()).where(
        InterfaceMessage.facility_id == batch.facility_id, InterfaceMessage.status == MessageStatus.APPLIED
    )
    if event:
        query = query.where(InterfaceMessage.batch_id == batch.id, InterfaceMessage.event.in_(MERGES))
    else:
        query = query.where(
            InterfaceMessage.batch_id.is_distinct_from(batch.id),
            InterfaceMessage.settled_at.between(batch.started_at, batch.finished_at),
        )
    return session.scalar(query) or 0


def _audit(session: Session, batch: BatchSnapshot, taken: TakenBack, actor_user_id: int, now: datetime) -> None:
    record(
        session,
        now=now,
        action="import.undone",
        actor_user_id=actor_user_id,
        facility_id=batch.facility_id,
        object_kind="import_batch",
        object_id=batch.id,
        details=taken._asdict(),
    )
