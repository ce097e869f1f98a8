"""How many discharges a second are lived through, with all their texts, answers, calls and alerts, and what it costs.

A fresh database, ``DAYS`` days of ``PER_DAY`` discharges; the figure is taken from the last third, when every kind of
step is due. ``python -m tests.benchmarks.bench_simulate [DAYS [PER_DAY]]``; the aim is 300 a second.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

from sqlalchemy import Engine, event

from hcrm import schema
from hcrm.clock import FixedClock, stopwatch
from hcrm.settings import Settings
from hcrm.simulation.day_report import DayReport
from hcrm.simulation.simulate import ZONE, simulate
from hcrm.wiring import make_runtime
from tests.databases import begin_run, end_run, open_server, servers_to_test

DAYS, PER_DAY, SEED = 21, 20, 1
AIM = 300
FIRST = date(2026, 1, 1)
PARTS = {
    "texts out": "simulation/texting.py:send_all",
    "replies": "messaging/jobs/receiving.py:handle_inbound",
    "calls": "simulation/calling.py:make_calls",
    "alerts": "simulation/calling.py:answer_alerts",
    "records": "simulation/life.py:_take_in",
    "worker": "simulation/life.py:_work",
    "checks": "simulation/simulate.py:look_over",
}
"""What statements are counted under, by the function that they are made in."""


@dataclass
class Measured:
    """A day: what happened, seconds on the clock, seconds of processor time here, statements."""

    report: DayReport
    clock: float
    processor: float
    statements: int


def measure(days: int, per_day: int) -> tuple[list[Measured], Counter[str]]:
    """Simulate in a database of its own."""
    server = open_server(servers_to_test()[-1])
    name = server.create()
    measured: list[Measured] = []
    counted: Counter[str] = Counter()
    began = [stopwatch(), _processor(), 0]

    def count(*_: object) -> None:
        counted[_part()] += 1

    def tell(report: DayReport) -> None:
        now = [stopwatch(), _processor(), counted.total()]
        measured.append(Measured(report, now[0] - began[0], now[1] - began[1], int(now[2] - began[2])))
        began[:] = now

    try:
        with tempfile.TemporaryDirectory() as folder:
            schema.upgrade(server.admin_url(name))
            settings = Settings(instance_dir=Path(folder), database_url=server.url(name), secret_key="k" * 40)
            runtime = make_runtime(settings, FixedClock(datetime.combine(FIRST, time.min, ZONE)))
            event.listen(Engine, "before_cursor_execute", count)
            began[:] = [stopwatch(), _processor(), 0]
            simulate(runtime, days=days, per_day=per_day, seed=SEED, first_on=FIRST, tell=tell)
            runtime.engine.dispose()
    finally:
        event.remove(Engine, "before_cursor_execute", count)
        server.drop(name)
    return measured, counted


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _part() -> str:
    frame = sys._getframe(2)
    while frame is not None:
        place = f"{frame.f_code.co_filename.rpartition('/hcrm/')[2]}:{frame.f_code.co_name}"
        for part, begins in PARTS.items():
            if place == begins:
                return part
        frame = frame.f_back
    return "other"


def report_of(measured: list[Measured], counted: Counter[str], per_day: int) -> str:
    """The result as lines of text."""
    late = measured[len(measured) * 2 // 3 :]
    discharges = sum(each.report.discharges for each in late)
    clock, processor = sum(each.clock for each in late), sum(each.processor for each in late)
    statements = sum(each.statements for each in late)
    happened = {
        what: sum(getattr(each.report, what) for each in late) for what in ("texts_sent", "replies", "calls", "alerts")
    }
    lines = [
        f"Hospital life at {per_day} discharges a day, days {len(measured) - len(late) + 1} to {len(measured)}",
        f"  {discharges / clock:6.1f} discharges a second on the clock (aim: {AIM})",
        f"  {1000 * processor / discharges:6.1f} ms of processor time a discharge here (the database's comes on top)",
        f"  {statements / discharges:6.1f} statements a discharge",
        f"  {discharges} discharges, " + ", ".join(f"{count} {what}" for what, count in happened.items()),
    ]
    lines += [f"  {count / counted.total():6.1%} of all statements: {part}" for part, count in counted.most_common()]
    return "\n".join(lines)


def main(days: int = DAYS, per_day: int = PER_DAY) -> int:
    """Measure and print; the aim is far away, so it fails nothing."""
    begin_run()
    try:
        measured, counted = measure(days, per_day)
    finally:
        end_run()
    sys.stdout.write(report_of(measured, counted, per_day) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*(int(each) for each in sys.argv[1:])))
