"""The old and new values of a preview, as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hcrm.intake.domain import NOT_SHOWN
from hcrm.intake.forms.labels import CLASS_LABELS
from hcrm.patients.forms.labels import DISPOSITIONS, LANGUAGES, SEXES
from hcrm.web import local_datetime, plain_date

_WORDS: Mapping[str, Mapping[Any, Any]] = {
    "class": CLASS_LABELS,
    "disposition": DISPOSITIONS,
    "language": LANGUAGES,
    "sex": SEXES,
    "planned": {"True": _l("Yes"), "False": _l("No")},
    "readmission_plan_31d": {"True": _l("Yes"), "False": _l("No")},
    "sensitive": {"True": _l("Yes"), "False": _l("No")},
}


def changed_value(field: str, value: str, timezone: str) -> str:
    """One side of a ``Change`` in the reader's language; moments in ``timezone``."""
    if value == NOT_SHOWN:
        return str(_("(not shown)"))
    if not value or (field == "disposition" and value == "unknown"):
        return str(_("(empty)"))
    if field in {"admitted_at", "discharged_at"}:
        return local_datetime(datetime.fromisoformat(value), timezone)
    if field == "deceased_at":
        return plain_date(date.fromisoformat(value))
    return str(_WORDS.get(field, {}).get(value, value))
