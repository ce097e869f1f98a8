"""Checking a file before anything is written: what its first rows would create, change, or be refused for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Self
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from hcrm.intake.domain import Change, Chunk, FileRefused, RowError, Severity, changes_between
from hcrm.intake.readers.csv_rows import Order
from hcrm.intake.readers.formats import read_chunks
from hcrm.intake.readers.process import prepared
from hcrm.intake.service.rows import count_chunk
from hcrm.patients.domain import PreparedStay
from hcrm.patients.queries import Known, patients_as_known, stays_as_known

PREVIEW_ROWS: Final = 5_000
"""How many records are checked while somebody waits."""
SHOWN: Final = 100
"""How many refused rows and how many warnings are shown."""
FIRST_ROWS: Final = 5


def check_file(
    session: Session, *, facility_id: int, order: Order, stated_at: datetime, now: datetime
) -> dict[str, Any]:
    """What an import of the first ``PREVIEW_ROWS`` records would do, as JSON; everything is taken back.

    Raises ``FileRefused``: those of ``read_chunks``, or ``busy`` when an import holds the facility for too long.
    """
    chunks = read_chunks(order._replace(size=PREVIEW_ROWS))
    chunk = next(chunks, Chunk(0, [], [], 0, 0))
    ready = prepared(chunk, ZoneInfo(order.timezone))
    session.execute(text("SET LOCAL lock_timeout = '15s'"))
    savepoint = session.begin_nested()
    try:
        counts, remarks, changes = rehearse_chunk(
            session, facility_id=facility_id, stated_at=stated_at, chunk=ready, timezone=order.timezone, now=now
        )
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", "") != "55P03":
            raise
        raise FileRefused("busy") from None
    finally:
        savepoint.rollback()
    return {
        "counts": counts,
        "complete": next(chunks, None) is None,
        "rejected": _listed(remarks, Severity.REJECTED),
        "warnings": _listed(remarks, Severity.WARNING),
        "changes": [change._asdict() for change in changes[:SHOWN]],
        "by_code": Counter(f"{remark.severity}:{remark.code}" for remark in remarks),
        "first_rows": [_first_row(row) for row in chunk.rows[:FIRST_ROWS]],
    }


def rehearse_chunk(
    session: Session,
    *,
    facility_id: int,
    stated_at: datetime,
    chunk: Chunk,
    timezone: str,
    now: datetime,
    compare: bool = True,
) -> tuple[dict[str, int], list[RowError], list[Change]]:
    """Write a run of rows to see what happens; the caller rolls back.

    Returns its counts, the remarks, and, with ``compare``, what changes about stays and patients that were known.
    """
    before = _Known.read(session, facility_id, chunk.prepared if compare else [])
    counts, remarks = count_chunk(
        session, facility_id=facility_id, stated_at=stated_at, chunk=chunk, timezone=timezone, now=now
    )
    return counts, remarks, before.changes(session, facility_id)


class _Known(NamedTuple):
    """The rows about what is known, and what is known; of several rows about one stay or patient the last counts."""

    rows: list[PreparedStay]
    stays: Known
    patients: Known

    @classmethod
    def read(cls, session: Session, facility_id: int, rows: Sequence[PreparedStay]) -> Self:
        stays, patients = stays_as_known(session, facility_id, rows), patients_as_known(session, facility_id, rows)
        touching = [row for row in rows if (row.source, row.visit_number) in stays or row.mrn in patients]
        return cls(touching, stays, patients)

    def changes(self, session: Session, facility_id: int) -> list[Change]:
        after = self.read(session, facility_id, self.rows)
        stay_rows = {(row.source, row.visit_number): row for row in self.rows}
        patient_rows = {row.mrn: row for row in self.rows}
        found: list[Change] = []
        for known, now_known, naming in (
            (self.stays, after.stays, stay_rows),
            (self.patients, after.patients, patient_rows),
        ):
            for key, old in known.items():
                row = naming[key]
                found.extend(changes_between(row.line, row.mrn, old, now_known[key]))
        return sorted(found, key=lambda change: change.line)


def _listed(remarks: Sequence[RowError], severity: Severity) -> list[dict[str, Any]]:
    return [remark.to_json() for remark in remarks if remark.severity is severity][:SHOWN]


def _first_row(row: Any) -> dict[str, Any]:
    return {
        "line": row.line,
        "mrn": row.mrn,
        "name": row.full_name or "",
        "visit_number": row.visit_number,
        "class": row.encounter_class,
        "department": row.department_name or "",
        "admitted_at": None if row.admitted_at is None else row.admitted_at.isoformat(),
        "discharged_at": None if row.discharged_at is None else row.discharged_at.isoformat(),
        "phone": row.phones[0].raw if row.phones else "",
    }
