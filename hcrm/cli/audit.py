"""``hcrm audit``: whether anybody tampered with the record of who saw or changed what."""

from __future__ import annotations

from collections.abc import Mapping

import click

from hcrm.audit import queries, service
from hcrm.audit.domain import Problem, ProblemKind
from hcrm.cli.runtime import open_runtime
from hcrm.unit_of_work import unit_of_work

SENTENCES: Mapping[ProblemKind, str] = {
    ProblemKind.CHAIN_BROKEN: "Seal {seal_id} does not follow the one before it: a seal was removed or replaced.",
    ProblemKind.ENTRIES_CHANGED: "Some of the entries {first} to {last} (seal {seal_id}) were changed later.",
    ProblemKind.ENTRIES_MISSING: "Entries are missing between {first} and {last} (seal {seal_id}).",
    ProblemKind.ENTRIES_ADDED: "Entries were slipped in between {first} and {last} (seal {seal_id}) later.",
    ProblemKind.HEAD_MISSING: "The hash given is not in the chain: seals at its end were cut off or replaced.",
}


@click.group("audit")
def audit() -> None:
    """The record of who saw or changed what."""


@audit.command("verify")
@click.option("--head", default=None, help="A hash printed earlier and kept outside the database.")
def verify(head: str | None) -> None:
    """Recompute the chain of seals; exit 1 when something is wrong.

    Keep the hash that is printed somewhere else, and give it next time with --head: only so is it seen when the newest
    entries were cut off together with their seals.
    """
    with open_runtime() as runtime, unit_of_work(runtime.sessions) as session:
        problems = service.verify(session, expected_head=head)
        waiting = queries.unsealed_count(session)
        newest = queries.head(session)
    for problem in problems:
        click.echo(_sentence(problem))
    click.echo(f"{waiting} entries wait to be sealed.")
    if problems:
        click.echo("The audit was tampered with or damaged: keep a copy of the database, and tell who is responsible.")
        raise click.exceptions.Exit(1)
    click.echo(f"The audit is whole. Newest seal: {newest or 'none yet'}")


def _sentence(problem: Problem) -> str:
    return SENTENCES[problem.kind].format(
        seal_id=problem.seal_id, first=problem.first_entry_id, last=problem.last_entry_id
    )
