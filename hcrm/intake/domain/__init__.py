"""The words of the intake: where an import stands, how a file is read, what can be wrong with it or a row. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self

from hcrm.intake.domain.messages import MessageSnapshot, MessageStatus, Outcome
from hcrm.intake.domain.profiles import SOURCE, Profile
from hcrm.patients.domain import PreparedStay, StayRow

FIELDS = (
    "mrn", "visit_number", "name", "family_name", "given_name", "sex", "birth_date", "phone", "phone_owner",
    "contact_name", "contact_relationship", "contact_phone", "language", "class", "status", "admitted_at",
    "discharged_at", "department_code", "department", "clinician", "nurse", "disposition", "died", "planned",
    "readmission_plan_31d", "principal_diagnosis", "diagnoses", "procedures", "deceased_at", "payer", "sensitive",
    "address", "event_time",
)  # fmt: skip
"""What a column of a table can mean, in the order in which forms offer it."""

DATE_FIELDS = ("birth_date", "admitted_at", "discharged_at", "deceased_at", "event_time")
JOINED_FIELDS = frozenset(
    {"phone", "contact_phone", "principal_diagnosis", "diagnoses", "procedures", "address", "name"}
)
"""Fields that may be spread over several columns without a profile saying so."""

IGNORED = "-"
"""Stands for a field in mappings: columns that are left out."""


class BatchStatus(StrEnum):
    """Where a batch stands. An upload is ``uploaded`` until a person has confirmed it; a command starts ``running``."""

    UPLOADED = "uploaded"
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    DISCARDED = "discarded"
    UNDONE = "undone"


class Severity(StrEnum):
    """A refused row is not stored; a warning is a remark about a row that is."""

    REJECTED = "rejected"
    WARNING = "warning"


class Layout(StrEnum):
    """How a file is laid out."""

    TABLE = "table"
    WORKBOOK = "workbook"
    SYNTHEA = "synthea"
    HL7 = "hl7"
    FHIR = "fhir"


class DateOrder(StrEnum):
    """How dates with the year at the end are read: 04/03/2019 is the 4th of March or April the 3rd."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"


