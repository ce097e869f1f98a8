"""Synthea's layout: ``encounters.csv`` with patients, organizations and providers in files beside it.

The MRN is the patient's MRN column where there is one, else the patient's Id; the visit number is the encounter's Id;
the department is the organization. There is no disposition: a death is known from the patient's DEATHDATE alone.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from hcrm.intake.domain import CsvShape, FileRefused, Profile, RowRefused
from hcrm.intake.readers.csv_rows import words
from hcrm.intake.readers.csv_rows.dates import DateReader
from hcrm.intake.readers.csv_rows.people import PhoneColumns
from hcrm.intake.readers.csv_rows.rows import INDEX, TableRows, Values
from hcrm.intake.readers.csv_rows.text import find_encoding, open_text
from hcrm.intake.readers.csv_rows.values import WordTable, clean, identifier, join_name

_REQUIRED: Final = frozenset({"start", "stop", "patient", "encounterclass"})
_FIELDS: Final = {
    "id": "visit_number",
    "start": "admitted_at",
    "stop": "discharged_at",
    "patient": "mrn",
    "organization": "department_code",
    "provider": "clinician",
    "encounterclass": "class",
    "reasondescription": "principal_diagnosis",
}
_ADDRESS: Final = ("ADDRESS", "CITY", "STATE", "ZIP")
COMPANIONS: Final = ("patients.csv", "organizations.csv", "providers.csv")


def is_encounters(heads: Sequence[str]) -> bool:
    """Whether these are the heads of Synthea's encounters."""
    return {head.casefold() for head in heads} >= _REQUIRED


def encounter_columns(heads: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Positions of the columns that are imported."""
    return {_FIELDS[head.casefold()]: (position,) for position, head in enumerate(heads) if head.casefold() in _FIELDS}


def notes(path: Path) -> tuple[str, ...]:
    """What is missing beside the encounters."""
    missing = [f"no_{Path(name).stem}_file" for name in COMPANIONS if not (path.parent / name).is_file()]
    patients = _heads(path.parent / "patients.csv")
    return (*missing, "no_phone_column") if patients and "PHONE" not in patients else tuple(missing)


class SyntheaRows(TableRows):
    """Joins each encounter with its patient, organization and provider."""

    def __init__(
        self, shape: CsvShape, profile: Profile, zone: ZoneInfo, region: str, now: datetime, folder: Path
    ) -> None:
        super().__init__(shape, profile, zone, region, now)
        self._region = region
        self._has_phones = "PHONE" in _heads(folder / "patients.csv")
        self._patients = self._read_patients(folder / "patients.csv")
        self._organizations = _names(folder / "organizations.csv")
        self._providers = _names(folder / "providers.csv")
        self._patient_at = self.columns["mrn"][0]
        self._steps = [*self._steps, self._join]

    def _join(self, values: Values, cells: Sequence[str]) -> None:
        person = self._patients.get(cells[self._patient_at])
        if isinstance(person, RowRefused):
            raise RowRefused(person.code, person.field, **person.params)
        if person is not None:
            for index, value in person:
                values[index] = value
            if not values[INDEX["phones"]] and self._has_phones:
                self.remark("phone", "no_phone")
        elif self._patients and values[INDEX["mrn"]]:
            self.remark("mrn", "patient_not_in_file", value=cells[self._patient_at][:80])
        for kind, names in (("department", self._organizations), ("clinician", self._providers)):
            code = values[INDEX[f"{kind}_code"]]
            if code:
                values[INDEX[f"{kind}_name"]] = names.get(code) or code

    def _read_patients(self, path: Path) -> dict[str, tuple[tuple[int, Any], ...] | RowRefused]:
        days = DateReader(self.zone)
        sexes = WordTable(words.SEXES)
        found: dict[str, tuple[tuple[int, Any], ...] | RowRefused] = {}
        for record in _records(path):
            try:
                found[record.get("ID", "")] = self._person(record, days, sexes)
            except RowRefused as refusal:
                found[record.get("ID", "")] = refusal
        return found

    def _person(
        self, record: Mapping[str, str], days: DateReader, sexes: WordTable[Any]
    ) -> tuple[tuple[int, Any], ...]:
        family, given = clean(record.get("LAST", ""))[:200], clean(record.get("FIRST", ""))[:200]
        person = {
            "mrn": identifier(record.get("MRN") or record.get("ID", "")),
            "family_name": family or None,
            "given_name": given or None,
            "full_name": join_name(family, given) or None,
            "sex": sexes[record.get("GENDER", "")],
            "birth_date": _day(record, "BIRTHDATE", "birth_date", days),
            "deceased_on": _day(record, "DEATHDATE", "deceased_at", days),
            "address": ", ".join(part for part in (clean(record.get(name, "")) for name in _ADDRESS) if part) or None,
        }
        if "PHONE" in record:
            phones = PhoneColumns({"phone": (0,)}, self._region, lambda *_, **__: None)
            person["phones"] = phones.read([record["PHONE"]], "", "")
        return tuple((INDEX[name], value) for name, value in person.items())


def _day(record: Mapping[str, str], head: str, field: str, days: DateReader) -> Any:
    text = record.get(head, "")
    try:
        return days.day(text) if text else None
    except RowRefused as refusal:
        raise RowRefused(refusal.code, field, value=text[:80]) from None


def _names(path: Path) -> dict[str, str]:
    return {record["ID"]: clean(record.get("NAME", "")) for record in _records(path) if record.get("ID")}


def _heads(path: Path) -> list[str]:
    """Upper-case heads of a companion file; none when the file is missing."""
    if not path.is_file():
        return []
    with open_text(path, find_encoding(path)) as file:
        return [head.strip().upper() for head in next(csv.reader([file.readline()]), [])]


def _records(path: Path) -> list[dict[str, str]]:
    """Records of a companion file by upper-case head; none when the file is missing.

    Raises ``FileRefused``: ``companion_broken`` when it has no Id column, or those of ``find_encoding``.
    """
    if not path.is_file():
        return []
    with open_text(path, find_encoding(path)) as file:
        reader = csv.reader(line.replace("\0", "") for line in file)
        heads = [head.strip().upper() for head in next(reader, [])]
        if "ID" not in heads:
            raise FileRefused("companion_broken", file=path.name)
        return [dict(zip(heads, map(str.strip, cells), strict=False)) for cells in reader if any(cells)]
