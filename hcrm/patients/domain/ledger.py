"""The merge ledger: which record stands for the person that several records are."""

from __future__ import annotations

from collections.abc import Iterable


class UnknownPatient(LookupError):
    """There is no such patient record."""


class UnknownContact(LookupError):
    """There is no such phone number."""


class AlreadyOnePerson(ValueError):
    """The two records are the same person already."""


class NotInOneFacility(ValueError):
    """Records of different facilities are not merged."""


class MergeNotInForce(LookupError):
    """There is no such entry in the ledger, or it has been undone."""


class ImpossibleNumber(ValueError):
    """The text is no phone number that could be dialled."""


def persons_of(records: Iterable[int], merges: Iterable[tuple[int, int]]) -> dict[int, int]:
    """For each record the one that stands for its person, given the entries (from, into) that hold.

    A record is merged into at most one other and never in a circle, because an entry joins two records that each
    stood for a person at the time; so following the entries ends.
    """
    into = dict(merges)
    return {record: _end(record, into) for record in records}


def _end(record: int, into: dict[int, int]) -> int:
    while record in into:
        record = into[record]
    return record
