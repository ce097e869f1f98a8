"""Finding out what a CSV file is: encoding, delimiter, head, columns, how its dates are read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from hcrm.intake.domain import DATE_FIELDS, IGNORED, CsvShape, DateOrder, FileRefused, Layout, Profile
from hcrm.intake.readers.csv_rows import synthea
from hcrm.intake.readers.csv_rows.dates import OrderEvidence, stated_order
from hcrm.intake.readers.csv_rows.heads import match_heads, missing_fields
from hcrm.intake.readers.csv_rows.text import DELIMITERS, Records, check_encoding, find_encoding, open_text
from hcrm.intake.readers.csv_rows.words import fold

SAMPLE_CHARACTERS: Final = 1 << 18
SAMPLE_RECORDS: Final = 60
HEAD_RECORDS: Final = 30
SHOWN_ROWS: Final = 5
LONGEST_DAY: Final = 10
"""Characters of a day that ends in the year."""


class _Head(NamedTuple):
    delimiter: str
    row: int
    """Which record is the head, from 0."""
    score: int
    records: list[list[str]]


MOST_COLUMNS: Final = 2_000
LONGEST_HEAD: Final = 1_000
"""What is longer is no head of a column: such a file is no table."""


def sniff(path: Path, profile: Profile | None = None, *, looked_at: int | None = None) -> CsvShape:
    """What the file seems to be; what ``profile`` states is not looked for.

    Reads the whole file only to tell UTF-8 from GB18030, and when dates end in the year without dots; of these no
    more rows than ``looked_at``, so that somebody who waits can be asked which comes first. Raises
    ``FileRefused`` for a file that is no text, ``no_heads`` for one that is no table, and ``header_row_missing`` or
    ``profile_column_missing`` where the profile does not fit. A shape may lack required columns or have ambiguous
    dates: see ``refuse_unreadable``.
    """
    profile = profile or Profile()
    encoding = check_encoding(path, profile.encoding) if profile.encoding else find_encoding(path)
    head = _find_head(_sample(path, encoding), profile, path)
    heads = tuple(cell.strip() for cell in head.records[head.row])
    if len(heads) > MOST_COLUMNS or any(len(each) > LONGEST_HEAD for each in heads):
        raise FileRefused("no_heads", file=path.name)
    layout = Layout.SYNTHEA if synthea.is_encounters(heads) else Layout.TABLE
    columns = columns_of(heads, layout, profile)
    samples = [row for row in head.records[head.row + 1 :] if any(cell.strip() for cell in row)]
    evidence = _date_evidence(path, encoding, head, columns, profile, samples, looked_at)
    used = {position for positions in columns.values() for position in positions}
    return CsvShape(
        layout=layout,
        encoding=encoding,
        delimiter=head.delimiter,
        header_row=head.row + 1,
        header_line=_line_of_head(path, encoding, head),
        heads=heads,
        columns=columns,
        ignored=tuple(position for position in range(len(heads)) if position not in used),
        date_orders=orders_of(evidence, columns, profile),
        ambiguous=tuple(field for field, seen in evidence.items() if seen.ambiguous),
        samples=tuple(tuple(cell.strip() for cell in row) for row in samples[:SHOWN_ROWS]),
        notes=notes_of(path, layout, columns, profile),
    )


def refuse_unreadable(shape: CsvShape, file_name: str) -> None:
    """Raises ``FileRefused`` when rows cannot be read: ``columns_missing`` or ``ambiguous_dates``."""
    missing = missing_fields(shape.columns)
    if missing:
        heads = [head for head in shape.heads if head][:20]
        raise FileRefused("columns_missing", file=file_name, fields=list(missing), heads=heads)
    if shape.ambiguous:
        heads = [shape.heads[shape.columns[field][0]] for field in shape.ambiguous]
        raise FileRefused("ambiguous_dates", file=file_name, heads=heads)


def _sample(path: Path, encoding: str) -> str:
    with open_text(path, encoding) as file:
        text = file.read(SAMPLE_CHARACTERS).replace("\0", "")
        if file.read(1):
            cut = max(text.rfind("\n"), text.rfind("\r"))
            text = text[: cut + 1] if cut > 0 else text
    if not text.strip("\ufeff \t\r\n,;"):
        raise FileRefused("empty_file", file=path.name)
    return text


def _parse(text: str, delimiter: str) -> list[list[str]]:
    records: list[list[str]] = []
    try:
        for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if record:
                records.append(record)
            if len(records) >= SAMPLE_RECORDS:
                break
    except csv.Error:
        pass
    return records


def _find_head(text: str, profile: Profile, path: Path) -> _Head:
    delimiters = (profile.delimiter,) if profile.delimiter else DELIMITERS
    candidates = []
    for delimiter in delimiters:
        records = _parse(text, delimiter)
        if records:
            index = profile.header_row - 1 if profile.header_row else best_head(records)
            if index < len(records):
                candidates.append(_Head(delimiter, index, score(records[index]), records))
    if not candidates:
        raise FileRefused("header_row_missing", file=path.name, row=profile.header_row)
    return max(candidates, key=lambda head: (head.score, _steady_width(head.records)))


def best_head(records: Sequence[Sequence[str]]) -> int:
    """Which record is the head, from 0: the one with most known heads, else the first with several cells."""
    scores = [score(record) for record in records[:HEAD_RECORDS]]
    if max(scores) >= 2:
        return scores.index(max(scores))
    return next((index for index, record in enumerate(records) if len(record) > 1), 0)


def score(record: Sequence[str]) -> int:
    """How many fields a record names as heads."""
    heads = [cell.strip() for cell in record]
    return 100 if synthea.is_encounters(heads) else len(match_heads(heads))


def _steady_width(records: Sequence[Sequence[str]]) -> int:
    """How many columns most records have; a wrong delimiter gives one, or a different number in each."""
    widths = [len(record) for record in records]
    common = max(set(widths), key=widths.count)
    return common if common > 1 and widths.count(common) * 2 >= len(widths) else 0


def columns_of(heads: tuple[str, ...], layout: Layout, profile: Profile) -> dict[str, tuple[int, ...]]:
    """Positions of the columns of each field. Raises ``FileRefused`` (``profile_column_missing``)."""
    stated = {field: _positions(names, heads, profile) for field, names in profile.columns.items()}
    if layout is Layout.SYNTHEA and not stated:
        return synthea.encounter_columns(heads)
    taken = {position for positions in stated.values() for position in positions}
    found = match_heads(["" if position in taken else head for position, head in enumerate(heads)])
    found.update({field: positions for field, positions in stated.items() if field != IGNORED})
    return found


def _positions(names: Iterable[str], heads: tuple[str, ...], profile: Profile) -> tuple[int, ...]:
    folded = {fold(head): position for position, head in reversed(list(enumerate(heads)))}
    positions = []
    for name in names:
        number = name[1:] if name.startswith("#") else ""
        position = int(number) - 1 if number.isdigit() else folded.get(fold(name), -1)
        if not 0 <= position < len(heads):
            raise FileRefused("profile_column_missing", profile=profile.name, head=name)
        positions.append(position)
    return tuple(positions)


def _line_of_head(path: Path, encoding: str, head: _Head) -> int:
    with open_text(path, encoding) as file:
        for number, (line, _) in enumerate(Records(file, head.delimiter)):
            if number == head.row:
                return line
    return 1


def _date_evidence(
    path: Path,
    encoding: str,
    head: _Head,
    columns: Mapping[str, Sequence[int]],
    profile: Profile,
    samples: Sequence[Sequence[str]],
    looked_at: int | None,
) -> dict[str, OrderEvidence]:
    """What the values of the date columns say about their order; looks at more rows if the first ones leave a doubt."""
    fields = [field for field in DATE_FIELDS if columns.get(field)]
    if profile.date_formats or not fields:
        return {}
    evidence = see_all(samples, fields, columns)
    if any(seen.day_first or seen.month_first or seen.either for seen in evidence.values()):
        with open_text(path, encoding) as file:
            records = Records(file, head.delimiter, len(head.records[head.row]))
            rows = (cells for number, (_, cells) in enumerate(records) if number > head.row and cells)
            evidence = see_all(islice(rows, looked_at), fields, columns)
    for field, seen in evidence.items():
        if seen.mixed:
            raise FileRefused("mixed_dates", file=path.name, head=head.records[head.row][columns[field][0]].strip())
    return evidence


def see_all(
    rows: Iterable[Sequence[str]], fields: Sequence[str], columns: Mapping[str, Sequence[int]]
) -> dict[str, OrderEvidence]:
    """What the values of the columns of ``fields`` say about the order of day and month."""
    evidence = {field: OrderEvidence() for field in fields}
    seen: dict[str, set[str]] = {field: set() for field in fields}
    watched = [(columns[field][0], evidence[field].see, seen[field]) for field in fields]
    for row in rows:
        width = len(row)
        for position, see, known in watched:
            # The days repeat: each is looked at once, and the times of day behind them say nothing.
            if position < width and (day := row[position][:LONGEST_DAY]) not in known:
                known.add(day)
                see(row[position].strip())
    return evidence


def orders_of(
    evidence: Mapping[str, OrderEvidence], columns: Mapping[str, Sequence[int]], profile: Profile
) -> dict[str, DateOrder]:
    """How the dates of each field are read: as the profile states, else by the evidence."""
    stated = stated_order(profile.date_formats)
    if stated:
        return {field: stated for field in DATE_FIELDS if columns.get(field)}
    return {field: seen.order for field, seen in evidence.items() if seen.order}


def notes_of(path: Path, layout: Layout, columns: Mapping[str, Sequence[int]], profile: Profile) -> tuple[str, ...]:
    """What a person should know before the import."""
    if layout is Layout.SYNTHEA:
        return synthea.notes(path)
    notes = []
    if "class" not in columns and not profile.class_default:
        notes.append("no_class_column")
    if "phone" not in columns and "contact_phone" not in columns:
        notes.append("no_phone_column")
    if "visit_number" not in columns:
        notes.append("no_visit_number_column")
    return tuple(notes)
