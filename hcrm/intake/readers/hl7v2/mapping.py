"""From a message to what has to be done about it.

Every event that this program knows becomes rows like those of any other reader, and merges. What a row says counts by
the time at which the sender recorded it, so messages may come in any order and more than once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from hcrm.appointments.domain.records import AppointmentRecord
from hcrm.intake.domain import RowRefused
from hcrm.intake.readers.csv_rows.values import identifier
from hcrm.intake.readers.hl7v2.people import Numbers, numbers_of, patient_numbers, patient_values
from hcrm.intake.readers.hl7v2.reading import Gathering, Reading, Values
from hcrm.intake.readers.hl7v2.schedules import STATES as SCHEDULED
from hcrm.intake.readers.hl7v2.schedules import appointment_of
from hcrm.intake.readers.hl7v2.segments import Message, Segment
from hcrm.intake.readers.hl7v2.stays import check_order, stay_values, visit_number
from hcrm.patients.domain import EXPLICIT_NULL, RowKind, StayRow


class Action(StrEnum):
    """What a message asks for."""

    STAY = "stay"
    PATIENT = "patient"
    MERGE = "merge"
    APPOINTMENT = "appointment"
    IGNORE = "ignore"


class Instruction(NamedTuple):
    """What a message says: rows about stays and patients (no visit number), and (from, into) pairs of MRNs to merge.

    ``needs_visit`` names the visit that has to be known before it can be applied, ``needs_patients`` the MRNs;
    ``identifiers`` are (MRN, system, value); ``remarks`` are (field, code, parameters).
    """

    action: Action
    stays: tuple[StayRow, ...] = ()
    patients: tuple[StayRow, ...] = ()
    merges: tuple[tuple[str, str], ...] = ()
    needs_visit: str = ""
    needs_patients: tuple[str, ...] = ()
    identifiers: tuple[tuple[str, str, str], ...] = ()
    appointments: tuple[AppointmentRecord, ...] = ()
    remarks: tuple[tuple[str, str, dict[str, Any]], ...] = ()


ADMISSIONS: Final = frozenset({"A01", "A04"})
_MRG_PLACES: Final = (1, 2, 4)


def instruction_of(message: Message, reading: Reading, now: datetime, line: int = 0) -> Instruction:
    """What ``message`` says; an event that is not known asks for nothing.

    Raises ``RowRefused`` when it lacks what its event needs, or says what cannot be.
    """
    read = _EVENTS.get(message.trigger)
    if read is None:
        return Instruction(Action.IGNORE)
    gathering = Gathering(message, reading, now)
    found = read(gathering, message.trigger, line)
    return found._replace(remarks=tuple(gathering.remarks))


def _pid(gathering: Gathering) -> Segment:
    pid = gathering.message.first("PID")
    if pid is None:
        raise RowRefused("missing_segment", "PID", segment="PID")
    return pid


def _patient(gathering: Gathering, _event: str, line: int) -> Instruction:
    pid = _pid(gathering)
    row, numbers = _patient_row(gathering, pid, line)
    return Instruction(Action.PATIENT, patients=(row,), identifiers=_identifiers(numbers))


def _patient_row(gathering: Gathering, pid: Segment, line: int) -> tuple[StayRow, Numbers]:
    numbers = patient_numbers(pid, gathering.reading.authority)
    values = patient_values(gathering, pid)
    for name in ("contact_name", "contact_relationship"):
        values.pop(name, None)
    return _row(gathering, numbers.mrn, "", line, values), numbers


def _row(
    gathering: Gathering, mrn: str, visit: str, line: int, values: Values, kind: RowKind = RowKind.STAY
) -> StayRow:
    event_at = gathering.event_at()
    return StayRow(mrn, visit, gathering.reading.source, line=line, event_at=event_at, kind=kind, **values)


def _identifiers(numbers: Numbers) -> tuple[tuple[str, str, str], ...]:
    return tuple((numbers.mrn, system, value) for system, value in numbers.others)


def _stay(gathering: Gathering, event: str, line: int) -> Instruction:
    """A message about a visit; an update that names none is about the patient alone."""
    pid, pv1 = _pid(gathering), gathering.message.first("PV1")
    visit = visit_number(pid, pv1)
    if pv1 is None:
        if event == "A08":
            return _patient(gathering, event, line)
        raise RowRefused("missing_segment", "PV1", segment="PV1")
    numbers = patient_numbers(pid, gathering.reading.authority)
    values = {**patient_values(gathering, pid), **stay_values(gathering, pv1)}
    _complete(gathering, event, values)
    check_order(values)
    needs_visit = "" if _begins(values) else visit
    if not visit:
        visit = _made_number(numbers.mrn, values)
    if not visit:
        if event == "A08":
            return _patient(gathering, event, line)
        raise RowRefused("missing_visit", "visit_number")
    kind = RowKind.CANCEL if event == "A11" else RowKind.STAY
    row = _row(gathering, numbers.mrn, visit, line, values, kind)
    return Instruction(Action.STAY, stays=(row,), needs_visit=needs_visit, identifiers=_identifiers(numbers))


def _complete(gathering: Gathering, event: str, values: Values) -> None:
    """What the event itself says where PV1 does not: that the patient came, left, or did not leave after all."""
    if event in ADMISSIONS and "admitted_at" not in values:
        values["admitted_at"] = gathering.happened_at()
    if event == "A03" and values.get("discharged_at", EXPLICIT_NULL) is EXPLICIT_NULL:
        values["discharged_at"] = gathering.happened_at()
    if event == "A13":
        values["discharged_at"] = values["disposition"] = EXPLICIT_NULL


def _begins(values: Values) -> bool:
    return values.get("admitted_at") not in {None, EXPLICIT_NULL}


def _made_number(mrn: str, values: Values) -> str:
    """The number of a visit that has none: the MRN and when it began, or ended where only that is known."""
    times = (values.get(name) for name in ("admitted_at", "discharged_at"))
    start = next((each for each in times if each is not None and each is not EXPLICIT_NULL), None)
    return "" if start is None else f"{mrn[:100]}@{start.strftime('%Y%m%dT%H%MZ')}"


def _merge(gathering: Gathering, _event: str, line: int) -> Instruction:
    """Each MRG names the patient who is merged into the one of the PID before it."""
    rows: list[StayRow] = []
    merges: list[tuple[str, str]] = []
    identifiers: list[tuple[str, str, str]] = []
    for name, segment in gathering.message.segments:
        if name == "PID":
            row, numbers = _patient_row(gathering, segment, line)
            rows.append(row)
            identifiers.extend(_identifiers(numbers))
        elif name == "MRG" and rows:
            prior = numbers_of(segment, _MRG_PLACES, gathering.reading.authority)
            merges.append((prior.mrn, rows[-1].mrn))
    if not merges:
        raise RowRefused("missing_segment", "MRG", segment="PID, MRG" if not rows else "MRG")
    pairs = tuple(dict.fromkeys(pair for pair in merges if pair[0] != pair[1]))
    needed = tuple(dict.fromkeys(mrn for pair in pairs for mrn in pair))
    return Instruction(
        Action.MERGE,
        patients=tuple(rows),
        merges=pairs,
        needs_patients=needed,
        identifiers=tuple(identifiers),
    )


def _move(gathering: Gathering, _event: str, line: int) -> Instruction:
    """A45: the visit in MRG-5 belongs to the patient in PID."""
    prior = gathering.message.first("MRG")
    if prior is None:
        raise RowRefused("missing_segment", "MRG", segment="MRG")
    pid, pv1 = _pid(gathering), gathering.message.first("PV1")
    before, now = identifier(prior.text(5)), visit_number(pid, pv1)
    if before and now and before != now:
        raise RowRefused("visit_renumbered", "visit_number")
    visit = before or now
    if not visit:
        raise RowRefused("missing_visit", "visit_number")
    numbers = patient_numbers(pid, gathering.reading.authority)
    values = {**patient_values(gathering, pid), **(stay_values(gathering, pv1) if pv1 is not None else {})}
    check_order(values)
    row = _row(gathering, numbers.mrn, visit, line, values)
    return Instruction(Action.STAY, stays=(row,), needs_visit=visit, identifiers=_identifiers(numbers))


def _appointment(gathering: Gathering, event: str, _line: int) -> Instruction:
    """An appointment of a patient who has to be known."""
    record = appointment_of(gathering, event)
    return Instruction(Action.APPOINTMENT, appointments=(record,), needs_patients=(record.mrn,))


_EVENTS: Final[Mapping[str, Callable[[Gathering, str, int], Instruction]]] = {
    **dict.fromkeys(("A01", "A02", "A03", "A04", "A06", "A08", "A11", "A13"), _stay),
    **dict.fromkeys(("A28", "A31"), _patient),
    **dict.fromkeys(("A34", "A40"), _merge),
    "A45": _move,
    **dict.fromkeys(SCHEDULED, _appointment),
}
