"""An appointment as another system of the hospital tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hcrm.appointments.domain.states import AppointmentState


@dataclass(frozen=True, slots=True)
class AppointmentRecord:
    """What a record says: ``key`` is the other system's number of the appointment, ``event_at`` when it was recorded.

    Of an appointment that is cancelled or missed the time may be left out; it keeps the one it had.
    """

    mrn: str
    key: str
    source: str
    state: AppointmentState
    event_at: datetime
    starts_at: datetime | None
    ends_at: datetime | None
    department_code: str
    department_name: str = ""
    clinician_code: str = ""
    clinician_name: str = ""
    room: str = ""

    def to_json(self) -> dict[str, Any]:
        """The record as plain data."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in {**values, "state": self.state.value}.items()
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> AppointmentRecord:
        """The inverse of ``to_json``."""
        times = {name: _moment(stored[name]) for name in ("event_at", "starts_at", "ends_at")}
        return cls(**{**stored, **times, "state": AppointmentState(stored["state"])})


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
