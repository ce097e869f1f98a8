"""Reading in a process of its own gives what reading here gives, and ends with a sentence when it is killed."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hcrm.intake.domain import FileRefused, Profile
from hcrm.intake.readers.csv_rows import Order, sniff
from hcrm.intake.readers.process import chunks

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


@pytest.fixture
def order(tmp_path: Path) -> Order:
    path = tmp_path / "list.csv"
    rows = "".join(f"{number},V{number},张伟,2026-03-01,2026-03-02,{'x' * 50}\n" for number in range(3_000))
    path.write_text(f"mrn,visit_number,name,admitted_at,discharged_at,address\n,,,,,\n{rows}7,V7,,soon,,\n", "utf-8")
    return Order(path, sniff(path), Profile(), "Asia/Shanghai", "CN", NOW, 500)


def test_beside_is_as_here(order: Order) -> None:
    assert list(chunks(order, parallel=True)) == list(chunks(order, parallel=False))


def test_a_file_that_cannot_be_read_is_refused_from_there_too(order: Order) -> None:
    without_columns = order._replace(shape=replace(order.shape, columns={}))
    with pytest.raises(FileRefused) as refusal:
        list(chunks(without_columns, parallel=True))
    assert refusal.value.code == "columns_missing"


def test_a_reader_that_is_killed_is_told(order: Order) -> None:
    reading = chunks(order._replace(size=100), parallel=True)
    next(reading)
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    os.kill(int(children[-1]), signal.SIGKILL)
    with pytest.raises(FileRefused) as refusal:
        list(reading)
    assert refusal.value.code == "reader_died"