class RowError(NamedTuple):
    """A remark about one row: refused, or taken with a warning. Codes and parameters; the words are the edge's."""

    line: int
    field: str
    code: str
    severity: Severity
    params: dict[str, Any]
    cells: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {**self._asdict(), "cells": list(self.cells)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of ``to_json``."""
        kept = {**values, "severity": Severity(values["severity"]), "cells": tuple(values["cells"])}
        return cls(**{name: kept[name] for name in cls._fields})


class Change(NamedTuple):
    """One field of a known stay or patient that a row would change.

    Values are as ``masked`` leaves them: ISO dates, codes, words; empty for nothing; ``NOT_SHOWN`` for what nobody
    needs to see in order to judge an import.
    """

    line: int
    mrn: str
    field: str
    old: str
    new: str

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of ``_asdict``."""
        return cls(**{name: values[name] for name in cls._fields})


NOT_SHOWN = "*"
HIDDEN_FIELDS = frozenset({"address", "principal_diagnosis", "diagnoses", "procedures", "payer"})
"""What an import says of these is not needed to judge it."""
NAME_FIELDS = frozenset({"name", "contact_name"})


def masked(field: str, value: Any) -> str:
    """``value`` of ``field`` as a preview may show it: of names the first letters, of numbers the last four digits."""
    if value is None or value == "":
        return ""
    if field in HIDDEN_FIELDS:
        return NOT_SHOWN
    if field in NAME_FIELDS:
        return " ".join(f"{word[0]}…" for word in str(value).split())
    if field == "phone":
        return ", ".join(f"…{number[-4:]}" for number in str(value).split())
    if field == "birth_date":
        return f"{value:%Y}-…"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def changes_between(line: int, mrn: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """What differs, field by field; where the masks are alike, only that it differs is shown."""
    for name, old in before.items():
        if after[name] == old:
            continue
        was, becomes = masked(name, old), masked(name, after[name])
        yield Change(line, mrn, name, *((was, becomes) if was != becomes else (NOT_SHOWN, NOT_SHOWN)))


class RowRefused(Exception):
    """A cell or a row cannot be taken; ``field`` may be filled in by whoever knows it."""

    def __init__(self, code: str, field: str = "", /, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.params = params


class FileRefused(Exception):
    """A file, a profile or an order to import cannot be carried out; a code and its parameters, no patient data."""

    def __init__(self, code: str, /, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params

    def __reduce__(self) -> tuple[Any, ...]:
        return _refused, (self.code, self.params)

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, "params": self.params}


def _refused(code: str, params: dict[str, Any]) -> FileRefused:
    return FileRefused(code, **params)


@dataclass(frozen=True, slots=True)
class CsvShape:
    """What a CSV file seems to be.

    ``header_row`` is the number of records above the first data row (the head is the last of them; 0 = no head),
    ``header_line`` the physical line of the head. ``columns`` maps each field to positions of columns, ``ignored``
    holds the positions that are not imported. ``date_orders`` tells how dates ending in the year are read, per
    field; a field in ``ambiguous`` can be read both ways. ``sheet`` is the one of a workbook that is read.
    """

    layout: Layout
    encoding: str
    delimiter: str
    header_row: int
    header_line: int
    heads: tuple[str, ...]
    columns: Mapping[str, tuple[int, ...]]
    ignored: tuple[int, ...]
    date_orders: Mapping[str, DateOrder]
    ambiguous: tuple[str, ...]
    samples: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    sheet: str = ""

    def to_json(self) -> dict[str, Any]:
        """Without the samples, which hold patients' data."""
        return {
            "layout": self.layout.value,
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "header_row": self.header_row, "header_line": self.header_line,
            "heads": list(self.heads),
            "columns": {name: list(positions) for name, positions in self.columns.items()},
            "ignored": list(self.ignored),
            "date_orders": {name: order.value for name, order in self.date_orders.items()},
            "ambiguous": list(self.ambiguous),
            "notes": list(self.notes), "sheet": self.sheet,
        }  # fmt: skip


class Chunk(NamedTuple):
    """A run of rows ready to be written. ``position`` counts the file's records up to its end.

    A file of messages has ``messages`` in place of rows. Handed on to be written, rows are ``prepared``.
    """

    position: int
    rows: list[StayRow]
    errors: list[RowError]
    skipped: int
    bytes_read: int
    messages: Sequence[Any] = ()
    prepared: Sequence[PreparedStay] = ()


COUNT_KEYS = (
    "rows_read", "created", "updated", "unchanged", "rejected", "skipped", "pending", "patients_created",
    "encounters_created", "merged", "cancelled", "warnings",
)  # fmt: skip


def add_counts(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    """Sums per key; keys of ``COUNT_KEYS`` are always there."""
    return {key: int(first.get(key, 0)) + int(second.get(key, 0)) for key in (*COUNT_KEYS, *(set(first) | set(second)))}


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file as it came: its name, its size, and a checksum of it and of the files that belong to it."""

    name: str
    sha256: str
    bytes: int

    def called(self, name: str) -> Self:
        """The same file under the name that its owner gave it."""
        return replace(self, name=name)


@dataclass(frozen=True, slots=True)
class BatchSnapshot:
    """One batch as it was when read."""

    id: int
    facility_id: int
    user_id: int | None
    file_name: str
    file_sha256: str
    file_bytes: int
    stored_name: str | None
    format: str
    profile: Profile
    timezone: str
    stated_at: datetime
    with_plans: bool
    status: BatchStatus
    position: int
    counts: Mapping[str, int]
    shape: Mapping[str, Any]
    preview: Mapping[str, Any] | None
    failure: Mapping[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def by_code(self) -> dict[str, int]:
        """How many rows were refused for each reason."""
        return self._by_code("rejected")

    @property
    def warned_by_code(self) -> dict[str, int]:
        """How many remarks of each kind there were; only the first ``STORED_WARNINGS`` of each are kept."""
        return self._by_code("warning")

    def _by_code(self, kind: str) -> dict[str, int]:
        return {key.partition(":")[2]: count for key, count in self.counts.items() if key.startswith(f"{kind}:")}


class Progress(NamedTuple):
    """How far the import of a file is."""

    file_name: str
    bytes_read: int
    bytes_total: int
    rows: int


@dataclass(slots=True)
class ImportReport:
    """What an import did: counts over all files, refused rows, warnings, files that could not be read.

    ``errors`` and ``warnings`` keep the first ``KEPT_REMARKS`` each, as (file name, remark); the counts are complete.
    ``changes`` holds what a dry run would change, the first ``KEPT_CHANGES``.
    """

    files: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNT_KEYS, 0))
    errors: list[tuple[str, RowError]] = field(default_factory=list)
    warnings: list[tuple[str, RowError]] = field(default_factory=list)
    refused_files: list[tuple[str, FileRefused]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    changes: list[tuple[str, Change]] = field(default_factory=list)
    batch_ids: list[int] = field(default_factory=list)
    resumed: int = 0
    seconds: float = 0.0

    def add(self, file_name: str, counts: Mapping[str, int], remarks: Iterable[RowError]) -> None:
        """Take in what became of a run of rows."""
        self.counts = add_counts(self.counts, counts)
        for remark in remarks:
            kept = self.errors if remark.severity is Severity.REJECTED else self.warnings
            if len(kept) < KEPT_REMARKS:
                kept.append((file_name, remark))


KEPT_REMARKS, KEPT_CHANGES = 10_000, 1_000
STORED_WARNINGS = 200
"""How many warnings of one kind are kept per batch; beyond, they are counted."""


__all__ = [
    "COUNT_KEYS",
    "DATE_FIELDS",
    "FIELDS",
    "HIDDEN_FIELDS",
    "IGNORED",
    "JOINED_FIELDS",
    "KEPT_CHANGES",
    "KEPT_REMARKS",
    "NAME_FIELDS",
    "NOT_SHOWN",
    "SOURCE",
    "STORED_WARNINGS",
    "BatchSnapshot",
    "BatchStatus",
    "Change",
    "Chunk",
    "CsvShape",
    "DateOrder",
    "FileFacts",
    "FileRefused",
    "ImportReport",
    "Layout",
    "MessageSnapshot",
    "MessageStatus",
    "Outcome",
    "Profile",
    "Progress",
    "RowError",
    "RowRefused",
    "Severity",
    "add_counts",
    "changes_between",
    "masked",
]
