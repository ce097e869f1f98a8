"""``hcrm report``: the figures of the pages on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from hcrm.cli.runtime import CouldNot, open_runtime
from hcrm.organization.queries import facility_by_code
from hcrm.reporting import service
from hcrm.reporting.domain.measures import MEASURES, Link
from hcrm.reporting.domain.reports import (
    FOLLOWUP_GROUPINGS,
    REVISIT_GROUPINGS,
    SATISFACTION_GROUPINGS,
    AmbiguousMeasure,
    Basis,
    By,
    Selection,
    UnknownMeasure,
)
from hcrm.reporting.queries.measures import own_measures
from hcrm.reporting.queries.tasks import TaskFilter
from hcrm.survey.domain import UnknownQuestionnaire
from hcrm.unit_of_work import unit_of_work

Command = TypeVar("Command", bound=Callable[..., Any])

WRONG = 1
"""Exit code of ``verify`` when figures disagree."""


def _options(groupings: Sequence[By]) -> Callable[[Command], Command]:
    """The options that all reports have."""

    def add(command: Command) -> Command:
        for option in (
            click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
            click.option("--facility", default=None, help="Only the facility with this code."),
            click.option(
                "--by",
                default=By.NONE.value,
                show_default=True,
                type=click.Choice([each.value for each in groupings]),
                help="Group by.",
            ),
            click.option("--to", "to_on", default=None, type=_day, help="Last day, YYYY-MM-DD; none: all."),
            click.option("--from", "from_on", default=None, type=_day, help="First day, YYYY-MM-DD; none: all."),
        ):
            command = option(command)
        return command

    return add


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"“{text}” is not a day; write it as YYYY-MM-DD, for example 2026-03-31.") from None


@click.group("report")
def report() -> None:
    """Figures of follow-up, revisits and satisfaction: the same numbers as on the pages."""


@report.command("revisits")
@click.option(
    "--measure",
    default="readmit_30d",
    show_default=True,
    help="One of: " + ", ".join(MEASURES) + "; or the code of a measure that the hospital made.",
)
@click.option("--link", default=None, type=click.Choice([each.value for each in Link]), help="Instead of its own rule.")
@_options(REVISIT_GROUPINGS)
def revisits(
    *,
    measure: str,
    link: str | None,
    from_on: date | None,
    to_on: date | None,
    by: str,
    facility: str | None,
    as_json: bool,
) -> None:
    """How many patients came back."""

    def make(session: Session, selection: Selection, now: datetime) -> dict[str, Any]:
        try:
            made = service.revisit_report(
                session, measure=measure, selection=selection, by=By(by), now=now, link=Link(link) if link else None
            )
        except AmbiguousMeasure:
            raise CouldNot(f"Several hospitals have a measure “{measure}”: say which one with --facility.") from None
        except UnknownMeasure:
            known = [*MEASURES, *(each.measure.code for each in own_measures(session, selection.scope))]
            raise CouldNot(f"There is no measure “{measure}”. Choose one of: {', '.join(known)}.") from None
        return service.revisit_json(made)

    _print(_read(make, from_on, to_on, facility), REVISIT_COLUMNS, as_json=as_json)


@report.command("followup")
@click.option(
    "--basis",
    default=Basis.WINDOW.value,
    show_default=True,
    type=click.Choice([each.value for each in Basis]),
    help="A task counts where its window ends, or where the patient was discharged.",
)
@_options(FOLLOWUP_GROUPINGS)
def followup(
    *, basis: str, from_on: date | None, to_on: date | None, by: str, facility: str | None, as_json: bool
) -> None:
    """How many follow-up tasks were due, tried, completed and completed on time."""

    def make(session: Session, selection: Selection, now: datetime) -> dict[str, Any]:
        only = TaskFilter(basis=Basis(basis))
        return service.followup_json(
            service.followup_report(session, selection=selection, by=By(by), now=now, only=only)
        )

    _print(_read(make, from_on, to_on, facility), FOLLOWUP_COLUMNS, as_json=as_json)


@report.command("satisfaction")
@click.option("--questionnaire", default=service.DEFAULT_QUESTIONNAIRE, show_default=True, help="Code of the survey.")
@_options(SATISFACTION_GROUPINGS)
def satisfaction(
    *, questionnaire: str, from_on: date | None, to_on: date | None, by: str, facility: str | None, as_json: bool
) -> None:
    """What patients say."""

    def make(session: Session, selection: Selection, now: datetime) -> dict[str, Any]:
        del now
        try:
            made = service.satisfaction_report(session, selection=selection, by=By(by), questionnaire=questionnaire)
        except UnknownQuestionnaire:
            raise CouldNot(f"There is no published questionnaire “{questionnaire}”.") from None
        return service.satisfaction_json(made)

    _print(_read(make, from_on, to_on, facility), SATISFACTION_COLUMNS, as_json=as_json)


@report.command("visits")
@_options(service.VISIT_GROUPINGS)
def visits(*, from_on: date | None, to_on: date | None, by: str, facility: str | None, as_json: bool) -> None:
    """How many discharges had a return visit booked, and how many visits were kept."""

    def make(session: Session, selection: Selection, now: datetime) -> dict[str, Any]:
        try:
            return service.visit_json(session, selection=selection, by=By(by), now=now)
        except service.SeveralZones:
            raise CouldNot("The hospitals are in different time zones: say which one with --facility.") from None

    _print(_read(make, from_on, to_on, facility), VISIT_COLUMNS, as_json=as_json)


@report.command("verify")
def verify() -> None:
    """Compute every figure a second time, another way, and say whether both agree (exit 1 if not)."""
    with open_runtime() as runtime, unit_of_work(runtime.sessions) as session:
        checked = service.verify(session, runtime.clock.now())
    table = Table("Figure", "Records", "Differences")
    for each in checked:
        table.add_row(each.figure, f"{each.records:,}", f"{each.differences:,}")
    Console().print(table)
    if any(each.differences for each in checked):
        click.echo("Some figures disagree: please report this with the table above; the records are not changed.")
        raise click.exceptions.Exit(WRONG)
    click.echo("All figures agree with their recomputation.")


def _read(
    make: Callable[[Session, Selection, datetime], dict[str, Any]],
    from_on: date | None,
    to_on: date | None,
    facility: str | None,
) -> dict[str, Any]:
    """Make a report in a transaction; what cannot be asked for ends in a sentence."""
    if from_on and to_on and to_on < from_on:
        raise CouldNot(f"The period ends ({to_on}) before it begins ({from_on}).")
    with open_runtime() as runtime, unit_of_work(runtime.sessions) as session:
        return make(session, Selection(from_on, to_on, _scope(session, facility)), runtime.clock.now())


def _scope(session: Session, code: str | None) -> dict[int, None] | None:
    if code is None:
        return None
    found = facility_by_code(session, code)
    if found is None:
        raise CouldNot(f"There is no facility with the code “{code}”.")
    return {found.id: None}


REVISIT_COLUMNS = (
    ("Group", "group"),
    ("Came back", "numerator"),
    ("Of", "denominator"),
    ("Rate", "rate"),
    ("95% from", "low"),
    ("to", "high"),
    ("Still inside", "provisional_indexes"),
    ("Left out", "excluded"),
)
FOLLOWUP_COLUMNS = (
    ("Group", "group"),
    ("Planned", "planned"),
    ("Due", "due"),
    ("Tried", "attempted"),
    ("Reached", "reached"),
    ("Completed", "completed"),
    ("On time", "completed_in_time"),
    ("Open", "open"),
    ("On time", "on_time_rate"),
    ("Left out", "excluded"),
)
SATISFACTION_COLUMNS = (
    ("Group", "group"),
    ("Answers", "n"),
    ("Satisfied", "rate"),
    ("95% from", "low"),
    ("to", "high"),
    ("Very satisfied", "top_box"),
    ("Recommend (NPS)", "nps"),
    ("Index", "index"),
)
VISIT_COLUMNS = (
    ("Group", "group"),
    ("Discharged", "discharged"),
    ("Booked before", "booked_before"),
    ("Booked before", "booked_before_rate"),
    ("Due", "visits_due"),
    ("Kept", "kept"),
    ("Kept", "rate"),
    ("Did not come", "no_show"),
    ("Did not come", "no_show_rate"),
    ("Without outcome", "without_outcome"),
    ("Lead time, days", "lead_days"),
)
_SHARES = {"booked_before_rate", "no_show_rate", "rate", "low", "high", "top_box", "on_time_rate"}


def _print(made: dict[str, Any], columns: Sequence[tuple[str, str]], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(made, ensure_ascii=False, indent=2))
        return
    click.echo(made["definition"])
    click.echo(f"From {made['from'] or 'the first record'} to {made['to'] or 'the last record'}.")
    table = Table(*(head for head, _ in columns), show_footer=False)
    for row in made["rows"]:
        table.add_row(*(_cell(name, row[name]) for _, name in columns))
    if made["by"] != By.NONE.value:
        table.add_section()
        table.add_row(*(_cell(name, made["total"][name]) for _, name in columns), style="bold")
    Console().print(table)
    if any(row.get("withheld") for row in made["rows"]):
        click.echo("No share of a person is shown below 30 tasks due.")
    if made["total"]["provisional"]:
        click.echo("Provisional: some of these can still change.")


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, dict):
        return ", ".join(f"{reason} {count}" for reason, count in value.items())
    if name in _SHARES:
        return f"{value:.1%}"
    return f"{value:.1f}" if isinstance(value, float) else str(value)
