"""Names and phone numbers of a table's columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from hcrm.intake.readers.csv_rows.phones import number_reader, split_numbers
from hcrm.intake.readers.csv_rows.values import Remembered, clean, join_name, split_name
from hcrm.intake.readers.csv_rows.words import OWNERS, fold
from hcrm.patients.domain import OwnerKind, PhoneEntry

NAME_LENGTH: Final = 200
_ANY_RELATIVE: Final = frozenset({"relative", "family", "contact", "carer", "家属", "亲属", "联系人", "其他", "other"})

_OWN: Final = (OwnerKind.PATIENT, "", "")

Step = Callable[[list[Any], Sequence[str]], None]
Remark = Callable[..., None]


def read_names(columns: Mapping[str, Sequence[int]], index: Mapping[str, int]) -> Step | None:
    """A step that fills in the names from the columns there are; None when there is none."""
    family_at, given_at = (columns.get(field, (-1,))[0] for field in ("family_name", "given_name"))
    whole_at = tuple(columns.get("name", ()))
    family_index, given_index, full_index = (index[name] for name in ("family_name", "given_name", "full_name"))

    def from_parts(values: list[Any], cells: Sequence[str]) -> None:
        family = clean(cells[family_at])[:NAME_LENGTH] if family_at >= 0 else ""
        given = clean(cells[given_at])[:NAME_LENGTH] if given_at >= 0 else ""
        if family or given:
            values[family_index], values[given_index] = family or None, given or None
            values[full_index] = join_name(family, given)

    def from_whole(values: list[Any], cells: Sequence[str]) -> None:
        text = cells[whole_at[0]] if len(whole_at) == 1 else " ".join(cells[at] for at in whole_at if cells[at])
        if text:
            full = clean(text)[:NAME_LENGTH]
            family, given = split_name(full)
            values[family_index], values[given_index] = family, given
            values[full_index] = join_name(family, given) if family and given else full

    if whole_at:
        return from_whole
    return from_parts if family_at >= 0 or given_at >= 0 else None


class PhoneColumns:
    """Reads the phone columns of a table: the patient's own numbers and those of the contact person."""

    def __init__(self, columns: Mapping[str, Sequence[int]], region: str, remark: Remark) -> None:
        self._own = tuple(columns.get("phone", ()))
        self._contact = tuple(columns.get("contact_phone", ()))
        self._owner_at = columns.get("phone_owner", (-1,))[0]
        self._number = number_reader(region)
        self._remark = remark
        self._relatives = Remembered(_relative)
        self.any = bool(self._own or self._contact)

    def read(self, cells: Sequence[str], contact_name: str, relationship: str) -> tuple[PhoneEntry, ...]:
        """All numbers of a row, each once; remarks ``no_phone`` and ``impossible_phone``."""
        word = cells[self._owner_at] if self._owner_at >= 0 else ""
        named = self._relatives[word]
        owner = _OWN if named is None else (OwnerKind.RELATIVE, contact_name, relationship or named)
        entries: list[PhoneEntry] = []
        for at in self._own:
            if cells[at]:
                self._add(entries, cells[at], owner)
        for at in self._contact:
            if cells[at]:
                self._add(entries, cells[at], (OwnerKind.RELATIVE, contact_name, relationship))
        if not entries:
            self._remark("phone", "no_phone")
        return tuple(entries)

    def _add(self, entries: list[PhoneEntry], cell: str, owner: tuple[OwnerKind, str, str]) -> None:
        for text in split_numbers(cell):
            number, line_type = self._number(text)
            if number is None:
                self._remark("phone", "impossible_phone", value=text[:80])
            raw = text if text.isdigit() else clean(text)[:200]
            if not entries or all(raw != known.raw and (number is None or number != known.number) for known in entries):
                entries.append(PhoneEntry._make((raw, number, line_type, *owner)))


def _relative(word: str) -> str | None:
    """Which relative a word for the owner of a phone names ("" = does not say); None for the patient."""
    folded = fold(word)
    if not folded or folded in OWNERS:
        return None
    return "" if folded in _ANY_RELATIVE else clean(word)[:64]
