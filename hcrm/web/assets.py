"""Addresses of our static files, with a part that changes when the file does, so that browsers may keep them long."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import current_app, url_for


@lru_cache(maxsize=256)
def _fingerprint(path: Path, _modified_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def asset(filename: str) -> str:
    """The address of ``hcrm/static/<filename>``. Raises ``FileNotFoundError`` when there is no such file."""
    path = Path(str(current_app.static_folder)) / filename
    return url_for("static", filename=filename, v=_fingerprint(path, path.stat().st_mtime_ns))
