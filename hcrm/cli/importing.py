"""``hcrm import``: discharge records from files into the database."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import IO, Any, Self

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import IntegrityError

from hcrm.cli.runtime import CouldNot, open_runtime
from hcrm.intake import queries
from hcrm.intake.domain import (
    COUNT_KEYS,
    NOT_SHOWN,
    Change,
    CsvShape,
    FileRefused,
    ImportReport,
    Profile,
    RowError,
    Severity,
)
from hcrm.intake.domain import Progress as ReadSoFar
from hcrm.intake.forms.labels import FIELD_LABELS, NOTE_SENTENCES, file_sentence, row_sentence
from hcrm.intake.forms.rejects import rejects_head, rejects_row
from hcrm.intake.jobs import ShowProgress, import_files
from hcrm.intake.readers.formats import FORMATS
from hcrm.intake.readers.profiles import check_zone, load_profile
from hcrm.organization.queries import facilities
from hcrm.organization.service import ensure_facility, remove_facility
from hcrm.unit_of_work import Runtime, unit_of_work

SHOWN = 20


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH…")
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), default="auto", show_default=True, help="Kind of file."
)
@click.option("--profile", "profile_name", default="", help="How the file is read: a profile's name or a TOML file.")
@click.option("--sheet", default="", help="Sheet of a workbook, where several hold stays.")
@click.option("--encoding", default="", help="Encoding of the file, where it cannot be told.")
@click.option("--dates", default="", help="How dates are written, for example DD/MM/YYYY or MM/DD/YYYY.")
@click.option("--facility", "facility_code", default="", help="Code of the facility; needed when there are several.")
@click.option("--timezone", default="", help="Time zone of times without one and of calendar days.")
@click.option(
    "--as-of", type=click.DateTime(), help="When the records were true (UTC); default: now, or the first import."
)
@click.option("--dry-run", is_flag=True, help="Check and count everything, write nothing.")
@click.option("--no-plans", is_flag=True, help="Do not plan follow-ups.")
@click.option("--rejects", type=click.Path(dir_okay=False, path_type=Path), help="Write refused rows to this CSV file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def import_command(
    paths: tuple[Path, ...],
    format_: str,
    profile_name: str,
    sheet: str,
    encoding: str,
    dates: str,
    facility_code: str,
    timezone: str,
    as_of: datetime | None,
    *,
    dry_run: bool,
    no_plans: bool,
    rejects: Path | None,
    as_json: bool,
) -> None:
    """Import discharge records from files or folders.

    Exit code 0: all rows taken; 1: some refused; 2: nothing could be done.
    """
    with open_runtime() as runtime, sentences():
        profile = named_profile(runtime, profile_name, facility_code)
        profile = profile.with_changes(sheet=sheet, encoding=encoding, date_formats=(dates,) if dates else ())
        facility_id, created = choose_facility(runtime, facility_code or profile.facility, timezone or profile.timezone)
        try:
            with RejectsFile(rejects) as refused, _bar(quiet=as_json) as progress:
                report = import_files(
                    runtime,
                    facility_id=facility_id,
                    paths=paths,
                    profile=profile,
                    timezone=timezone or None,
                    dry_run=dry_run,
                    with_plans=not no_plans,
                    progress=progress,
                    stated_at=as_of and as_of.replace(tzinfo=UTC),
                    remarks=refused.take,
                    kind=format_,
                )
        finally:
            if created:
                take_back(runtime, facility_id)
    if created:
        report.notes.insert(0, ("", "facility_created"))
    click.echo(json.dumps(as_object(report), ensure_ascii=False) if as_json else as_text(report, dry_run=dry_run))
    for _, refusal in report.refused_files:
        click.echo(file_sentence(refusal), err=True)
    sys.exit(exit_code(report))


def named_profile(runtime: Runtime, name: str, facility_code: str = "") -> Profile:
    """The profile in a TOML file, in the instance folder, or kept under this name by somebody on the page.

    Raises ``FileRefused``: those of ``load_profile``, ``several_profiles`` where ``facility_code`` has to tell.
    """
    if not name:
        return Profile()
    try:
        return load_profile(name, runtime.settings.instance_dir / "profiles")
    except FileRefused as refusal:
        kept = _kept_profiles(runtime, name, facility_code) if refusal.code == "profile_not_found" else []
        if len(kept) > 1:
            raise FileRefused("several_profiles", profile=name, codes=[each.facility for each in kept]) from None
        if not kept:
            raise
    return kept[0]


def _kept_profiles(runtime: Runtime, name: str, facility_code: str) -> list[Profile]:
    with unit_of_work(runtime.sessions) as session:
        codes = {each.id: each.code for each in facilities(session)}
        kept = queries.profiles_named(session, name)
    found = [each.profile.with_changes(facility=codes[each.facility_id]) for each in kept]
    return [each for each in found if facility_code in {"", each.facility}]


@contextmanager
def sentences() -> Iterator[None]:
    """End the command with the sentence of whatever is refused."""
    try:
        yield
    except FileRefused as refusal:
        raise CouldNot(file_sentence(refusal)) from refusal


def exit_code(report: ImportReport) -> int:
    """0 all done, 1 some rows or files refused, 2 no file could be read."""
    if report.refused_files and len(report.refused_files) == len(report.files):
        return 2
    return 1 if report.refused_files or report.counts["rejected"] else 0


def choose_facility(runtime: Runtime, code: str, timezone: str) -> tuple[int, bool]:
    """The facility to import into and whether it was made for this: the one called ``code``, else the only one.

    Raises ``FileRefused``: ``unknown_facility``, ``several_facilities`` or ``unknown_zone``.
    """
    with unit_of_work(runtime.sessions) as session:
        known = facilities(session)
        if not known and not code:
            zone = check_zone(timezone or runtime.settings.hospital_timezone).key
            made = ensure_facility(
                session,
                code="MAIN",
                name="Main hospital",
                timezone=zone,
                country=country_of_zone(zone),
                now=runtime.clock.now(),
            )
            return made, True
    fitting = [each for each in known if each.code == code] if code else known
    if not fitting:
        raise FileRefused("unknown_facility", code=code)
    if len(fitting) > 1:
        raise FileRefused("several_facilities", codes=[each.code for each in known])
    return fitting[0].id, False


def take_back(runtime: Runtime, facility_id: int) -> None:
    """Remove a facility that was made for an import which then stored nothing, such as a dry run."""
    with suppress(IntegrityError), unit_of_work(runtime.sessions) as session:
        remove_facility(session, facility_id)


def country_of_zone(zone: str) -> str:
    """The country that the time zone database names first for a zone; the United States for zones of no country."""
    table = files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return next((cells[0] for cells in rows if cells[2].strip() == zone), "US")


def as_object(report: ImportReport) -> dict[str, Any]:
    """The report as the one JSON object that ``--json`` prints."""
    counts = {key: report.counts[key] for key in COUNT_KEYS if key != "warnings"}
    return {
        "files": report.files,
        **counts,
        "errors": [_remark(name, remark) for name, remark in report.errors],
        "errors_left_out": report.counts["rejected"] - len(report.errors),
        "warnings": [_remark(name, remark) for name, remark in report.warnings],
        "warnings_left_out": report.counts["warnings"] - len(report.warnings),
        "changes": [{"file": name, **change._asdict()} for name, change in report.changes],
        "refused_files": [
            {"file": name, "code": refusal.code, "message": file_sentence(refusal)}
            for name, refusal in report.refused_files
        ],
        "notes": [{"file": name, "code": note, "message": str(NOTE_SENTENCES[note])} for name, note in report.notes],
        "resumed": report.resumed,
        "seconds": round(report.seconds, 3),
    }


def _remark(name: str, remark: RowError) -> dict[str, Any]:
    return {
        "file": name,
        "line": remark.line,
        "field": remark.field,
        "code": remark.code,
        "message": row_sentence(remark),
    }


def as_text(report: ImportReport, *, dry_run: bool) -> str:
    """The report for a person at a terminal."""
    counts = report.counts
    lines = [f"{name + ': ' if name else ''}{NOTE_SENTENCES[note]}" for name, note in report.notes]
    if report.resumed:
        lines.append("An interrupted import went on where it had stopped.")
    if len(report.refused_files) == len(report.files):
        return "\n".join([*lines, "Nothing was imported."])
    if dry_run:
        lines.append("Dry run: nothing was written.")
    waiting = f", {counts['pending']:,} waiting" if counts["pending"] else ""
    lines.append(
        f"{counts['rows_read']:,} rows read: {counts['created']:,} created, {counts['updated']:,} updated, "
        f"{counts['unchanged']:,} unchanged, {counts['rejected']:,} rejected{waiting}; "
        f"{counts['patients_created']:,} new patients, {counts['encounters_created']:,} new stays, "
        f"{counts['warnings']:,} warnings, in {report.seconds:,.1f} s."
    )
    if not counts["rows_read"] and not counts["pending"]:
        lines.append("There is no record below the column heads: check that this is the right file.")
    for title, remarks, total in (
        ("Rejected", report.errors, counts["rejected"]),
        ("Warnings", report.warnings, counts["warnings"]),
    ):
        lines.extend(_listed(title, remarks, total))
    return "\n".join([*lines, *_changes(report.changes)])


def _changes(changes: Sequence[tuple[str, Change]]) -> list[str]:
    """What an import would change, field by field; only a dry run knows it."""
    lines = [
        f"  {name}, line {change.line}, MRN {change.mrn}, {FIELD_LABELS[change.field]}: "
        f"{_value(change.old)} -> {_value(change.new)}"
        for name, change in changes[:SHOWN]
    ]
    if len(changes) > SHOWN:
        lines.append("  … and more: --json lists up to 1,000.")
    return ["Would change:", *lines] if lines else []


def _value(value: str) -> str:
    return "(not shown)" if value == NOT_SHOWN else value or "(empty)"


def _listed(title: str, remarks: Sequence[tuple[str, RowError]], total: int) -> list[str]:
    if not remarks:
        return []
    lines = [f"{title}:"]
    for name, remark in remarks[:SHOWN]:
        field = f", {remark.field}" if remark.field else ""
        lines.append(f"  {name}, line {remark.line}{field}: {row_sentence(remark)}")
    if total > SHOWN:
        lines.append(f"  … and {total - SHOWN:,} more.")
    return lines


class RejectsFile:
    """Writes refused rows as they come, one file per set of column heads (FILE.csv, FILE-2.csv)."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._files: list[tuple[tuple[str, ...], IO[str], Any]] = []

    def __enter__(self) -> Self:
        if self._path is not None:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._path.unlink(missing_ok=True)
            except OSError:
                raise FileRefused("unreadable", file=self._path.name) from None
        return self

    def __exit__(self, *_: object) -> None:
        for _heads, file, _writer in self._files:
            file.close()

    def take(self, _path: Path, shape: CsvShape, remarks: Sequence[RowError]) -> None:
        if self._path is None:
            return
        for remark in remarks:
            if remark.severity is Severity.REJECTED:
                self._writer(shape.heads).writerow(rejects_row(remark, len(shape.heads)))

    def _writer(self, heads: tuple[str, ...]) -> Any:
        for known, _file, writer in self._files:
            if known == heads:
                return writer
        assert self._path is not None
        number = len(self._files) + 1
        path = self._path if number == 1 else self._path.with_stem(f"{self._path.stem}-{number}")
        file = path.open("w", encoding="utf-8-sig", newline="")
        writer = csv.writer(file)
        writer.writerow(rejects_head(heads))
        self._files.append((heads, file, writer))
        return writer


@contextmanager
def _bar(*, quiet: bool) -> Iterator[ShowProgress | None]:
    """A progress bar on a terminal; nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, Any] = {}

        def show(state: ReadSoFar) -> None:
            if state.file_name not in tasks:
                tasks[state.file_name] = bar.add_task(state.file_name, total=state.bytes_total)
            bar.update(tasks[state.file_name], completed=state.bytes_read)

        yield show
