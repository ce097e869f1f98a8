"""Files of HL7 v2 messages, in runs as other files are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hcrm.intake.domain import Chunk, CsvShape, FileRefused, Layout, Profile, RowError, Severity
from hcrm.intake.readers.csv_rows import Order
from hcrm.intake.readers.hl7v2.incoming import Incoming, read_message
from hcrm.intake.readers.hl7v2.reading import Reading
from hcrm.intake.readers.hl7v2.splitting import is_hl7, split_messages

RUN: Final = 2_000
"""Messages in one transaction."""
RUN_BYTES: Final = 16 << 20
"""Bytes of messages in one transaction: some carry documents."""
_HEAD: Final = 4096


def holds_messages(path: Path) -> bool:
    """True for a file of HL7 v2. Raises ``FileRefused``: ``not_found`` or ``unreadable``."""
    try:
        with path.open("rb") as file:
            return is_hl7(file.read(_HEAD))
    except FileNotFoundError:
        raise FileRefused("not_found", file=path.name) from None
    except OSError:
        raise FileRefused("unreadable", file=path.name) from None


def hl7_shape(profile: Profile) -> CsvShape:
    """The shape of a file of messages: one column, the message; its encoding may differ from message to message."""
    return CsvShape(
        layout=Layout.HL7,
        encoding=profile.encoding,
        delimiter="",
        header_row=0,
        header_line=0,
        heads=("message",),
        columns={},
        ignored=(),
        date_orders={},
        ambiguous=(),
        samples=(),
    )


def read_chunks(order: Order) -> Iterator[Chunk]:
    """The messages of a file in runs; the runs are the same each time, so reading can be resumed."""
    reading = Reading.of(order.profile, order.timezone, order.region)
    size = min(order.size, RUN)
    run: list[Incoming] = []
    errors: list[RowError] = []
    held = position = end = 0
    with order.path.open("rb") as file:
        for raw in split_messages(file):
            position += 1
            end = raw.end
            held += len(raw.data)
            if position > order.skip:
                encoding = "utf-8" if raw.utf8 else order.shape.encoding
                message = read_message(
                    raw.data, reading, order.now, line=raw.line, encoding=encoding, too_long=raw.too_long
                )
                errors.extend(_remarks(message))
                run.append(message._replace(message=None))
            if len(run) >= size or held >= RUN_BYTES:
                if run:
                    yield Chunk(position, [], errors, 0, end, run)
                run, errors, held = [], [], 0
    if run:
        yield Chunk(position, [], errors, 0, end, run)


def _remarks(message: Incoming) -> Iterator[RowError]:
    found: tuple[tuple[str, str, dict[str, Any]], ...] = message.instruction.remarks if message.instruction else ()
    return (RowError(message.line, field, code, Severity.WARNING, params) for field, code, params in found)
