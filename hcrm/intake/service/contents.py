"""What a waiting message says, as it is kept until it can be applied."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hcrm.appointments.domain.records import AppointmentRecord
from hcrm.intake.readers.hl7v2 import Action, Instruction
from hcrm.patients.domain import RowKind, StayRow, canonical, fields_of, typed_fields


def visit_key(source: str, visit_number: str) -> str:
    """How a message names the visit that it waits for."""
    return f"visit:{source}:{visit_number}"


def content_of(instruction: Instruction) -> dict[str, Any]:
    """``instruction`` as JSON; remarks are left out, they were made when it came."""
    return {
        "action": instruction.action.value,
        "stays": [_row(row) for row in instruction.stays],
        "patients": [_row(row) for row in instruction.patients],
        "merges": [list(pair) for pair in instruction.merges],
        "needs_visit": instruction.needs_visit,
        "needs_patients": list(instruction.needs_patients),
        "identifiers": [list(each) for each in instruction.identifiers],
        "appointments": [each.to_json() for each in instruction.appointments],
    }


def instruction_from(content: Mapping[str, Any]) -> Instruction:
    """The inverse of ``content_of``."""
    return Instruction(
        action=Action(content["action"]),
        stays=tuple(map(_row_from, content["stays"])),
        patients=tuple(map(_row_from, content["patients"])),
        merges=tuple((leaving, staying) for leaving, staying in content["merges"]),
        needs_visit=content["needs_visit"],
        needs_patients=tuple(content["needs_patients"]),
        identifiers=tuple((mrn, system, value) for mrn, system, value in content["identifiers"]),
        appointments=tuple(map(AppointmentRecord.from_json, content.get("appointments", ()))),
    )


def _row(row: StayRow) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(canonical(fields_of(row)))
    return {
        "visit_number": row.visit_number,
        "source": row.source,
        "event_at": None if row.event_at is None else row.event_at.isoformat(),
        "kind": row.kind.value,
        "fields": fields,
    }


def _row_from(stored: Mapping[str, Any]) -> StayRow:
    fields = typed_fields(stored["fields"])
    return StayRow(
        visit_number=stored["visit_number"],
        source=stored["source"],
        event_at=datetime.fromisoformat(stored["event_at"]) if stored["event_at"] else None,
        kind=RowKind(stored["kind"]),
        **fields,
    )
