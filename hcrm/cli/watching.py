"""``hcrm watch``: the process that imports what other systems put into a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from sqlalchemy.exc import InterfaceError, OperationalError

from hcrm.cli.importing import RejectsFile, as_text, choose_facility, named_profile, sentences
from hcrm.cli.runtime import open_runtime
from hcrm.clock import pause, stopwatch
from hcrm.intake import queries
from hcrm.intake.domain import BatchSnapshot, BatchStatus, FileRefused, ImportReport, Profile
from hcrm.intake.forms.labels import file_sentence
from hcrm.intake.jobs import import_files
from hcrm.intake.readers.folders import (
    DONE,
    FAILED,
    Watched,
    checksum_of,
    half_moved,
    held_folder,
    move,
    put_away,
    signature_of,
    target_for,
)
from hcrm.logs import get_logger
from hcrm.unit_of_work import Runtime, unit_of_work

log = get_logger(__name__)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--profile", "profile_name", default="", help="How the files are read: a profile's name or a TOML file.")
@click.option("--encoding", default="", help="Encoding of the files, where it cannot be told.")
@click.option("--dates", default="", help="How dates are written, for example DD/MM/YYYY or MM/DD/YYYY.")
@click.option("--facility", "facility_code", default="", help="Code of the facility; needed when there are several.")
@click.option("--timezone", default="", help="Time zone of times without one and of calendar days.")
@click.option("--no-plans", is_flag=True, help="Do not plan follow-ups.")
@click.option(
    "--settle", type=click.FloatRange(0), default=10.0, show_default=True,
    help="Seconds for which a file has to stay as it is to count as complete.",
)  # fmt: skip
@click.option(
    "--interval", type=click.FloatRange(0.05), default=5.0, show_default=True, help="Seconds between two looks."
)
@click.option("--once", is_flag=True, help="Import what is there, then end.")
def watch(
    folder: Path,
    profile_name: str,
    encoding: str,
    dates: str,
    facility_code: str,
    timezone: str,
    settle: float,
    interval: float,
    *,
    no_plans: bool,
    once: bool,
) -> None:
    """Import every file that comes into DIR, until stopped (Ctrl-C).

    A file that is complete is imported and moved to DIR/done, one that cannot be read to DIR/failed, each beside a
    report. Files that begin with a dot or end in .tmp or .part are left alone until they are renamed.
    """
    with open_runtime() as runtime, sentences(), held_folder(folder):
        profile = named_profile(runtime, profile_name, facility_code)
        profile = profile.with_changes(encoding=encoding, date_formats=(dates,) if dates else ())
        facility_id, _ = choose_facility(runtime, facility_code or profile.facility, timezone or profile.timezone)
        keeper = Keeper(runtime, facility_id, profile, timezone, with_plans=not no_plans)
        watched = Watched(folder, settle, stopwatch)
        click.echo(f"Watching {folder} (Ctrl-C stops it).")
        while True:
            for path in watched.complete():
                keeper.take(path)
            if once and not watched.waits():
                return
            pause(interval)


@dataclass(frozen=True, slots=True)
class Keeper:
    """Imports items and puts them away."""

    runtime: Runtime
    facility_id: int
    profile: Profile
    timezone: str
    with_plans: bool

    def take(self, path: Path) -> None:
        """Import one item; what the machine refuses for now (no database, no disk) is tried again at the next look."""
        try:
            self._take(path)
        except (OperationalError, InterfaceError):
            log.warning("the database does not answer", file=path.name)
            click.echo(f"{path.name}: the database does not answer or has no room; it is tried again.", err=True)
        except OSError as error:
            log.warning("a file could not be put away", file=path.name, error=type(error).__name__)
            click.echo(f"{path.name}: {error.strerror or 'the disk refuses it'}; it is tried again.", err=True)

    def _take(self, path: Path) -> None:
        before, checksum = signature_of(path), checksum_of(path)
        target = half_moved(path, checksum)
        if target is not None:
            move(path, target)
            return
        target, _ = target_for(path, DONE, checksum)
        writing = target.refused.with_name(target.refused.name + ".writing")
        with RejectsFile(writing) as refused:
            report = self._import(path, refused)
        if signature_of(path) != before:
            writing.unlink(missing_ok=True)
            return  # it has grown meanwhile: at the next look it is another file
        into = FAILED if len(report.refused_files) == len(report.files) else DONE
        target, _ = target_for(path, into, checksum)
        if writing.exists():
            writing.replace(target.refused)
        text = _report(report, checksum, self._known(report))
        put_away(path, target, text)
        click.echo(f"{path.name} -> {target.path.relative_to(path.parent)}\n{text.splitlines()[0]}")

    def _import(self, path: Path, refused: RejectsFile) -> ImportReport:
        try:
            return import_files(
                self.runtime,
                facility_id=self.facility_id,
                paths=[path],
                profile=self.profile,
                timezone=self.timezone or None,
                with_plans=self.with_plans,
                remarks=refused.take,
            )
        except FileRefused as refusal:
            return ImportReport(files=[path.name], refused_files=[(path.name, refusal)])

    def _known(self, report: ImportReport) -> list[BatchSnapshot]:
        """The first finished import of each file that was imported before."""
        with unit_of_work(self.runtime.sessions) as session:
            batches = [queries.batch(session, batch_id) for batch_id in report.batch_ids]
            same = [
                (each.id, queries.batches_of_file(session, self.facility_id, each.file_sha256))
                for each in batches
                if each is not None
            ]
        finished = [
            next((one for one in all_ if one.status is BatchStatus.FINISHED and one.id < batch_id), None)
            for batch_id, all_ in same
        ]
        return [each for each in finished if each is not None]


def _report(report: ImportReport, checksum: str, known: Sequence[BatchSnapshot]) -> str:
    """What became of an item, for whoever looks into the folder."""
    lines = [file_sentence(refusal) for _, refusal in report.refused_files]
    lines += [
        f"The same file was imported before ({each.file_name}, {each.created_at:%Y-%m-%d %H:%M} UTC: "
        f"{each.counts.get('created', 0):,} created, {each.counts.get('updated', 0):,} updated). Nothing is done twice."
        for each in known
    ]
    return "\n".join([*lines, as_text(report, dry_run=False), "", f"SHA-256 {checksum}", ""])
