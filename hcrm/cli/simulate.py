"""``hcrm simulate``: days of hospital life in minutes, in a database of their own."""

from __future__ import annotations

from datetime import datetime

import click

from hcrm.cli.runtime import CouldNot, check_schema, read_settings
from hcrm.clock import FixedClock, stopwatch
from hcrm.db import make_engine
from hcrm.embedded import admin_url
from hcrm.schema import current_revision, upgrade
from hcrm.settings import Settings
from hcrm.simulation.day_report import DayReport
from hcrm.simulation.days import NotASimulation, course_of
from hcrm.simulation.generate.drawing import Format
from hcrm.simulation.simulate import ZONE, InvariantBroken, simulate
from hcrm.unit_of_work import unit_of_work
from hcrm.wiring import make_runtime

BROKEN = 1


@click.command("simulate")
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 3660), help="Days from the first one on.")
@click.option(
    "--per-day", default=20, show_default=True, type=click.IntRange(1, 1_000), help="Mean discharges on a weekday."
)
@click.option("--seed", default=1, show_default=True, help="The same seed comes to the same end.")
@click.option(
    "--from",
    "first",
    default="2026-01-01",
    show_default=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="The first day.",
)
@click.option(
    "--format",
    "file_format",
    default="hl7",
    show_default=True,
    type=click.Choice(["hl7", "csv", "xlsx", "fhir"]),
    help="How the day's records come in.",
)
def simulate_command(days: int, per_day: int, seed: int, first: datetime, file_format: Format) -> None:
    """Live through the days of a made-up hospital: records, texts, answers, calls, alerts, readmissions.

    After each day it is checked that nothing went out at night, to the dead or to the stopped, that no task was lost
    and that the figures are right; exit code 1 and a sentence when something is not. Started again it goes on after
    the last whole day. It needs a database of its own: an empty one, or that of the same simulation.
    """
    settings = read_settings()
    refuse_real_phones(settings)
    try:
        make_ready(settings)
        _live(settings, days=days, per_day=per_day, seed=seed, first=first, file_format=file_format)
    except NotASimulation as refusal:
        raise CouldNot(str(refusal)) from None


def refuse_real_phones(settings: Settings) -> None:
    """Made-up patients are written to on simulated phones only. Raises ``CouldNot``."""
    if set(settings.sms_providers) != {"console"}:
        raise CouldNot("SMS_PROVIDER names a real provider: made-up people have simulated phones only, leave it unset.")


def make_ready(settings: Settings) -> None:
    """The newest schema, but only in a database that holds nothing, or a simulation."""
    url = admin_url(settings)
    engine = make_engine(url, role=None)
    try:
        with engine.connect() as connection:
            empty = current_revision(connection) is None
    finally:
        engine.dispose()
    if not empty:
        _refuse_real_records(settings)
    upgrade(url)


def _refuse_real_records(settings: Settings) -> None:
    """Raises ``NotASimulation`` for a database with a real hospital in it, ``SchemaError`` for another version."""
    runtime = make_runtime(settings)
    try:
        check_schema(runtime)
        with unit_of_work(runtime.sessions) as session:
            course_of(session)
    finally:
        runtime.engine.dispose()


def _live(settings: Settings, *, days: int, per_day: int, seed: int, first: datetime, file_format: Format) -> None:
    runtime = make_runtime(settings, FixedClock(first.replace(tzinfo=ZONE)))
    total = DayReport(first.date())
    began = stopwatch()

    def tell(report: DayReport) -> None:
        click.echo(f"{report.day}  {report}")
        total.add(report)

    try:
        end = simulate(
            runtime,
            days=days,
            per_day=per_day,
            seed=seed,
            first_on=first.date(),
            tell=tell,
            file_format=file_format,
        )
    except InvariantBroken as problem:
        for sentence in problem.sentences:
            click.echo(sentence, err=True)
        raise click.exceptions.Exit(BROKEN) from None
    finally:
        runtime.engine.dispose()
    seconds = stopwatch() - began
    click.echo(f"Until {end.last_on}: {total}.")
    click.echo(f"{seconds:,.1f} s, {total.discharges / seconds:,.1f} discharges a second; every invariant holds.")
    click.echo(f"State: {end.digest}")
