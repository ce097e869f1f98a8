"""What SIU messages say about appointments: S12 new, S13 moved, S14 changed, S15 cancelled, S26 not come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from hcrm.appointments.domain.records import AppointmentRecord
from hcrm.appointments.domain.states import AppointmentState
from hcrm.intake.domain import RowRefused
from hcrm.intake.readers.csv_rows.values import clean, identifier, join_name, short_code
from hcrm.intake.readers.hl7v2.people import patient_numbers
from hcrm.intake.readers.hl7v2.reading import Gathering
from hcrm.intake.readers.hl7v2.segments import Components, Segment
from hcrm.intake.readers.hl7v2.times import read_stamp

STATES: Final[Mapping[str, AppointmentState]] = {
    "SIU^S12": AppointmentState.BOOKED,
    "SIU^S13": AppointmentState.BOOKED,
    "SIU^S14": AppointmentState.BOOKED,
    "SIU^S15": AppointmentState.CANCELLED,
    "SIU^S26": AppointmentState.NOSHOW,
}
_FILLER: Final[Mapping[str, AppointmentState]] = {
    "arrived": AppointmentState.ARRIVED,
    "started": AppointmentState.ARRIVED,
    "complete": AppointmentState.FULFILLED,
    "cancelled": AppointmentState.CANCELLED,
    "canceled": AppointmentState.CANCELLED,
    "deleted": AppointmentState.CANCELLED,
    "noshow": AppointmentState.NOSHOW,
    "pending": AppointmentState.PENDING,
    "waitlist": AppointmentState.WAITLIST,
}
"""SCH-25, the status at the filler (HL7 table 0278), where it says more than the event does."""

_UNITS: Final[Mapping[str, timedelta]] = {
    "s": timedelta(seconds=1), "sec": timedelta(seconds=1), "h": timedelta(hours=1), "hr": timedelta(hours=1),
    "hour": timedelta(hours=1), "d": timedelta(days=1), "day": timedelta(days=1),
}  # fmt: skip
"""Units of a duration; all others are minutes."""

USUAL: Final = timedelta(minutes=15)
LONGEST: Final = timedelta(days=1)


def appointment_of(gathering: Gathering, event: str) -> AppointmentRecord:
    """The appointment of a message. Raises ``RowRefused`` for one without SCH, number, patient, place or time."""
    message = gathering.message
    schedule, pid = message.first("SCH"), message.first("PID")
    for name, segment in (("SCH", schedule), ("PID", pid)):
        if segment is None:
            raise RowRefused("missing_segment", name, segment=name)
    assert schedule is not None
    assert pid is not None
    key = identifier(schedule.text(2) or schedule.text(1))
    if not key:
        raise RowRefused("missing_segment", "SCH", segment="SCH-1, SCH-2")
    starts_at, ends_at = _times(gathering, schedule)
    state = _state(schedule, event)
    if starts_at is None and state not in {AppointmentState.CANCELLED, AppointmentState.NOSHOW}:
        raise RowRefused("missing_dates", "SCH")
    department, room = _place(gathering)
    if not department[0]:
        raise RowRefused("missing_segment", "AIL", segment="AIL-3, PV1-3")
    doctor = _clinician(gathering)
    return AppointmentRecord(
        mrn=patient_numbers(pid, gathering.reading.authority).mrn,
        key=key[:128],
        source=gathering.reading.source,
        state=state,
        event_at=gathering.event_at(),
        starts_at=starts_at,
        ends_at=ends_at,
        department_code=department[0],
        department_name=department[1],
        clinician_code=doctor[0],
        clinician_name=doctor[1],
        room=room,
    )


def _state(schedule: Segment, event: str) -> AppointmentState:
    told = (schedule.text(25) or schedule.text(25, 2)).casefold().replace(" ", "").replace("-", "")
    by_event = STATES[event]
    return _FILLER.get(told, by_event) if by_event is AppointmentState.BOOKED else by_event


def _times(gathering: Gathering, schedule: Segment) -> tuple[datetime | None, datetime | None]:
    """From SCH-11, else from the first resource (AIS, AIP, AIL, AIG); the end from there or from the duration."""
    starts = schedule.text(11, 4)
    ends = schedule.text(11, 5)
    length = _length(schedule.text(9), schedule.text(10))
    for name, start, number, unit in (("AIS", 4, 7, 8), ("AIP", 6, 9, 10), ("AIL", 6, 9, 10), ("AIG", 8, 11, 12)):
        segment = gathering.message.first(name)
        if segment is not None and not starts and segment.text(start):
            starts = segment.text(start)
            length = length or _length(segment.text(number), segment.text(unit))
    begin = _moment(gathering, starts)
    if begin is None:
        return None, None
    end = _moment(gathering, ends)
    if end is None or not begin < end <= begin + LONGEST:
        end = begin + (length or USUAL)
    return begin, end


def _moment(gathering: Gathering, text: str) -> datetime | None:
    """A moment, also one in the future: that is what appointments are for."""
    stamp = read_stamp(text, gathering.zone) if text else None
    if stamp is not None and stamp.day is None:
        raise RowRefused("unreadable_date", "SCH", value=text[:40])
    return None if stamp is None else stamp.begins


def _length(number: str, unit: str) -> timedelta | None:
    if not number.isascii() or not number.isdigit() or len(number) > 6:
        return None
    found = int(number) * _UNITS.get(unit.casefold(), timedelta(minutes=1))
    return found if timedelta(0) < found <= LONGEST else None


def _place(gathering: Gathering) -> tuple[tuple[str, str], str]:
    """(code, name) of the department from PV1-3, else AIL-3; and the room."""
    visit, resource = gathering.message.first("PV1"), gathering.message.first("AIL")
    places = [segment.first(3) for segment in (visit, resource) if segment is not None]
    named = next((each for each in places if each[1]), None)
    if named is None:
        return ("", ""), ""
    room = next((_room(each) for each in reversed(places) if each[2]), "")
    return (short_code(named[1]), gathering.cut(named[9] or named[1], 200, "department")), room[:80]


def _room(place: Components) -> str:
    return " ".join(part for part in (clean(place[7]), clean(place[2])) if part)


def _clinician(gathering: Gathering) -> tuple[str, str]:
    """The person in AIP-3, else the attending doctor (PV1-7)."""
    person, visit = gathering.message.first("AIP"), gathering.message.first("PV1")
    held = [segment.first(place) for segment, place in ((person, 3), (visit, 7)) if segment is not None]
    for doctor in held:
        name = join_name(clean(doctor[2]), clean(doctor[3]))
        code = doctor[1] or name
        if code:
            return short_code(code), (name or clean(code))[:200]
    return "", ""
