"""What groups are called, and in which order they stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from hcrm.reporting.domain.groups import AGE_BANDS, DIAGNOSIS_GROUPS, DISPOSITIONS, OUTCOMES
from hcrm.reporting.domain.order import natural_order
from hcrm.reporting.domain.reports import NOWHERE, TOTAL, UNKNOWN, By, Label
from hcrm.reporting.queries import places


class Labels:
    """Labels of the groups of one grouping; the names are read once."""

    def __init__(self, session: Session, by: By) -> None:
        self._by = by
        self._known: Mapping[Any, Label] = _READERS[by](session) if by in _READERS else _FIXED.get(by, {})

    def of(self, key: Any) -> Label:
        """The label of a group; records that lack what is grouped by are ``unknown``."""
        if key is None:
            return NOWHERE
        if self._by is By.NONE:
            return TOTAL
        return self._known.get(key) or Label(str(key), str(key))

    def ordered(self, keys: Iterable[Any]) -> list[Any]:
        """Keys in the natural order of their names, unknown last."""
        if self._by in _FIXED:
            places = list(_FIXED[self._by])
            return sorted(keys, key=lambda key: places.index(key) if key in places else len(places))
        return sorted(keys, key=lambda key: (self.of(key).key == UNKNOWN, natural_order(self.of(key).name), str(key)))


_READERS = {
    By.DEPARTMENT: places.department_labels,
    By.FACILITY: places.facility_labels,
    By.CLINICIAN: places.clinician_labels,
    By.STAFF: places.staff_labels,
}
_FIXED: Mapping[By, Mapping[str, Label]] = {
    By.DIAGNOSIS: DIAGNOSIS_GROUPS,
    By.AGE: AGE_BANDS,
    By.DISPOSITION: DISPOSITIONS,
    By.OUTCOME: OUTCOMES,
}
"""Groups that are the same everywhere, in the order in which they stand."""
