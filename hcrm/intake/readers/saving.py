"""What is kept of the reading of one file, so that the next one of its kind is read the same way."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hcrm.intake.domain import IGNORED, FileRefused, Profile
from hcrm.intake.readers.csv_rows.heads import match_heads
from hcrm.intake.readers.csv_rows.words import fold
from hcrm.intake.readers.formats import first_look

_TEXTS: Final = ("encoding", "delimiter", "timezone", "facility", "source", "class_default", "sheet")
_TABLES: Final[Mapping[str, str]] = {"class": "classes", "disposition": "dispositions", "sex": "sexes"}


def kept_profile(profile: Profile, heads: Sequence[str], name: str) -> Profile:
    """``profile`` of a file with these ``heads`` under a name: its columns go by their heads, not by their places.

    Columns that are left out are named only where they would be recognised otherwise, so that a file may lack them.
    """
    columns = {field: tuple(_by_head(each, heads) for each in names) for field, names in profile.columns.items()}
    known = {heads[position] for positions in match_heads(list(heads)).values() for position in positions}
    columns[IGNORED] = tuple(each for each in columns.get(IGNORED, ()) if each in known)
    values = profile.to_json() | {"name": name, "columns": {field: each for field, each in columns.items() if each}}
    return Profile.from_json(values)


def without_what_is_found(profile: Profile, path: Path, header_row: int, delimiter: str) -> Profile:
    """``profile`` without a head row and a delimiter that are found by themselves: exports differ in their titles."""
    free = Profile.from_json({**profile.to_json(), "header_row": 0, "delimiter": ""})
    try:
        shape = first_look(path, free)
    except FileRefused:
        return profile
    return free if (shape.header_row, shape.delimiter) == (header_row, delimiter) else profile


def _by_head(name: str, heads: Sequence[str]) -> str:
    """A column by its head; one without a head, or with a head that others have too, stays a number."""
    if not name.startswith("#") or not name[1:].isdigit():
        return name
    position = int(name[1:]) - 1
    head = heads[position] if position < len(heads) else ""
    alone = [fold(each) for each in heads].count(fold(head)) == 1
    return head if head and alone and not head.startswith("#") else name


def profile_toml(profile: Profile) -> str:
    """``profile`` as the TOML file that commands read."""
    return "\n".join([*_lines(profile), ""])


def _lines(profile: Profile) -> Iterator[str]:
    for key in _TEXTS:
        value = getattr(profile, key)
        if value and (key, value) != ("source", Profile().source):
            yield f"{key} = {_quoted(value)}"
    if profile.header_row:
        yield f"header_row = {profile.header_row}"
    if profile.date_formats:
        yield f"date_formats = {_list(profile.date_formats)}"
    if profile.columns:
        yield from ("", "[columns]")
        yield from (
            f"{_quoted(field)} = {_quoted(heads[0]) if len(heads) == 1 else _list(heads)}"
            for field, heads in profile.columns.items()
        )
    for table, attribute in _TABLES.items():
        words: Mapping[str, str] = getattr(profile, attribute)
        if words:
            yield from ("", f"[values.{table}]")
            yield from (f"{_quoted(word)} = {_quoted(code)}" for word, code in words.items())


def _list(values: Sequence[Any]) -> str:
    return f"[{', '.join(map(_quoted, values))}]"


def _quoted(value: str) -> str:
    """A basic string of TOML, which has the escapes of JSON and one more character that needs one."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
