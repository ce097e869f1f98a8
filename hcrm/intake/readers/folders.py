"""A folder into which other systems put files: which are complete, and where they go when they are done with."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from hcrm.intake.domain import FileRefused
from hcrm.intake.readers.csv_rows.text import BLOCK

DONE: Final = "done"
FAILED: Final = "failed"
REPORT: Final = ".report.txt"
REFUSED: Final = ".refused.csv"
LOCK: Final = ".hcrm-watch.lock"
_BEING_WRITTEN: Final = (".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", ".lock", ".writing")
_HIDDEN: Final = (".", "~")

Signature = tuple[tuple[str, int, int], ...]
"""Name, size and time of change of each file."""


class Target(NamedTuple):
    """Where an item goes, with the files beside it."""

    path: Path

    @property
    def report(self) -> Path:
        """What became of it, for people."""
        return self.path.with_name(self.path.name + REPORT)

    @property
    def refused(self) -> Path:
        """The rows that were refused, to be corrected."""
        return self.path.with_name(self.path.name + REFUSED)


class Watched:
    """Tells which items of a folder are complete: those that were the same at two looks, ``settle`` seconds apart.

    An item is a file, or a folder with everything in it.
    """

    def __init__(self, folder: Path, settle: float, seconds: Callable[[], float]) -> None:
        self._folder = folder
        self._settle = settle
        self._seconds = seconds
        self._seen: dict[str, tuple[Signature, float]] = {}

    def complete(self) -> Iterator[Path]:
        """The items that are complete now, by name."""
        at = self._seconds()
        present = {path.name: signature_of(path) for path in _items(self._folder)}
        self._seen = {
            name: self._seen[name] if name in self._seen and self._seen[name][0] == signature else (signature, at)
            for name, signature in present.items()
        }
        for name, (signature, since) in sorted(self._seen.items()):
            if signature and at - since >= self._settle:
                yield self._folder / name

    def waits(self) -> bool:
        """Whether something is there that is not complete yet."""
        return bool(self._seen)


def _items(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_symlink() or path.name in {DONE, FAILED}:
            continue
        if path.name.startswith(_HIDDEN) or path.name.casefold().endswith(_BEING_WRITTEN):
            continue
        if path.is_file() or path.is_dir():
            yield path


def signature_of(path: Path) -> Signature:
    """By what a change of an item is seen; empty for an empty folder and for what has gone meanwhile."""
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    found = []
    for each in files:
        try:
            status = each.stat()
        except OSError:
            return ()
        if each.name.casefold().endswith(_BEING_WRITTEN):
            return ()
        found.append((str(each.relative_to(path)), status.st_size, status.st_mtime_ns))
    return tuple(found)


def checksum_of(path: Path) -> str:
    """SHA-256 of an item: of its files' names and contents, in order."""
    digest = hashlib.sha256()
    for each in [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file()):
        if each != path:
            digest.update(str(each.relative_to(path)).encode("utf-8", "surrogateescape"))
        with each.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()


def target_for(path: Path, into: str, checksum: str) -> tuple[Target, bool]:
    """A free place for ``path`` in done/ or failed/, and whether the report for it is there already.

    The report is written before the item is moved; where it stands without its item, the move was cut short.
    """
    folder = path.parent / into
    folder.mkdir(exist_ok=True)
    number = 1
    while True:
        name = path.name if number == 1 else f"{path.stem}-{number}{path.suffix}"
        target = Target(folder / name)
        if not target.path.exists():
            is_reported = _is_about(target.report, checksum)
            if is_reported or not target.report.exists():
                return target, is_reported
        number += 1


def half_moved(path: Path, checksum: str) -> Target | None:
    """Where an item was about to go when the move was cut short; None for one that has yet to be imported."""
    for into in (DONE, FAILED):
        target, is_reported = target_for(path, into, checksum)
        if is_reported:
            return target
    return None


def _is_about(report: Path, checksum: str) -> bool:
    try:
        return checksum in report.read_text(encoding="utf-8")
    except OSError:
        return False


def put_away(path: Path, target: Target, report: str) -> None:
    """Write the report, then move the item beside it; cut short between the two, ``half_moved`` finds it."""
    writing = target.report.with_name(target.report.name + ".writing")
    with writing.open("w", encoding="utf-8") as file:
        file.write(report)
        file.flush()
        os.fsync(file.fileno())
    writing.replace(target.report)
    move(path, target)


def move(path: Path, target: Target) -> None:
    """Move an item to its place; nothing happens when somebody has taken it away."""
    if path.exists():
        path.rename(target.path)


@contextmanager
def held_folder(folder: Path) -> Iterator[None]:
    """Keep the folder for one process. Raises ``FileRefused``: ``not_a_folder``, ``unreadable``, ``folder_taken``."""
    if not folder.is_dir():
        raise FileRefused("not_a_folder", file=folder.name)
    try:
        file = (folder / LOCK).open("a")
    except OSError:
        raise FileRefused("folder_readonly", file=folder.name) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FileRefused("folder_taken", file=folder.name) from None
        yield
