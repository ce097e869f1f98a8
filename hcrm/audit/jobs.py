"""Background work of the audit."""

from __future__ import annotations

from hcrm.audit import service
from hcrm.unit_of_work import Runtime, unit_of_work


def seal(runtime: Runtime) -> int:
    """Seal the entries that can be sealed; returns their number."""
    with unit_of_work(runtime.sessions) as session:
        return service.seal(session, now=runtime.clock.now())
