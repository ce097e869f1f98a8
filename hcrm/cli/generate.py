"""``hcrm generate``: the discharge feed of hospitals that do not exist."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import cast

import click

from hcrm.cli.runtime import CouldNot
from hcrm.clock import stopwatch
from hcrm.simulation.catalogue import ALL_DEPARTMENTS
from hcrm.simulation.generate.drawing import Format, Order
from hcrm.simulation.generate.files import Written, rows_of, write_feed
from hcrm.simulation.generate.numbers import Country
from hcrm.simulation.generate.parameters import MOST_FACILITIES, Parameters, Rates, Style, UnknownRate
from hcrm.simulation.generate.process import DrawingStopped, processes_for


@click.command("generate")
@click.option(
    "--days", default=30, show_default=True, type=click.IntRange(1, 3660), help="How many days of discharges."
)
@click.option(
    "--per-day",
    default=20.0,
    show_default=True,
    type=click.FloatRange(0.1, 100_000),
    help="Mean discharges of a hospital on a weekday.",
)
@click.option("--seed", default=1, show_default=True, help="The same seed writes the same bytes.")
@click.option(
    "--format",
    "format_",
    default="csv",
    show_default=True,
    type=click.Choice(["csv", "xlsx", "hl7", "fhir"]),
    help="Kind of file: tables, HL7 v2.5.1 messages, or FHIR R4 Bundles.",
)
@click.option(
    "--country",
    default="GB",
    show_default=True,
    type=click.Choice(["GB", "US", "CN"]),
    help="Whose telephone numbers and time zone.",
)
@click.option(
    "--style",
    type=click.Choice(["en", "zh"]),
    help="Language of names and of a table's words. Default: zh for CN, else en.",
)
@click.option(
    "--chinese-share",
    default=0.2,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Share of Chinese-speaking patients in the style en.",
)
@click.option(
    "--facilities",
    default=1,
    show_default=True,
    type=click.IntRange(1, MOST_FACILITIES),
    help="How many hospitals, of different sizes.",
)
@click.option(
    "--departments",
    default=8,
    show_default=True,
    type=click.IntRange(1, len(ALL_DEPARTMENTS)),
    help="How many departments a hospital of mean size has.",
)
@click.option(
    "--department",
    "codes",
    multiple=True,
    type=click.Choice([kind.code for kind in ALL_DEPARTMENTS]),
    help="Only these departments (may be given several times).",
)
@click.option(
    "--rate",
    "rates",
    multiple=True,
    metavar="NAME=SHARE",
    help="How untidy the records are, for example missing_phone=0.1; all=0 for tidy ones (docs/generate.md).",
)
@click.option("--all-rows", is_flag=True, help="Tables: also rows for admissions and moves to another ward.")
@click.option("--daily", is_flag=True, help="A file for each day.")
@click.option(
    "--from",
    "first",
    default="2026-01-01",
    show_default=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Day of the first discharges.",
)
@click.option(
    "--processes", type=click.IntRange(1, 64), help="How many processes draw; the files are the same with any number."
)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write into.")
def generate(
    days: int,
    per_day: float,
    seed: int,
    format_: str,
    country: str,
    style: str | None,
    chinese_share: float,
    facilities: int,
    departments: int,
    codes: tuple[str, ...],
    rates: tuple[str, ...],
    first: datetime,
    processes: int | None,
    out: Path,
    *,
    all_rows: bool,
    daily: bool,
) -> None:
    """Write the discharge feed of hospitals that do not exist: no name, address or number belongs to anybody."""
    words = cast("Style", style or ("zh" if country == "CN" else "en"))
    parameters = Parameters(
        seed=seed,
        per_day=per_day,
        country=cast("Country", country),
        style=words,
        facilities=facilities,
        kinds=tuple(kind for kind in ALL_DEPARTMENTS if kind.code in codes) or ALL_DEPARTMENTS[:departments],
        chinese_share=chinese_share,
        rates=_rates(rates),
    )
    order = Order(parameters, first.date(), days, cast("Format", format_), words, all_rows, daily)
    began = stopwatch()
    try:
        written = write_feed(order, out, processes=processes or processes_for(order, os.cpu_count() or 1))
    except OSError as problem:
        raise CouldNot(f"The feed could not be written into {out}: {problem.strerror or problem}.") from None
    except DrawingStopped:
        raise CouldNot("A process that drew departments was stopped; bring the command again.") from None
    click.echo(_told(order, written, out, stopwatch() - began))


def _rates(texts: tuple[str, ...]) -> Rates:
    changes: dict[str, float] = {}
    for text in texts:
        name, _, share = text.partition("=")
        try:
            changes[name.strip()] = float(share)
        except ValueError:
            raise CouldNot(f"--rate takes NAME=SHARE, for example missing_phone=0.1, not {text!r}.") from None
    try:
        return Rates().with_changes(changes)
    except UnknownRate as wrong:
        raise CouldNot(
            f"There is no rate {wrong}, or its share is not between 0 and 1: see docs/generate.md."
        ) from None


def _told(order: Order, written: Written, out: Path, seconds: float) -> str:
    records = written.records
    count = rows_of(written) if order.format in {"csv", "xlsx"} else records.total()
    what = "rows" if order.format in {"csv", "xlsx"} else "records"
    place = written.files[0] if len(written.files) == 1 else f"{len(written.files)} files in {out}"
    return (
        f"{place}: {count:,} {what} of {order.count} days from {order.first.isoformat()}, "
        f"{records['A03']:,} discharges, seed {order.parameters.seed}, in {seconds:,.1f} s."
    )
