"""A limit on how often something may be asked for, kept in the memory of one process."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

_KEYS_KEPT = 20_000


@dataclass(slots=True)
class Throttle:
    """At most ``limit`` times in ``seconds`` for one key. Times are seconds of a clock that never goes back."""

    limit: int
    seconds: float
    _windows: dict[str, tuple[float, int]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def allows(self, key: str, at: float) -> bool:
        """Count one more for ``key`` and say whether it is within the limit."""
        with self._lock:
            started, count = self._windows.get(key, (at, 0))
            if at - started >= self.seconds:
                started, count = at, 0
            if key not in self._windows and len(self._windows) >= _KEYS_KEPT:
                self._forget(at)
            self._windows[key] = (started, count + 1)
            return count < self.limit

    def _forget(self, at: float) -> None:
        """Drop windows that are over; when all still run, drop them all: the limit is a courtesy, not a lock."""
        running = {key: window for key, window in self._windows.items() if at - window[0] < self.seconds}
        self._windows = running if len(running) < _KEYS_KEPT else {}
