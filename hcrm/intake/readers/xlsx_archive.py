"""The archive that an XLSX file is, looked at before anything in it is parsed.

A small file can hold a flood: what it declares is judged first, then what really comes out, block by block.
"""

from __future__ import annotations

import lzma
import zipfile
import zlib
from pathlib import Path
from typing import Final

from hcrm.intake.domain import FileRefused

MAGIC: Final = b"PK\x03\x04"
LARGEST: Final = 2 << 30
"""Bytes that all parts may have together: about ten million cells."""
LARGEST_TEXTS: Final = 96 << 20
"""Bytes of the shared texts, which are held in memory."""
LARGEST_PART: Final = 16 << 20
"""Bytes of any other part but a sheet: styles, names, relations."""
MOST_PARTS: Final = 5_000
FLOOD: Final = 250
"""How many times its packed size a part may have, once it is large."""
LARGE: Final = 8 << 20
_BLOCK: Final = 1 << 20
_BOOK: Final = "xl/workbook.xml"
_READ: Final = ("xl/", "[Content_Types].xml", "_rels/", "docProps/")
_ENTITIES: Final = (b"<!DOCTYPE", b"<!ENTITY")
_DAMAGES: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
_FORMULA: Final = (b"<f>", b"<f ", b":f>", b":f ")


def is_archive(path: Path) -> bool:
    """Whether the file is an archive. Raises ``FileRefused``: ``not_found`` or ``unreadable``."""
    try:
        with path.open("rb") as file:
            return file.read(4) == MAGIC
    except FileNotFoundError:
        raise FileRefused("not_found", file=path.name) from None
    except OSError:
        raise FileRefused("unreadable", file=path.name) from None


def check_archive(path: Path) -> frozenset[str]:
    """The names of the sheets that hold formulas, of a workbook that is safe to parse.

    Raises ``FileRefused``: ``xlsx_broken``, ``xlsx_flood`` (it would unpack to too much), ``xlsx_entities`` (it
    declares things that no workbook needs) or ``no_workbook``.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_declared(archive.infolist(), path)
            read = [part for part in archive.infolist() if part.filename.startswith(_READ)]
            return frozenset(part.filename for part in read if _check_real(archive, part, path))
    except _DAMAGES:
        raise FileRefused("xlsx_broken", file=path.name) from None


def _check_declared(parts: list[zipfile.ZipInfo], path: Path) -> None:
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST:
        raise FileRefused("xlsx_flood", file=path.name)
    for part in parts:
        if part.file_size > LARGE and part.file_size > FLOOD * max(part.compress_size, 1):
            raise FileRefused("xlsx_flood", file=path.name)
        if part.filename.startswith(_READ) and part.file_size > _limit(part.filename):
            raise FileRefused("xlsx_flood", file=path.name)
    if _BOOK not in {part.filename for part in parts}:
        raise FileRefused("no_workbook", file=path.name)


def _limit(name: str) -> int:
    if name.startswith(("xl/media/", "xl/worksheets/")):
        return LARGEST
    return LARGEST_TEXTS if name == "xl/sharedStrings.xml" else LARGEST_PART


def _check_real(archive: zipfile.ZipFile, part: zipfile.ZipInfo, path: Path) -> bool:
    """Unpack a part without keeping it; whether it holds formulas."""
    size, tail, formulas = 0, b"", False
    with archive.open(part) as file:
        while block := file.read(_BLOCK):
            size += len(block)
            seen = tail + block
            if size > part.file_size:
                raise FileRefused("xlsx_flood", file=path.name)
            if part.filename.endswith((".xml", ".rels")):
                if any(word in seen for word in _ENTITIES):
                    raise FileRefused("xlsx_entities", file=path.name)
                formulas = formulas or any(word in seen for word in _FORMULA)
            tail = seen[-16:]
    return formulas and part.filename.startswith("xl/worksheets/")
