"""How fast made-up discharge rows are written, against a bare ``csv.writer`` loop over the same rows.

Both write the same cells into a file in the same run; the base writes rows that lie ready in memory, one ``writerow``
after the other, the median of three. Drawn by one process and by as many as there are processors. Processor time is
told beside the clock's: on a machine with other work it is what can be compared.
``python -m tests.benchmarks.bench_generate [ROWS]``.
"""

from __future__ import annotations

import csv
import os
import platform
import resource
import sys
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from hcrm.clock import stopwatch
from hcrm.simulation.generate.drawing import Order
from hcrm.simulation.generate.files import rows_of, write_feed
from hcrm.simulation.generate.parameters import Parameters

ROWS = 300_000
DAYS = 100
TARGET = 50_000
"""Rows per second, however many processes draw them."""


class Speed(NamedTuple):
    """Rows per second on the clock, and per second of the processors of all processes together."""

    clock: float
    processor: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Rows per second on the clock and per second of processor time: the base, one process, all of them."""

    rows: int
    bare: Speed
    alone: Speed
    shared: Speed
    processes: int
    peak_megabytes: float

    @property
    def best(self) -> float:
        return max(self.alone.clock, self.shared.clock)


def measure(rows: int = ROWS) -> Measured:
    """Write the feed twice and its rows once more, and throw everything away."""
    order = Order(Parameters(seed=1, per_day=rows / DAYS), date(2025, 1, 1), DAYS)
    processes = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made, alone = _timed(order, folder / "alone", 1)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        _, shared = _timed(order, folder / "shared", processes)
        bare = sorted(_bare(folder / "alone" / "discharges.csv", folder / "bare.csv") for _ in range(3))[1]
    return Measured(made, bare, alone, shared, processes, peak)


def _timed(order: Order, folder: Path, processes: int) -> tuple[int, Speed]:
    watch = _Watch()
    written = write_feed(order, folder, processes=processes)
    rows = rows_of(written)
    return rows, watch.speed(rows)


def _bare(source: Path, target: Path) -> Speed:
    """Write the rows of ``source`` once more."""
    with source.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    watch = _Watch()
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for row in rows:
            writer.writerow(row)
    speed = watch.speed(len(rows))
    assert target.read_bytes() == source.read_bytes()
    return speed


class _Watch:
    """Runs from when it is made."""

    def __init__(self) -> None:
        self._began = stopwatch()
        self._used = _processor_seconds()

    def speed(self, rows: int) -> Speed:
        return Speed(rows / (stopwatch() - self._began), rows / (_processor_seconds() - self._used))


def _processor_seconds() -> float:
    """Of this process and of those that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def report_of(measured: Measured) -> str:
    """The measurement in words."""
    bare, alone, shared = measured.bare, measured.alone, measured.shared
    return (
        f"Generation of {measured.rows:,} rows of CSV: {alone.clock:,.0f} rows/s by one process, {shared.clock:,.0f} "
        f"rows/s by {measured.processes}; the target is {TARGET:,}. A bare csv.writer loop: {bare.clock:,.0f} rows/s.\n"
        f"For each second of processor time {alone.processor:,.0f} rows by one process, {shared.processor:,.0f} by "
        f"{measured.processes}, {bare.processor:,.0f} by the bare loop: {alone.processor / bare.processor:.1%} of it.\n"
        f"Largest memory of the drawing process: {measured.peak_megabytes:,.0f} MB.\n"
        f"Machine: {platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}."
    )


def main(rows: int = ROWS) -> int:
    """Measure, print, and fail when the target is missed."""
    measured = measure(rows)
    sys.stdout.write(report_of(measured) + "\n")
    return 0 if measured.best >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
