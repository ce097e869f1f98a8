"""What was taken and what each phone got: in memory, and line by line on disk, so that a kill loses nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Lock

from hcrm.clock import SystemClock

FINAL = frozenset({"delivered", "undelivered", "failed"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One message that was taken. ``callback`` is the address to tell about it; it names the attempt."""

    sid: str
    to: str
    sender: str
    body: str
    callback: str
    status: str
    made_at: str
    error_code: int | None = None

    @property
    def made(self) -> datetime:
        return datetime.fromisoformat(self.made_at)


class Ledger:
    """All messages by id; with ``path`` each change is a line of JSON on disk before anybody is told of it."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = Lock()
        self._entries: dict[str, Entry] = {}
        self._stopped: set[str] = set()
        self._file = None
        if path is not None:
            if path.exists():
                self._entries = {entry.sid: entry for entry in read_ledger(path)}
            self._file = path.open("a", encoding="utf-8")

    def take(self, *, to: str, sender: str, body: str, callback: str) -> Entry:
        """Take a message."""
        with self._lock:
            sid = f"SM{len(self._entries) + 1:032x}"
            entry = Entry(sid, to, sender, body, callback, "queued", SystemClock().now().isoformat())
            self._write(entry)
            return entry

    def turn(self, sid: str, status: str, error_code: int | None = None) -> Entry:
        """A message reaches another status; a final one stays."""
        with self._lock:
            entry = self._entries[sid]
            if entry.status not in FINAL:
                entry = replace(entry, status=status, error_code=error_code)
                self._write(entry)
            return entry

    def _write(self, entry: Entry) -> None:
        self._entries[entry.sid] = entry
        if self._file is not None:
            self._file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
            self._file.flush()

    def get(self, sid: str) -> Entry | None:
        with self._lock:
            return self._entries.get(sid)

    def all(self) -> list[Entry]:
        """All messages, the newest first."""
        with self._lock:
            return list(reversed(self._entries.values()))

    def stop(self, number: str, *, stopped: bool) -> None:
        """A phone said STOP or START."""
        with self._lock:
            (self._stopped.add if stopped else self._stopped.discard)(number)

    def is_stopped(self, number: str) -> bool:
        return number in self._stopped

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def read_ledger(path: Path) -> Iterator[Entry]:
    """The messages of a ledger on disk as they stand in its last lines; a line cut off by a crash is passed over."""
    found: dict[str, Entry] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entry = Entry(**json.loads(line))
        except ValueError:
            continue
        found[entry.sid] = entry
    yield from found.values()
