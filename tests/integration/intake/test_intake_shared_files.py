"""Every file of the collection beside the checkout is imported, or refused with a sentence; none crashes or hangs."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from hcrm.intake.domain import FileRefused, ImportReport
from hcrm.intake.forms.labels import file_sentence, row_sentence
from hcrm.intake.jobs import import_files
from hcrm.unit_of_work import Runtime
from tests.conftest import ROOT

FOLDER = ROOT.parent / "shared" / "data"
LARGEST = 20 << 20
"""Bytes of a file that is still imported here; larger ones belong to the benchmarks."""

FILES = sorted(each for each in FOLDER.rglob("*") if each.is_file() and each.stat().st_size <= LARGEST)

pytestmark = pytest.mark.skipif(not FILES, reason="the collection of files is not beside the checkout")


def bring(runtime: Runtime, facility: int, path: Path) -> ImportReport | FileRefused:
    try:
        return import_files(runtime, facility_id=facility, paths=[path], with_plans=False)
    except FileRefused as refusal:
        return refusal


def test_every_file_is_imported_or_refused_with_a_sentence(runtime: Runtime, facility: int) -> None:
    taken = 0
    for path in FILES:
        found = bring(runtime, facility, path)
        refused = [("", found)] if isinstance(found, FileRefused) else found.refused_files
        for _, refusal in refused:
            assert str(file_sentence(refusal)).endswith((".", "。")), (path.name, refusal.code)
        if isinstance(found, ImportReport):
            taken += not refused
            counts = found.counts
            assert all(str(row_sentence(each)) for _, each in found.errors)
            assert counts["rows_read"] >= counts["created"] + counts["updated"] + counts["unchanged"], path.name
    assert taken > 0
    with runtime.engine.connect() as connection:
        states = set(connection.scalars(text("SELECT DISTINCT status FROM import_batch")))
    assert states <= {"finished", "failed"}
