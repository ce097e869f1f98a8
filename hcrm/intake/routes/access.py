"""Which batches a person may look at."""

from __future__ import annotations

from flask import abort

from hcrm.accounts.domain import Action, scope_of
from hcrm.accounts.guard import current_actor, require_object
from hcrm.intake import queries
from hcrm.intake.domain import BatchSnapshot
from hcrm.organization.domain import FacilitySnapshot
from hcrm.organization.queries import facility
from hcrm.unit_of_work import unit_of_work


def facilities_of(action: Action = Action.IMPORT_RECORDS) -> frozenset[int]:
    """The facilities in which the person may do ``action``."""
    return scope_of(current_actor(), action).facility_ids


def one_batch(batch_id: int) -> tuple[BatchSnapshot, FacilitySnapshot]:
    """A batch of one of the person's facilities; else 404."""
    with unit_of_work() as session:
        batch = queries.batch(session, batch_id)
        if batch is None or batch.facility_id not in facilities_of():
            abort(404)
        require_object(Action.IMPORT_RECORDS, batch.facility_id)
        return batch, facility(session, batch.facility_id)
