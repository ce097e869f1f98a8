"""Writes a feed into files: one for each hospital, or for each hospital and day."""

from __future__ import annotations

import gc
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from hcrm.simulation.generate.drawing import Format, Order
from hcrm.simulation.generate.parameters import Facility
from hcrm.simulation.generate.process import days
from hcrm.simulation.generate.rows import HEADS, TOLD, Cells, csv_text
from hcrm.simulation.generate.xlsx import Workbook

SUFFIXES: dict[Format, str] = {"csv": "csv", "xlsx": "xlsx", "hl7": "hl7", "fhir": "ndjson"}


@dataclass(slots=True)
class Written:
    """What was written: the files, and how many records there were of each event."""

    files: list[Path] = field(default_factory=list)
    records: Counter[str] = field(default_factory=Counter)


def write_feed(order: Order, out: Path, *, processes: int = 1) -> Written:
    """Write the files of ``order`` into ``out``, the same bytes whatever the number of ``processes``."""
    written = Written()
    group = order.parameters.group()
    with _without_collecting(), _Files(order, group, out, written) as files:
        for day, pieces, counts in days(order, processes):
            written.records.update(counts)
            files.begin(day)
            for piece in pieces:
                files.add(piece.facility, piece.content)
    _describe(order, group, out, written)
    return written


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Leave the garbage collector off: records hold no cycles, and looking for some costs a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Files:
    """The files of a feed that are open at the moment."""

    def __init__(self, order: Order, group: tuple[Facility, ...], out: Path, written: Written) -> None:
        self._order = order
        self._group = group
        self._out = out
        self._written = written
        self._open: dict[int, BinaryIO | Workbook] = {}
        self._day: date | None = None

    def __enter__(self) -> Self:
        self._out.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._close()

    def begin(self, day: date) -> None:
        """Go on to ``day``; every hospital has its file, also when nobody went home."""
        if self._day is None or self._order.daily:
            self._close()
            self._day = day
            self._open = {facility.index: self._new(facility, day) for facility in self._group}

    def add(self, facility: int, content: bytes | list[Cells]) -> None:
        file = self._open[facility]
        if isinstance(file, Workbook):
            assert isinstance(content, list)
            file.add(content)
        else:
            assert isinstance(content, bytes)
            file.write(content)

    def _new(self, facility: Facility, day: date) -> BinaryIO | Workbook:
        order = self._order
        parts = ["discharges"]
        if len(self._group) > 1:
            parts.append(facility.code)
        if order.daily:
            parts.append(day.isoformat())
        path = self._out / f"{'-'.join(parts)}.{SUFFIXES[order.format]}"
        self._written.files.append(path)
        if order.format == "xlsx":
            return Workbook(path, order.style)
        file = path.open("wb")
        if order.format == "csv":
            file.write(csv_text([HEADS[order.style]]).encode())
        return file

    def _close(self) -> None:
        for file in self._open.values():
            file.close()
        self._open = {}


def _describe(order: Order, group: tuple[Facility, ...], out: Path, written: Written) -> None:
    """``feed.json``: from what the feed was made, and how much there is of what."""
    parameters = order.parameters
    told: dict[str, Any] = {
        "seed": parameters.seed,
        "first": order.first.isoformat(),
        "days": order.count,
        "per_day": parameters.per_day,
        "country": parameters.country,
        "style": order.style,
        "format": order.format,
        "rates": asdict(parameters.rates),
        "records": dict(sorted(written.records.items())),
        "facilities": [
            {
                "code": facility.code,
                "name": facility.name,
                "name_zh": facility.name_zh,
                "timezone": parameters.zone,
                "country": parameters.country,
                "departments": {kind.code: kind.name for kind in facility.kinds},
            }
            for facility in group
        ],
    }
    (out / "feed.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def rows_of(written: Written) -> int:
    """How many rows a table of these records has."""
    return sum(count for event, count in written.records.items() if event in TOLD)
