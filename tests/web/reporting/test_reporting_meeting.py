"""The monthly meeting: bulletin, targets, improvement actions, the register, and reviews that few may see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from hcrm.reporting.models import Improvement, ReviewAppeal, ReviewApproval, Target
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults
from tests.benchmarks.many_discharges import fill

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
ACTION = {
    "figure": "followup_in_time",
    "problem": "Late",
    "step": "Call at nine",
    "owner": "Grace",
    "due_on": "2026-04-01",
}


@pytest.fixture
def hospital(runtime: Runtime, facility: int) -> Runtime:
    """A hospital with 300 discharges of the year before."""
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, NOW)
        fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=NOW, discharges=300)
    return runtime


def department(runtime: Runtime, code: str) -> int:
    with unit_of_work(runtime.sessions) as session:
        return session.scalar(text("SELECT id FROM department WHERE code = :code"), {"code": code}) or 0


def give_tasks(runtime: Runtime, user: int) -> None:
    """All calls of January are this person's."""
    with unit_of_work(runtime.sessions) as session:
        session.execute(
            text("UPDATE task SET ended_by_user_id = :user WHERE channel = 'phone' AND due_on BETWEEN '2026-01-01' AND "
                 "'2026-01-31' AND status <> 'open'"),
            {"user": user},
        )  # fmt: skip


def test_a_target_is_set_judged_and_taken_away(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    login("manager")
    answer = client.post("/figures/targets", data={"figure": "readmit_30d", "department": "", "percent": "12"})
    assert answer.status_code == 303
    page = client.get("/figures/targets?period=2026-01").get_data(as_text=True)
    assert "Back in hospital within 30 days" in page
    assert any(word in page for word in ("met reliably", "by luck", "without a change", "too few months"))
    assert client.post("/figures/targets", data={"figure": "readmit_30d", "percent": "120"}).status_code == 422
    assert client.post("/figures/targets", data={"figure": "moon", "percent": "1"}).status_code == 422
    client.post("/figures/targets", data={"figure": "readmit_30d", "department": "", "percent": ""})
    with unit_of_work(hospital.sessions) as session:
        assert session.query(Target).count() == 0


def test_an_action_is_tied_to_the_figure_as_it_stands(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    login("manager")
    assert client.post("/figures/improvements?period=2026-01", data={**ACTION, "department": ""}).status_code == 303
    with unit_of_work(hospital.sessions) as session:
        row = session.query(Improvement).one()
        number, before = row.id, row.before
    assert before["denominator"] > 0
    moved = client.post(f"/figures/improvements/{number}", data={"stage": "check", "result": "Better"})
    assert moved.status_code == 303
    for address in ("/figures/improvements", "/figures/bulletin?period=2026-01"):
        page = client.get(address).get_data(as_text=True)
        assert "Call at nine" in page
        assert "Check" in page
    assert client.post("/figures/improvements", data={"figure": "satisfied"}).status_code == 422
    assert client.post(f"/figures/improvements/{number}", data={"stage": "moon"}).status_code == 422


def test_a_head_decides_for_the_own_department_only(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    mine, other = department(hospital, "B03"), department(hospital, "B04")
    login("department_head", mine)
    assert client.post("/figures/improvements", data={**ACTION, "department": str(mine)}).status_code == 303
    assert client.post("/figures/improvements", data={**ACTION, "department": str(other)}).status_code == 422
    assert client.post("/figures/improvements", data={**ACTION, "department": ""}).status_code == 422
    assert client.get(f"/figures/bulletin?department={other}").status_code == 403
    assert client.get("/figures/bulletin?period=2026-01").status_code == 200
    rows = client.get("/figures/register.csv?quarter=2026-Q1").get_data(as_text=True).splitlines()
    with unit_of_work(hospital.sessions) as session:
        expected = session.scalar(
            text("SELECT count(*) FROM task WHERE channel = 'phone' AND department_id = :mine AND due_on BETWEEN "
                 "'2026-01-01' AND '2026-03-31'"),
            {"mine": mine},
        )  # fmt: skip
        assert session.scalar(text("SELECT count(*) FROM audit_entry WHERE action = 'figures.register_opened'")) == 1
    assert len(rows) - 1 == expected
    assert client.get("/figures/register?quarter=nonsense").status_code == 200
    offered = client.get("/figures/register?quarter=2019-Q2").get_data(as_text=True)
    assert '<option value="2019-Q2" selected>Q2 2019</option>' in offered
    assert offered.count('<option value="20') == 9


def test_the_review_is_for_the_person_and_their_head_alone(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    mine, other = department(hospital, "B03"), department(hospital, "B04")
    nurse = login("nurse", mine)
    give_tasks(hospital, nurse)
    page = client.get("/figures/my-work?period=2026-01").get_data(as_text=True)
    assert "fewer than 30" in page or "%" in page
    assert client.post("/figures/my-work?period=2026-01", data={"words": "I was ill"}).status_code == 303
    assert client.get("/figures/review").status_code == 403
    client.post("/logout")
    login("department_head", mine)
    page = client.get("/figures/review?period=2026-01").get_data(as_text=True)
    assert "I was ill" in page
    assert client.post("/figures/review/approve", data={"period": "2026-01"}).status_code == 303
    with unit_of_work(hospital.sessions) as session:
        number = session.query(ReviewAppeal).one().id
        assert session.query(ReviewApproval).one().department_id == mine
    assert client.post(f"/figures/review/appeals/{number}", data={"words": "Seen"}).status_code == 303
    client.post("/logout")
    login("manager")
    assert client.get("/figures/review").status_code == 403
    client.post("/logout")
    with unit_of_work(hospital.sessions) as session:
        session.execute(
            text("UPDATE membership SET department_id = :other WHERE role = 'department_head'"), {"other": other}
        )
    client.post("/login", data={"username": f"department_head-{mine}", "password": "correct horse battery staple"})
    assert client.post(f"/figures/review/appeals/{number}", data={"words": "Seen"}).status_code == 404
    assert "I was ill" not in client.get("/figures/review?period=2026-01").get_data(as_text=True)
