"""A document that was posted: what it records, and which of its resources cannot be taken."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from hcrm.intake.domain import RowError, RowRefused, Severity
from hcrm.intake.readers.fhir.documents import Document, decode
from hcrm.intake.readers.fhir.elements import text
from hcrm.intake.readers.fhir.records import entries_of, records_of
from hcrm.intake.readers.hl7v2 import Incoming, Reading
from hcrm.patients.domain import StayRow

BATCH: Final = "batch"
ANSWERED_BY_ENTRY: Final = frozenset({BATCH, "transaction"})
"""Bundles whose answer is a Bundle again, with an entry for each of theirs."""


class Posted(NamedTuple):
    """What a document records. ``refused`` and ``warnings`` name the number of the entry as their line.

    ``bundle`` is the type of a Bundle, empty for a single resource; ``entries`` counts its resources, ``skipped``
    those that record nothing of concern here.
    """

    bundle: str
    entries: int
    rows: list[StayRow]
    messages: list[Incoming]
    refused: list[RowError]
    warnings: list[RowError]
    skipped: int
    digest: bytes
    size: int

    @property
    def each_by_itself(self) -> bool:
        """Whether what can be taken is taken though something else cannot (a batch); else it is all or nothing."""
        return self.bundle == BATCH


def read_posted(raw: bytes, reading: Reading, now: datetime) -> Posted:
    """What the bytes record. Raises ``RowRefused`` when they are no FHIR resource in JSON."""
    content: dict[str, Any] = decode(raw)
    if not text(content, "resourceType"):
        raise RowRefused("no_resource")
    rows: list[StayRow] = []
    messages: list[Incoming] = []
    remarks: list[RowError] = []
    for found in records_of(Document(1, content, None, len(raw), b""), reading, now, None):
        remarks.extend(found.remarks)
        if isinstance(found.record, Incoming):
            messages.append(found.record)
        elif found.record is not None:
            rows.append(found.record)
    refused = [each for each in remarks if each.severity is Severity.REJECTED]
    entries = sum(1 for _ in entries_of(content))
    is_bundle = text(content, "resourceType") == "Bundle"
    return Posted(
        bundle=(text(content, "type") or "collection") if is_bundle else "",
        entries=entries,
        rows=rows,
        messages=messages,
        refused=refused,
        warnings=[each for each in remarks if each.severity is Severity.WARNING],
        skipped=max(0, entries - len(rows) - len(messages) - len(refused)),
        digest=blake2b(raw, digest_size=16).digest(),
        size=len(raw),
    )
