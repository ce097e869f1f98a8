"""Drawing in several processes: each has its share of the departments, and every day is put together again.

A process is one day or a few ahead: it blocks until its day is fetched. When the writer dies its pipe breaks and the
process ends. It is this module: it imports the drawing and nothing else of the program.
"""

from __future__ import annotations

import gc
import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import BinaryIO, cast

from hcrm.simulation.generate.drawing import Day, Order, draw, put_together
from hcrm.simulation.generate.stream import departments_of

WORTH_A_PROCESS = 50_000
"""Discharges from which on another process makes up for its start."""


class DrawingStopped(Exception):
    """A process that drew departments ended before its work was done."""


def processes_for(order: Order, available: int) -> int:
    """How many processes are worth it on a machine with ``available`` processors."""
    parameters = order.parameters
    expected = parameters.per_day * parameters.facilities * order.count
    if order.format == "xlsx" or expected < WORTH_A_PROCESS:
        return 1
    return max(1, min(available, departments_of(parameters)))


def days(order: Order, processes: int) -> Iterator[Day]:
    """The days of ``order``, the same with any number of ``processes``. Raises ``DrawingStopped``."""
    if processes <= 1:
        yield from draw(order)
        return
    everybody = range(departments_of(order.parameters))
    with ExitStack() as stack:
        others = [stack.enter_context(_started(order, everybody[at::processes])) for at in range(1, processes)]
        stack.callback(_end, others)
        for own in draw(order, everybody[::processes]):
            shares = [own, *map(fetch, others)]
            yield put_together(
                own.day,
                [piece for share in shares for piece in share.pieces],
                sum((share.counts for share in shares), Counter()),
            )


def _started(order: Order, departments: Sequence[int]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "hcrm.simulation.generate.process"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - ourselves
    with cast("BinaryIO", process.stdin) as sent:
        pickle.dump((order, departments), sent)
    return process


def fetch(process: subprocess.Popen[bytes]) -> Day:
    """The next day that a process has drawn. Raises ``DrawingStopped``."""
    try:
        day: Day = pickle.load(cast("BinaryIO", process.stdout))  # noqa: S301 - written by the process started above
    except (EOFError, pickle.UnpicklingError):
        raise DrawingStopped from None
    return day


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.kill()


def serve(received: BinaryIO, sent: BinaryIO) -> None:
    """Draw the departments that ``received`` names and write their days to ``sent``."""
    gc.disable()  # records hold no cycles
    order, departments = pickle.load(received)  # noqa: S301 - written by the process that started this one
    for day in draw(order, departments):
        pickle.dump(day, sent, pickle.HIGHEST_PROTOCOL)
    sent.flush()


if __name__ == "__main__":
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:
        sys.stderr.close()  # nobody is there any more; the interpreter would complain about standard output
