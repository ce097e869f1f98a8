"""Writing runs of rows, and keeping what is to be said about them.

A run of rows, the remarks about it and the position reached are one transaction: killed at any moment, an import goes
on where it stopped, and nothing is counted twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from hcrm.intake.domain import STORED_WARNINGS, Chunk, RowError, Severity, add_counts
from hcrm.intake.models import ImportBatch, ImportRowError
from hcrm.intake.service.files import write_messages
from hcrm.intake.service.refusals import DATA_CLASSES, blame
from hcrm.patients.domain import ApplyCounts, PreparedStay
from hcrm.patients.queries import known_departments
from hcrm.patients.service import BulkWriteFailed, apply_prepared

SOURCE_RANK: Final = 10
"""Of records with the same event time, those from files give way to those of interfaces."""

CellsOf = Callable[[Collection[int]], Mapping[int, tuple[str, ...]]]


def settle_chunk(
    session: Session, *, batch_id: int, chunk: Chunk, timezone: str, cells_of: CellsOf, now: datetime
) -> tuple[dict[str, int], list[RowError]]:
    """Write a run of rows, keep what is to be said about it, and move the batch's position behind it.

    Rows that the database refuses are found by halving and refused alone; ``cells_of`` fetches their cells from the
    file. Returns the counts of this run and all remarks.
    """
    batch = session.get_one(ImportBatch, batch_id, with_for_update=True)
    counts, remarks = _write(session, batch, chunk, timezone, cells_of, now)
    by_code = Counter(f"{remark.severity}:{remark.code}" for remark in remarks)
    _keep(session, batch, remarks)
    batch.counts = {**add_counts(batch.counts, {**counts, **by_code}), "bytes_read": chunk.bytes_read}
    batch.position = chunk.position
    session.flush()
    return counts, remarks


def count_chunk(
    session: Session, *, facility_id: int, stated_at: datetime, chunk: Chunk, timezone: str, now: datetime
) -> tuple[dict[str, int], list[RowError]]:
    """What ``settle_chunk`` would do, written inside the caller's transaction without a batch, to be rolled back."""
    batch = ImportBatch(id=None, facility_id=facility_id, stated_at=stated_at, with_plans=False)
    return _write(session, batch, chunk, timezone, _no_cells, now)


def _no_cells(_lines: Collection[int]) -> Mapping[int, tuple[str, ...]]:
    return {}


def _write(
    session: Session, batch: ImportBatch, chunk: Chunk, timezone: str, cells_of: CellsOf, now: datetime
) -> tuple[dict[str, int], list[RowError]]:
    if chunk.messages:
        return write_messages(session, batch, chunk, timezone, now)
    news = _new_departments(session, batch.facility_id, chunk.prepared)
    applied, refused = _apply(session, batch, chunk.prepared, timezone, now)
    if refused:
        cells = cells_of([each.line for each in refused])
        refused = [each._replace(cells=cells.get(each.line, ())) for each in refused]
    remarks = sorted([*chunk.errors, *refused, *news], key=lambda each: each.line)
    rejected = sum(1 for each in remarks if each.severity is Severity.REJECTED)
    counts = {
        **applied._asdict(),
        "rows_read": len(chunk.prepared) + rejected - len(refused),
        "rejected": rejected,
        "skipped": chunk.skipped,
        "warnings": len(remarks) - rejected,
    }
    return counts, remarks


def _apply(
    session: Session, batch: ImportBatch, rows: Sequence[PreparedStay], timezone: str, now: datetime
) -> tuple[ApplyCounts, list[RowError]]:
    """Write ``rows``; where the database refuses, halve until the bad rows are alone."""
    try:
        with session.begin_nested():
            applied = apply_prepared(
                session,
                facility_id=batch.facility_id,
                timezone=timezone,
                batch_id=batch.id,
                source_rank=SOURCE_RANK,
                stated_at=batch.stated_at,
                rows=rows,
                with_plans=batch.with_plans,
                now=now,
            )
            session.flush()
    except (BulkWriteFailed, DataError, IntegrityError) as error:
        code, constraint = blame(error)
        if code[:2] not in DATA_CLASSES:
            raise
    else:
        return applied, []
    if len(rows) == 1:
        params = {"sqlstate": code, "constraint": constraint}
        return ApplyCounts(), [RowError(rows[0].line, "", "database_refused", Severity.REJECTED, params)]
    middle = len(rows) // 2
    first, first_refused = _apply(session, batch, rows[:middle], timezone, now)
    second, second_refused = _apply(session, batch, rows[middle:], timezone, now)
    return first.plus(second), first_refused + second_refused


def _new_departments(session: Session, facility_id: int, rows: Sequence[PreparedStay]) -> list[RowError]:
    """A warning for each department that these rows bring and nobody knows yet: it is made, to be reviewed."""
    named: dict[str, tuple[str, int]] = {}
    for row in rows:
        if row.department_code:
            named.setdefault(row.department_code, (row.department_name or row.department_code, row.line))
    new = known_departments(session, facility_id).unknown({code: name for code, (name, _) in named.items()})
    return [
        RowError(named[code][1], "department", "unknown_department", Severity.WARNING, {"value": name})
        for code, name in new.items()
    ]


def _keep(session: Session, batch: ImportBatch, remarks: Sequence[RowError]) -> None:
    """Store every refused row, and the first warnings of each kind."""
    stored: Counter[str] = Counter(
        {key.partition(":")[2]: count for key, count in batch.counts.items() if key.startswith("warning:")}
    )
    values: list[dict[str, Any]] = []
    for remark in remarks:
        if remark.severity is Severity.WARNING:
            stored[remark.code] += 1
            if stored[remark.code] > STORED_WARNINGS:
                continue
        values.append(
            {
                "batch_id": batch.id,
                "line": remark.line,
                "field": remark.field,
                "code": remark.code,
                "severity": remark.severity,
                "params": _storable(remark.params),
                "row": [_plain(cell) for cell in remark.cells],
            }
        )
    if values:
        session.execute(insert(ImportRowError), values)


def _storable(params: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _plain(value) if isinstance(value, str) else value for key, value in params.items()}


def _plain(text_: str) -> str:
    """Text as PostgreSQL can keep it."""
    return text_.replace("\0", "").encode("utf-8", "replace").decode()
