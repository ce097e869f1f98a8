"""Two imports into one facility at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from hcrm.patients.domain import ApplyCounts, StayRow
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.factories_patients import apply_rows, stay_row

CHUNK = 50


def rows_of(start: int, count: int) -> list[StayRow]:
    """Stays of 40 patients, so that both imports meet the same ones, some in the other order."""
    rows = [stay_row(f"M{number % 40}", f"V{number}", nurse=f"N{number}") for number in range(start, start + count)]
    return rows if start == 0 else rows[::-1]


def test_two_imports_at_once_neither_block_each_other_nor_make_anything_twice(runtime: Runtime, facility: int) -> None:
    together = threading.Barrier(2)

    def bring(rows: list[StayRow]) -> ApplyCounts:
        counts = ApplyCounts()
        together.wait(timeout=10)
        for start in range(0, len(rows), CHUNK):
            with unit_of_work(runtime.sessions) as session:
                counts = counts.plus(apply_rows(session, facility, rows[start : start + CHUNK]))
        return counts

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(bring, [rows_of(0, 300), rows_of(150, 300)])

    total = first.plus(second)
    assert (total.created, total.unchanged, total.patients_created) == (450, 150, 40)
    with unit_of_work(runtime.sessions) as session:
        assert session.scalar(text("SELECT count(*) FROM encounter")) == 450
        assert session.scalar(text("SELECT count(*) FROM contact_point")) == 40
