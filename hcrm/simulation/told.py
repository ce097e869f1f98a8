"""What the records of a day say in the end, and how many there were of each kind. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from hcrm.simulation.generate.records import Event, Record


class Told(NamedTuple):
    """A stay as its hospital knows it at the end of a day; local time, None while the patient is there."""

    visit_number: str
    cancelled: bool
    discharged_at: datetime | None
    disposition: str
    diagnosis: str


class Merge(NamedTuple):
    """A number that was given up for another one."""

    former_mrn: str
    mrn: str


class Kinds(NamedTuple):
    """How many records there were: discharges, corrections, deaths after the stay, what was taken back, merges."""

    discharges: int
    corrected: int
    died: int
    taken_back: int
    merged: int


_TAKES_BACK = frozenset({Event.VISIT_CANCELLED, Event.DISCHARGE_CANCELLED})


def last_told(records: Iterable[Record]) -> list[Told]:
    """The stays that ``records`` tell of, each as the last of them has it."""
    stays = {}
    for event, _, stay, _ in sorted(records, key=lambda each: each.event_at):
        if event is not Event.MERGED:
            stays[stay.visit_number] = Told(
                stay.visit_number,
                event is Event.VISIT_CANCELLED,
                stay.discharged_at,
                stay.disposition or "unknown",
                stay.diagnosis,
            )
    return [stays[number] for number in sorted(stays)]


def merges(records: Iterable[Record]) -> list[Merge]:
    """The numbers that ``records`` give up."""
    return [Merge(each.former_mrn, each.stay.person.mrn) for each in records if each.event is Event.MERGED]


def kinds(records: Iterable[Record]) -> Kinds:
    """How many of ``records`` are of each kind; a stay that is entered in error counts once as taken back."""
    discharges = corrected = died = merged = 0
    taken_back = set()
    for event, _, stay, _ in records:
        if event is Event.DISCHARGED:
            discharges += 1
        elif event is Event.CORRECTED and stay.person.deceased_on is not None and stay.disposition != "expired":
            died += 1
        elif event is Event.CORRECTED:
            corrected += 1
        elif event is Event.MERGED:
            merged += 1
        elif event in _TAKES_BACK:
            taken_back.add(stay.visit_number)
    return Kinds(discharges, corrected, died, len(taken_back), merged)
