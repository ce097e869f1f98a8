"""Users and departments, as an administrator changes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from hcrm.accounts import queries, service
from hcrm.accounts.domain import Language, MembershipSnapshot, Role
from hcrm.organization.service import ensure_departments, ensure_facility
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.conftest import PASSWORD

Login = Callable[..., int]
NEW = {
    "display_name": "Lin Zhao",
    "username": "lin.zhao",
    "password": "first password",
    "language": "zh_Hans",
    "role": "nurse",
}


@pytest.fixture
def elsewhere(runtime: Runtime) -> int:
    """Another facility."""
    with unit_of_work(runtime.sessions) as session:
        return ensure_facility(
            session, code="OTHER", name="Other", timezone="UTC", country="GB", now=runtime.clock.now()
        )


def make_user(runtime: Runtime, username: str, *memberships: MembershipSnapshot) -> int:
    with unit_of_work(runtime.sessions) as session:
        return service.create_user(
            session,
            username=username,
            password=PASSWORD,
            display_name=username,
            language=Language.EN,
            memberships=memberships,
            now=runtime.clock.now(),
        )


def user(runtime: Runtime, user_id: int) -> queries.UserSnapshot:
    with unit_of_work(runtime.sessions) as session:
        found = queries.user(session, user_id)
    assert found is not None
    return found


def test_new_user_logs_in_and_chooses_an_own_password(
    app: Any, client: Any, login: Login, runtime: Runtime, facility: int, departments: dict[str, int]
) -> None:
    administrator = login("administrator")
    made = client.post("/users/new", data=NEW | {"place": f"{facility}:{departments['MED']}"})
    user_id = int(made.location.rsplit("/", 1)[1])

    person = user(runtime, user_id)
    assert (person.username, person.display_name, person.language) == ("lin.zhao", "Lin Zhao", Language.ZH_HANS)
    assert [(row.role, row.department_id) for row in person.memberships] == [(Role.NURSE, departments["MED"])]
    other = app.test_client()
    assert other.post("/login", data={"username": "lin.zhao", "password": "first password"}).status_code == 302
    assert other.get("/").location == "/account/password"
    with runtime.engine.connect() as connection:
        audited = connection.execute(
            text("SELECT action FROM audit_entry WHERE object_id = :id AND actor_user_id = :by ORDER BY id"),
            {"id": user_id, "by": administrator},
        )
        assert list(audited.scalars()) == ["user.created", "user.role_given"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"username": "administrator-all"}, "There is an account with this user name."),
        ({"username": "Lin Zhao"}, "Use 2 to 64 small letters"),
        ({"password": "short"}, "Choose a password of at least 12 characters."),
        ({"role": "manager", "place": "department"}, "This role is for the whole hospital."),
        ({"display_name": ""}, "Enter the person's name."),
        ({"place": "999:"}, "Not a valid choice."),
    ],
)
def test_account_that_cannot_be_made_is_explained(
    client: Any, login: Login, facility: int, departments: dict[str, int], fields: dict[str, str], sentence: str
) -> None:
    login("administrator")
    places = {"department": f"{facility}:{departments['MED']}"}
    given = NEW | {"place": f"{facility}:"} | fields
    answer = client.post("/users/new", data=given | {"place": places.get(given["place"], given["place"])})

    assert answer.status_code == 200
    assert sentence in answer.text


def test_role_is_given_and_taken_away(client: Any, login: Login, runtime: Runtime, facility: int) -> None:
    login("administrator")
    user_id = make_user(runtime, "grace", MembershipSnapshot(facility, Role.NURSE))

    client.post(f"/users/{user_id}/roles", data={"role": "service_agent", "place": f"{facility}:"})
    roles = {row.role: row.id for row in user(runtime, user_id).memberships}
    assert set(roles) == {Role.NURSE, Role.SERVICE_AGENT}
    assert (
        "has this role already"
        in client.post(f"/users/{user_id}/roles", data={"role": "service_agent", "place": f"{facility}:"}).text
    )

    client.post(f"/users/{user_id}/roles/{roles[Role.NURSE]}/remove")
    assert [row.role for row in user(runtime, user_id).memberships] == [Role.SERVICE_AGENT]
    client.post(f"/users/{user_id}/roles/{roles[Role.SERVICE_AGENT]}/remove")
    assert len(user(runtime, user_id).memberships) == 1, "the last role stays"


def test_account_is_closed_and_opened_again(client: Any, login: Login, runtime: Runtime, facility: int) -> None:
    login("administrator")
    user_id = make_user(runtime, "grace", MembershipSnapshot(facility, Role.NURSE))

    client.post(f"/users/{user_id}/active", data={"active": "0"})
    assert not user(runtime, user_id).active
    client.post(f"/users/{user_id}/active", data={"active": "1"})
    assert user(runtime, user_id).active


def test_administrator_cannot_close_the_own_account(client: Any, login: Login, runtime: Runtime) -> None:
    own = login("administrator")
    answer = client.post(f"/users/{own}/active", data={"active": "0"}, follow_redirects=True)

    assert "You cannot close your own account." in answer.text
    assert user(runtime, own).active


def test_password_is_reset_for_somebody(app: Any, client: Any, login: Login, runtime: Runtime, facility: int) -> None:
    login("administrator")
    user_id = make_user(runtime, "grace", MembershipSnapshot(facility, Role.NURSE))
    assert "at least 12 characters" in client.post(f"/users/{user_id}/password", data={"new": "short"}).text

    client.post(f"/users/{user_id}/password", data={"new": "a new password"})
    assert user(runtime, user_id).must_change_password
    answer = app.test_client().post("/login", data={"username": "grace", "password": "a new password"})
    assert answer.status_code == 302


def test_user_of_another_facility_does_not_exist_here(
    client: Any, login: Login, runtime: Runtime, elsewhere: int
) -> None:
    login("administrator")
    stranger = make_user(runtime, "stranger", MembershipSnapshot(elsewhere, Role.NURSE))

    assert "stranger" not in client.get("/users").text
    assert client.get(f"/users/{stranger}").status_code == 404
    assert client.post(f"/users/{stranger}/password", data={"new": "a new password"}).status_code == 404
    assert client.post(f"/users/{stranger}/active", data={"active": "0"}).status_code == 404


def test_user_who_also_works_elsewhere_gets_roles_here_but_no_new_password(
    client: Any, login: Login, runtime: Runtime, facility: int, elsewhere: int
) -> None:
    login("administrator")
    shared = make_user(
        runtime, "shared", MembershipSnapshot(facility, Role.NURSE), MembershipSnapshot(elsewhere, Role.NURSE)
    )

    assert "a hospital that is not yours" in client.get(f"/users/{shared}").text
    assert client.post(f"/users/{shared}/password", data={"new": "a new password"}).status_code == 403
    assert client.post(f"/users/{shared}/active", data={"active": "0"}).status_code == 403
    there = next(row.id for row in user(runtime, shared).memberships if row.facility_id == elsewhere)
    assert client.post(f"/users/{shared}/roles/{there}/remove").status_code == 404
    granted = client.post(f"/users/{shared}/roles", data={"role": "nurse", "place": f"{elsewhere}:"})
    assert "Not a valid choice." in granted.text


def test_department_from_the_records_is_reviewed(client: Any, login: Login, runtime: Runtime, facility: int) -> None:
    with unit_of_work(runtime.sessions) as session:
        ward = ensure_departments(session, facility_id=facility, names={"X17": "X17"}, now=runtime.clock.now())["X17"]
    login("administrator")
    assert "Needs review" in client.get("/departments").text

    client.post(f"/departments/{ward}", data={"name": "Cardiology", "name_zh": "心内科"})
    page = client.get("/departments").text
    assert "Needs review" not in page
    assert "心内科" in page


def test_department_needs_a_name(client: Any, login: Login, departments: dict[str, int]) -> None:
    login("administrator")

    assert "Enter a name." in client.post(f"/departments/{departments['MED']}", data={"name": " "}).text


def test_department_of_another_facility_does_not_exist_here(
    client: Any, login: Login, runtime: Runtime, elsewhere: int
) -> None:
    with unit_of_work(runtime.sessions) as session:
        names = {"X": "Theirs"}
        ward = ensure_departments(session, facility_id=elsewhere, names=names, now=runtime.clock.now())["X"]
    login("administrator")

    assert client.get(f"/departments/{ward}").status_code == 404
    assert "Theirs" not in client.get("/departments").text
