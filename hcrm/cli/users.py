"""``hcrm user``: accounts made, listed and given a new password from the server's command line."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping

import click
from sqlalchemy.orm import Session

from hcrm.accounts import queries, service
from hcrm.accounts.domain import Language, MembershipSnapshot, PasswordProblem, Role
from hcrm.cli.runtime import CouldNot, open_runtime
from hcrm.organization.queries import departments, facilities, facility_by_code
from hcrm.unit_of_work import unit_of_work

PROBLEMS: Mapping[PasswordProblem, str] = {
    PasswordProblem.TOO_SHORT: "The password needs at least 12 characters.",
    PasswordProblem.TOO_LONG: "The password may have at most 200 characters.",
    PasswordProblem.IS_USERNAME: "The password must not be the user name.",
    PasswordProblem.UNCHANGED: "The password must not be the present one.",
}


PROMPT, STDIN, GENERATED = "prompt", "stdin", "generated"

password_option = click.option(
    "--password-from",
    default=PROMPT,
    show_default=True,
    type=click.Choice([PROMPT, STDIN, GENERATED]),
    help="Ask for it, read the first line of standard input, or make one and print it once.",
)


@click.group("user")
def user() -> None:
    """Accounts of the people who log in."""


@user.command("create")
@click.argument("username")
@click.option("--name", default="", help="Name shown to others; the user name when left out.")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]), help="What the person is.")
@click.option("--facility", "facility_code", default="", help="Code of the facility; needed when there are several.")
@click.option("--department", "department_code", default="", help="Code of one department; all when left out.")
@click.option("--language", default="en", show_default=True, type=click.Choice([each.value for each in Language]))
@password_option
def create(
    username: str,
    name: str,
    role: str,
    facility_code: str,
    department_code: str,
    language: str,
    password_from: str,
) -> None:
    """Make an account with one role; asks for the password unless told where it comes from."""
    with open_runtime() as runtime:
        password = _password(password_from)
        try:
            with unit_of_work(runtime.sessions) as session:
                service.create_user(
                    session,
                    username=username,
                    password=password,
                    display_name=name,
                    language=Language(language),
                    memberships=[_membership(session, role, facility_code, department_code)],
                    now=runtime.clock.now(),
                    must_change_password=password_from == GENERATED,
                )
        except service.AccountError as error:
            raise CouldNot(_sentence(error)) from None
    click.echo(f"The account {username.strip().lower()} is made.")
    if password_from == GENERATED:
        click.echo(f"Password, to be changed at the first log-in: {password}")


@user.command("reset-password")
@click.argument("username")
@password_option
def reset_password(username: str, password_from: str) -> None:
    """Give an account a new password; all its sessions end."""
    with open_runtime() as runtime:
        password = _password(password_from)
        try:
            with unit_of_work(runtime.sessions) as session:
                user_id = queries.user_id_of(session, username)
                if user_id is None:
                    raise service.UnknownUser
                service.reset_password(
                    session,
                    user_id=user_id,
                    new=password,
                    now=runtime.clock.now(),
                    must_change=password_from == GENERATED,
                )
        except service.AccountError as error:
            raise CouldNot(_sentence(error)) from None
    click.echo(f"The account {username.strip().lower()} has a new password; its sessions have ended.")
    if password_from == GENERATED:
        click.echo(f"Password, to be changed at the next log-in: {password}")


@user.command("list")
def list_users() -> None:
    """Print every account: user name, state, name, roles."""
    with open_runtime() as runtime, unit_of_work(runtime.sessions) as session:
        codes = {facility.id: facility.code for facility in facilities(session)}
        for person in queries.users(session):
            roles = ", ".join(f"{row.role.value}@{codes[row.facility_id]}" for row in person.memberships)
            click.echo(f"{person.username}\t{'open' if person.active else 'closed'}\t{person.display_name}\t{roles}")


def _password(password_from: str) -> str:
    if password_from == GENERATED:
        return "-".join(secrets.token_hex(3) for _ in range(4))
    if password_from == STDIN:
        return sys.stdin.readline().rstrip("\r\n")
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer


def _membership(session: Session, role: str, facility_code: str, department_code: str) -> MembershipSnapshot:
    facility_id = _facility_id(session, facility_code)
    if not department_code:
        return MembershipSnapshot(facility_id, Role(role))
    for ward in departments(session, facility_id).values():
        if ward.code == department_code:
            return MembershipSnapshot(facility_id, Role(role), ward.id)
    raise CouldNot(f"The facility has no department with the code {department_code}.")


def _facility_id(session: Session, code: str) -> int:
    if code:
        found = facility_by_code(session, code)
        if found is None:
            raise CouldNot(f"There is no facility with the code {code}.")
        return found.id
    known = facilities(session)
    if len(known) == 1:
        return known[0].id
    if not known:
        raise CouldNot("There is no facility yet: import records first, or name one with `hcrm import --facility`.")
    raise CouldNot(
        f"There are several facilities: choose one with --facility ({', '.join(each.code for each in known)})."
    )


def _sentence(error: service.AccountError) -> str:
    if isinstance(error, service.PasswordRefused):
        return PROBLEMS[error.problem]
    sentences: Mapping[type[service.AccountError], str] = {
        service.UsernameTaken: "There is an account with this user name already.",
        service.UsernameRefused: "A user name has 2 to 64 small letters, digits, dots, hyphens or underscores.",
        service.UnknownUser: "There is no account with this user name.",
        service.MembershipRefused: "This role is for the whole facility: leave --department out.",
    }
    return sentences[type(error)]
