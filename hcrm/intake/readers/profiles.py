"""Profiles: TOML files that say how one hospital writes its exports."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from hcrm.intake.domain import FIELDS, IGNORED, FileRefused, Profile
from hcrm.intake.readers.csv_rows.dates import stated_patterns
from hcrm.patients.domain import Disposition, EncounterClass, Sex

_TEXT_KEYS: Final = ("encoding", "delimiter", "timezone", "facility", "source", "class_default", "sheet")
_TABLES: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "class": ("classes", frozenset(EncounterClass)),
    "disposition": ("dispositions", frozenset(Disposition)),
    "sex": ("sexes", frozenset(Sex)),
}
_KNOWN: Final = {*_TEXT_KEYS, "header_row", "date_formats", "columns", "values", "name"}


def load_profile(name_or_path: str, folder: Path) -> Profile:
    """The profile in a TOML file, or the one called so in ``folder`` (``<name>.toml``).

    Raises ``FileRefused``: ``profile_not_found`` or one of those of ``parse_profile``.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        if path.name != name_or_path:
            raise FileRefused("profile_not_found", profile=name_or_path)
        path = folder / f"{name_or_path}.toml"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError):
        raise FileRefused("profile_not_found", profile=name_or_path) from None
    return parse_profile(text, path.stem)


def parse_profile(text: str, name: str) -> Profile:
    """A profile from TOML.

    Raises ``FileRefused``: ``profile_not_toml``, ``profile_unknown_key``, ``profile_bad_value`` (with the key),
    ``profile_unknown_field``, ``profile_unknown_code`` or ``bad_date_format``.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise FileRefused("profile_not_toml", profile=name) from None
    unknown = sorted(set(document) - _KNOWN)
    if unknown:
        raise FileRefused("profile_unknown_key", profile=name, key=unknown[0])
    values: dict[str, Any] = {key: _text(document, key, name) for key in _TEXT_KEYS if key in document}
    values["name"] = name
    values["header_row"] = _number(document, name)
    values["date_formats"] = _texts(document.get("date_formats", []), "date_formats", name)
    values["columns"] = _columns(document.get("columns", {}), name)
    values.update(_value_tables(document.get("values", {}), name))
    profile = Profile(**values)
    _check(profile)
    return profile


def _check(profile: Profile) -> None:
    stated_patterns(profile.date_formats)
    if profile.delimiter and len(profile.delimiter) != 1:
        raise FileRefused("profile_bad_value", profile=profile.name, key="delimiter")
    if profile.class_default and profile.class_default not in frozenset(EncounterClass):
        raise FileRefused(
            "profile_unknown_code", profile=profile.name, key="class_default", value=profile.class_default
        )
    if profile.timezone:
        check_zone(profile.timezone)


def check_zone(name: str) -> ZoneInfo:
    """The time zone called so. Raises ``FileRefused`` (``unknown_zone``)."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise FileRefused("unknown_zone", zone=name) from None


def _text(document: Mapping[str, Any], key: str, name: str) -> str:
    value = document[key]
    if not isinstance(value, str):
        raise FileRefused("profile_bad_value", profile=name, key=key)
    return value


def _number(document: Mapping[str, Any], name: str) -> int:
    value = document.get("header_row", 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise FileRefused("profile_bad_value", profile=name, key="header_row")
    return value


def _texts(value: Any, key: str, name: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise FileRefused("profile_bad_value", profile=name, key=key)
    return tuple(value)


def _columns(table: Any, name: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(table, dict):
        raise FileRefused("profile_bad_value", profile=name, key="columns")
    unknown = sorted(set(table) - set(FIELDS) - {IGNORED})
    if unknown:
        raise FileRefused("profile_unknown_field", profile=name, field=unknown[0])
    return {field: _texts(heads, f"columns.{field}", name) for field, heads in table.items()}


def _value_tables(tables: Any, name: str) -> dict[str, dict[str, str]]:
    if not isinstance(tables, dict):
        raise FileRefused("profile_bad_value", profile=name, key="values")
    found: dict[str, dict[str, str]] = {}
    for key, table in tables.items():
        if key not in _TABLES or not isinstance(table, dict):
            raise FileRefused("profile_bad_value", profile=name, key=f"values.{key}")
        target, codes = _TABLES[key]
        for word, code in table.items():
            if code not in codes:
                raise FileRefused("profile_unknown_code", profile=name, key=f"values.{key}.{word}", value=str(code))
        found[target] = dict(table)
    return found
