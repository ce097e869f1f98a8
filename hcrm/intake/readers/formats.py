"""Which reader a file belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

from hcrm.intake.domain import Chunk, CsvShape, FileRefused, Layout, Profile
from hcrm.intake.readers import csv_rows
from hcrm.intake.readers.csv_rows import Order, refuse_unreadable, sniff
from hcrm.intake.readers.fhir.documents import holds_fhir
from hcrm.intake.readers.fhir.files import fhir_shape
from hcrm.intake.readers.fhir.files import read_chunks as read_resources
from hcrm.intake.readers.hl7v2.files import hl7_shape, holds_messages
from hcrm.intake.readers.hl7v2.files import read_chunks as read_messages
from hcrm.intake.readers.xls import is_old_workbook
from hcrm.intake.readers.xlsx_archive import is_archive

WHILE_SOMEBODY_WAITS: Final = 200_000
"""Rows of which the dates are looked at before a person is asked how they are read."""


def _read_sheet(order: Order) -> Iterator[Chunk]:
    rows: Iterator[Chunk] = _workbooks().read_chunks(order)
    return rows


def _workbooks() -> ModuleType:
    """The reader of workbooks, loaded when one comes: its library takes 0.2 s, as long as all else that is read."""
    return import_module("hcrm.intake.readers.xlsx")


FORMATS = ("auto", "csv", "xlsx", "hl7", "fhir")
_NAMES: Final[Mapping[Layout, str]] = {Layout.HL7: "hl7", Layout.FHIR: "fhir", Layout.WORKBOOK: "xlsx"}
_READERS: Final[Mapping[Layout, Callable[[Order], Iterator[Chunk]]]] = {
    Layout.HL7: read_messages,
    Layout.FHIR: read_resources,
    Layout.WORKBOOK: _read_sheet,
}


MESSAGES: Final = frozenset({Layout.HL7, Layout.FHIR})
"""Layouts without columns: there is nothing to choose about them."""


def shape_of(path: Path, profile: Profile, name: str = "", kind: str = "auto") -> CsvShape:
    """How a file is to be read; ``kind`` says what it is, ``auto`` lets its beginning tell.

    Raises ``FileRefused``: what ``first_look`` and ``refuse_unreadable`` raise.
    """
    shape = first_look(path, profile, name, kind)
    refuse_unusable(shape, name or path.name)
    return shape


def first_look(
    path: Path, profile: Profile, name: str = "", kind: str = "auto", *, looked_at: int | None = None
) -> CsvShape:
    """What a file seems to be; of a table, columns may be missing and dates ambiguous (see ``sniff``).

    Raises ``FileRefused``: ``not_hl7_file``, ``not_fhir_file``, and what ``table_shape`` raises.
    """
    if kind in {"auto", "fhir"} and holds_fhir(path):
        return fhir_shape()
    if kind == "fhir":
        raise FileRefused("not_fhir_file", file=name or path.name)
    if kind in {"auto", "hl7"} and holds_messages(path):
        return hl7_shape(profile)
    if kind == "hl7":
        raise FileRefused("not_hl7_file", file=name or path.name)
    return table_shape(path, profile, name, kind, looked_at=looked_at)


def refuse_unusable(shape: CsvShape, name: str) -> None:
    """Raises ``FileRefused`` for a table whose rows cannot be read, as ``refuse_unreadable`` does."""
    if shape.layout not in MESSAGES:
        refuse_unreadable(shape, name)


def table_shape(
    path: Path, profile: Profile, name: str = "", kind: str = "auto", *, looked_at: int | None = None
) -> CsvShape:
    """What a table in a CSV file or a workbook seems to be; columns may be missing, dates ambiguous.

    Raises ``FileRefused``: ``not_xlsx_file``, and what ``sniff`` and ``workbook_shape`` raise.
    """
    if kind in {"auto", "xlsx"} and (is_archive(path) or is_old_workbook(path)):
        shape: CsvShape = _workbooks().workbook_shape(path, profile, name)
        return shape
    if kind == "xlsx":
        raise FileRefused("not_xlsx_file", file=name or path.name)
    return sniff(path, profile, looked_at=looked_at)


def format_of(shape: CsvShape) -> str:
    """The kind of a file, as batches keep it."""
    return _NAMES.get(shape.layout, "csv")


def read_chunks(order: Order) -> Iterator[Chunk]:
    """The runs of a file, by the reader that it belongs to. Raises ``FileRefused`` when it cannot be read at all."""
    return _READERS.get(order.shape.layout, csv_rows.read_chunks)(order)
