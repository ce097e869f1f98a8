"""Whether the database refused a row for what stands in it, and by which constraint."""

from __future__ import annotations

from typing import Final

from sqlalchemy.exc import DataError, IntegrityError

from hcrm.patients.service import BulkWriteFailed

DATA_CLASSES: Final = frozenset({"22", "23", "54"})
"""Classes of SQLSTATE that blame the row: bad data, a constraint, a limit of the database."""


def blame(error: BulkWriteFailed | DataError | IntegrityError) -> tuple[str, str]:
    """SQLSTATE and constraint; never the message, which quotes the row."""
    if isinstance(error, BulkWriteFailed):
        return error.sqlstate or "", error.constraint or ""
    diagnosis = getattr(error.orig, "diag", None)
    state = getattr(error.orig, "sqlstate", None) or "22000"
    return str(state), str(getattr(diagnosis, "constraint_name", None) or "")
