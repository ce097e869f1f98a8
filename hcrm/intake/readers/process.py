"""Reading in a process of its own, so that cells are checked, and what follows from them is worked out, while the
database works on the run before.

The reader is ahead: while one run is written a thread fetches the next, and the one after it lies ready as bytes. When
the importer dies, even by SIGKILL, the pipe breaks and the reader ends. The process is this module: it imports the
readers and nothing else of the program.
"""

from __future__ import annotations

import gc
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO, Final, cast
from zoneinfo import ZoneInfo

from hcrm.intake.domain import Chunk, FileRefused
from hcrm.intake.readers.csv_rows import Order
from hcrm.intake.readers.formats import read_chunks
from hcrm.patients.domain import packed, prepare, unpacked

WORTH_A_PROCESS: Final = 4_000_000
"""Bytes from which on a file is read beside the importing: below, starting a process takes longer than it saves."""


def chunks(order: Order, *, parallel: bool | None = None) -> Iterator[Chunk]:
    """The runs of a file, read and prepared here or beside, whichever is faster.

    Raises what ``read_chunks`` raises, and ``FileRefused`` (``reader_died``) when the reading process was killed.
    """
    if parallel is None:
        parallel = order.path.stat().st_size >= WORTH_A_PROCESS
    return _beside(order) if parallel else _here(order)


def _here(order: Order) -> Iterator[Chunk]:
    zone = ZoneInfo(order.timezone)
    return (prepared(chunk, zone) for chunk in read_chunks(order))


def prepared(chunk: Chunk, zone: ZoneInfo) -> Chunk:
    """The same run with its rows prepared to be written; ``zone`` gives the calendar days of stays."""
    return chunk._replace(rows=[], prepared=[prepare(row, zone) for row in chunk.rows])


def _beside(order: Order) -> Iterator[Chunk]:
    command = [sys.executable, "-m", "hcrm.intake.readers.process"]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process,  # noqa: S603 - ourselves
        ThreadPoolExecutor(1, "hcrm-next-run") as thread,
    ):
        try:
            sent, received = cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout)
            _send(order, sent)
            coming = thread.submit(_next, received, order)
            while (chunk := coming.result()) is not None:
                coming = thread.submit(_next, received, order)
                yield chunk
                del chunk  # or it is in memory until the next is asked for
        finally:
            process.kill()


def _send(order: Order, sent: BinaryIO) -> None:
    try:
        pickle.dump(order, sent)
        sent.close()
    except BrokenPipeError:
        raise FileRefused("reader_died", file=order.path.name) from None


def _next(received: BinaryIO, order: Order) -> Chunk | None:
    """The next run, None at the end; what comes is our own process's, not the file's."""
    try:
        item: tuple[Chunk, bytes] | FileRefused | None = pickle.load(received)  # noqa: S301 - written by the process started above
    except (EOFError, pickle.UnpicklingError):
        raise FileRefused("reader_died", file=order.path.name) from None
    if isinstance(item, FileRefused):
        raise item
    if item is None:
        return None
    chunk, rows = item
    return chunk._replace(prepared=unpacked(rows))


def serve(received: BinaryIO, sent: BinaryIO) -> None:
    """Read the file that the order on ``received`` names, and write its runs to ``sent``, then None or why not."""
    order: Order = pickle.load(received)  # noqa: S301 - written by the process that started this one
    gc.disable()  # rows hold no cycles
    zone = ZoneInfo(order.timezone)
    try:
        for chunk in read_chunks(order):
            ready = prepared(chunk, zone)
            # The rows travel apart, in a form that is made and read faster than objects.
            item = (ready._replace(prepared=()), packed(ready.prepared))
            sent.write(pickle.dumps(item, pickle.HIGHEST_PROTOCOL))
            sent.flush()
            del chunk, ready, item  # or two runs are in memory while the next is read
        pickle.dump(None, sent)
    except FileRefused as refusal:
        pickle.dump(refusal, sent)
    sent.flush()


if __name__ == "__main__":
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:
        sys.stderr.close()  # nobody is there any more; the interpreter would complain about standard output
