"""``hcrm user`` and ``hcrm audit`` on a database of their own."""

from __future__ import annotations

from collections.abc import Callable

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from hcrm.accounts import queries, service
from hcrm.audit import jobs
from hcrm.cli.audit import audit
from hcrm.cli.users import user
from hcrm.organization.service import ensure_facility
from hcrm.unit_of_work import Runtime, unit_of_work

Run = Callable[..., Result]
PASSWORD = "a password of words"


@pytest.fixture
def run(runtime: Runtime) -> Run:
    """Runs a command with the test's database in the environment."""
    url = runtime.engine.url.render_as_string(hide_password=False)

    def call(group: click.Group, *arguments: str, given: str | None = None) -> Result:
        environment = {"DATABASE_URL": url.replace("+psycopg", ""), "SECRET_KEY": runtime.settings.secret_key * 2}
        return CliRunner().invoke(group, arguments, input=given, env=environment)

    return call


def test_account_is_made_and_can_log_in(run: Run, runtime: Runtime) -> None:
    arguments = ("create", "Grace", "--name", "Grace Obi", "--role", "nurse", "--department", "MED")
    result = run(user, *arguments, "--password-from", "stdin", given=f"{PASSWORD}\n")

    assert (result.exit_code, result.output) == (0, "The account grace is made.\n")
    assert PASSWORD not in result.output
    with unit_of_work(runtime.sessions) as session:
        found = service.authenticate(session, username="grace", password=PASSWORD, address="", now=runtime.clock.now())
    assert found is not None
    assert found.actor.memberships[0].department_id is not None


def test_made_password_is_printed_once_and_has_to_be_changed(run: Run, runtime: Runtime) -> None:
    result = run(user, "create", "grace", "--role", "nurse", "--password-from", "generated")
    password = result.output.strip().rsplit(" ", 1)[1]

    with unit_of_work(runtime.sessions) as session:
        found = service.authenticate(session, username="grace", password=password, address="", now=runtime.clock.now())
    assert found is not None
    assert found.must_change_password


@pytest.mark.parametrize(
    ("arguments", "password", "sentence"),
    [
        (("Grace Obi", "--role", "nurse"), PASSWORD, "A user name has 2 to 64 small letters"),
        (("grace", "--role", "nurse"), "short", "The password needs at least 12 characters."),
        (("grace", "--role", "manager", "--department", "MED"), PASSWORD, "This role is for the whole facility"),
        (("grace", "--role", "nurse", "--department", "XYZ"), PASSWORD, "no department with the code XYZ"),
        (("grace", "--role", "nurse", "--facility", "XYZ"), PASSWORD, "no facility with the code XYZ"),
    ],
)
def test_account_that_cannot_be_made_is_explained(
    run: Run, arguments: tuple[str, ...], password: str, sentence: str
) -> None:
    result = run(user, "create", *arguments, "--password-from", "stdin", given=f"{password}\n")

    assert result.exit_code == 2
    assert sentence in result.output


def test_facility_is_asked_for_when_there_are_several(run: Run, runtime: Runtime) -> None:
    with unit_of_work(runtime.sessions) as session:
        ensure_facility(session, code="OTHER", name="Other", timezone="UTC", country="GB", now=runtime.clock.now())
    result = run(user, "create", "grace", "--role", "nurse", "--password-from", "stdin", given=f"{PASSWORD}\n")

    assert result.exit_code == 2
    assert "choose one with --facility (TEST, OTHER)" in result.output


def test_password_is_reset(run: Run, runtime: Runtime) -> None:
    run(user, "create", "grace", "--role", "nurse", "--password-from", "stdin", given=f"{PASSWORD}\n")
    result = run(user, "reset-password", "grace", "--password-from", "stdin", given="another password\n")

    assert result.exit_code == 0
    with unit_of_work(runtime.sessions) as session:
        user_id = queries.user_id_of(session, "grace")
        assert user_id is not None
        found = queries.session_user(session, user_id)
    assert found is not None
    assert found.session_epoch == 2
    unknown = run(user, "reset-password", "nobody", "--password-from", "stdin", given="another password\n")
    assert (unknown.exit_code, unknown.output) == (2, "There is no account with this user name.\n")


def test_accounts_are_listed(run: Run) -> None:
    run(user, "create", "grace", "--role", "nurse", "--password-from", "stdin", given=f"{PASSWORD}\n")

    assert run(user, "list").output == "grace\topen\tgrace\tnurse@TEST\n"


def test_audit_is_verified_with_the_hash_to_keep(run: Run, runtime: Runtime) -> None:
    run(user, "create", "grace", "--role", "nurse", "--password-from", "stdin", given=f"{PASSWORD}\n")
    waiting = run(audit, "verify")
    assert waiting.exit_code == 0
    assert "2 entries wait to be sealed." in waiting.output
    jobs.seal(runtime)
    result = run(audit, "verify")

    assert result.exit_code == 0
    head = result.output.strip().rsplit(" ", 1)[1]
    assert len(head) == 64
    assert run(audit, "verify", "--head", head).exit_code == 0
    assert run(audit, "verify", "--head", "0" * 63 + "1").exit_code == 1


def test_tampering_makes_the_command_fail(run: Run, runtime: Runtime, administrator: Engine) -> None:
    run(user, "create", "grace", "--role", "nurse", "--password-from", "stdin", given=f"{PASSWORD}\n")
    jobs.seal(runtime)
    with administrator.begin() as connection:
        connection.execute(text("UPDATE audit_entry SET at = at + interval '1 minute'"))
    result = run(audit, "verify")

    assert result.exit_code == 1
    assert "were changed later" in result.output
