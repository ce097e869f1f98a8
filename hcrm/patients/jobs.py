"""Looking through the patients for records that may be the same person."""

from __future__ import annotations

from hcrm.organization.queries import facilities
from hcrm.patients import service
from hcrm.patients.queries.duplicates import changed_since, find_alike, looked_through_at
from hcrm.unit_of_work import Runtime, unit_of_work


def find_duplicates(runtime: Runtime) -> int:
    """Find pairs in every facility whose patients were written since the last look; how many are new."""
    with unit_of_work(runtime.sessions) as session:
        ids = [each.id for each in facilities(session)]
    return sum(_look_through(runtime, each) for each in ids)


def _look_through(runtime: Runtime, facility_id: int) -> int:
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        before = looked_through_at(session, facility_id)
        if before is not None and not changed_since(session, facility_id, before):
            return 0
        found = find_alike(session, facility_id)
        return service.keep_alike(session, facility_id=facility_id, found=found, now=now)
