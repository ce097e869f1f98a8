"""Files as they come: which of them a path means, what they are, where uploads are kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from hcrm.intake.domain import CsvShape, FileFacts, FileRefused, Layout
from hcrm.intake.readers import xlsx
from hcrm.intake.readers.csv_rows import COMPANIONS
from hcrm.intake.readers.csv_rows.text import BLOCK, Records, open_text

Result = TypeVar("Result")

TABLES: Final = frozenset({".csv", ".txt", ".tsv", ".hl7", ".json", ".ndjson", ".xlsx"})


def expand_paths(paths: Iterable[Path]) -> list[Path]:
    """The files that ``paths`` mean: of a folder its tables by name, of a folder of Synthea's the encounters.

    Raises ``FileRefused``: ``not_found``, ``unreadable`` or ``empty_folder``.
    """
    return [file for path in paths for file in _files_of(path)]


def _files_of(path: Path) -> list[Path]:
    try:
        if path.is_dir():
            return _tables_in(path)
        if path.exists():
            return [path]
    except OSError:
        raise FileRefused("unreadable", file=path.name) from None
    raise FileRefused("not_found", file=path.name)


def _tables_in(folder: Path) -> list[Path]:
    encounters = folder / "encounters.csv"
    if encounters.is_file():
        return [encounters]
    tables = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.casefold() in TABLES)
    if not tables:
        raise FileRefused("empty_folder", file=folder.name)
    return tables


def file_facts(path: Path, shape: CsvShape, name: str = "") -> FileFacts:
    """Name, size and checksum; the files beside Synthea's encounters belong to them."""
    digest = hashlib.sha256()
    parts = [path]
    if shape.layout is Layout.SYNTHEA:
        parts += [path.parent / companion for companion in COMPANIONS if (path.parent / companion).is_file()]
    for part in parts:
        with part.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    return FileFacts(name or path.name, digest.hexdigest(), path.stat().st_size)


def cells_at(path: Path, shape: CsvShape, lines: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The cells of the records that begin on ``lines``; none of files that are no tables."""
    if shape.layout in {Layout.HL7, Layout.FHIR}:
        return {}
    if shape.layout is Layout.WORKBOOK:
        return xlsx.cells_at(path, shape, lines)
    wanted = set(lines)
    found: dict[int, tuple[str, ...]] = {}
    with open_text(path, shape.encoding) as file:
        for line, cells in Records(file, shape.delimiter, len(shape.heads)):
            if line in wanted and cells:
                found[line] = tuple(cells)
                if len(found) == len(wanted):
                    break
    return found


def upload_folder(instance: Path) -> Path:
    """Where uploads wait for a worker: readable by this program's user alone."""
    folder = instance / "uploads"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def keep_upload(stream: BinaryIO, instance: Path) -> tuple[Path, FileFacts]:
    """Store an upload under a random name; its facts carry no name yet."""
    path = upload_folder(instance) / f"{secrets.token_hex(16)}.csv"
    digest = hashlib.sha256()
    size = 0
    with path.open("xb") as file:
        path.chmod(0o600)
        while block := stream.read(BLOCK):
            digest.update(block)
            size += len(block)
            file.write(block)
    return path, FileFacts("", digest.hexdigest(), size)


def named(read: Callable[[], Result], name: str) -> Result:
    """What ``read`` gives; a refusal names the file as its owner does, not as it is stored."""
    try:
        return read()
    except FileRefused as refusal:
        if "file" in refusal.params:
            refusal.params["file"] = Path(name).name
        raise


def drop_uploads(instance: Path, names: Iterable[str | None]) -> None:
    """Delete stored uploads that are done with."""
    for name in names:
        if name:
            (upload_folder(instance) / Path(name).name).unlink(missing_ok=True)
