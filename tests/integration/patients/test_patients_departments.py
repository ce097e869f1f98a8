"""Records that name a known department by its name alone make no second one, on either way into the records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hcrm.organization.models import Department
from hcrm.organization.service import ensure_departments
from hcrm.patients.domain import Disposition, StayRow
from hcrm.patients.models import Encounter
from tests.factories_patients import STATED_AT, apply_rows, stay_row

PLAIN, FOLDED = Disposition.HOME, Disposition.EXPIRED
LATER = STATED_AT + timedelta(days=1)


@pytest.fixture
def cardiology(session: Session, facility: int) -> int:
    made = ensure_departments(session, facility_id=facility, names={"CARD": "Cardiology"}, now=STATED_AT)["CARD"]
    session.execute(text("UPDATE department SET name_zh = '心内科', needs_review = false WHERE id = :id"), {"id": made})
    return made


def named(
    name: str, visit: str = "V1", *, code: str | None = None, at: datetime | None = None, **changes: object
) -> StayRow:
    return stay_row("M" + visit, visit, department_code=code or name, department_name=name, event_at=at, **changes)


def codes(session: Session, facility: int) -> Sequence[str]:
    """Of the departments that were not there from the beginning."""
    found = session.scalars(select(Department.code).where(Department.facility_id == facility).order_by(Department.code))
    return [code for code in found if code not in {"EMR", "MED", "SUR"}]


@pytest.mark.parametrize("disposition", [PLAIN, FOLDED])
@pytest.mark.parametrize("name", ["Cardiology", "心内科", "cardiology "])
def test_a_name_in_either_language_finds_the_department(
    session: Session, facility: int, cardiology: int, name: str, disposition: Disposition
) -> None:
    apply_rows(session, facility, [named(name, disposition=disposition)])
    assert codes(session, facility) == ["CARD"]
    assert session.scalars(select(Encounter.department_id)).all() == [cardiology]


@pytest.mark.parametrize("disposition", [PLAIN, FOLDED])
def test_a_name_that_nobody_knows_makes_one_department(
    session: Session, facility: int, cardiology: int, disposition: Disposition
) -> None:
    rows = [named("Dermatology", f"V{at}", disposition=disposition) for at in range(3)]
    apply_rows(session, facility, rows)
    apply_rows(session, facility, rows)
    assert codes(session, facility) == ["CARD", "Dermatology"]
    assert cardiology not in session.scalars(select(Encounter.department_id)).all()


def test_a_code_of_its_own_is_a_department_of_its_own(session: Session, facility: int, cardiology: int) -> None:
    apply_rows(session, facility, [named("Cardiology", code="CARD2")])
    assert codes(session, facility) == ["CARD", "CARD2"]
    assert session.scalars(select(Encounter.department_id)).all() != [cardiology]


@pytest.mark.parametrize("disposition", [PLAIN, FOLDED])
def test_the_code_may_come_in_the_same_run(session: Session, facility: int, disposition: Disposition) -> None:
    rows = [named("Cardiology", "V1", disposition=disposition), named("Cardiology", "V2", code="CARD")]
    apply_rows(session, facility, rows)
    assert codes(session, facility) == ["CARD"]


@pytest.mark.usefixtures("cardiology")
def test_the_name_after_the_code_is_no_move_to_another_ward(session: Session, facility: int) -> None:
    apply_rows(session, facility, [named("Cardiology", code="CARD", at=STATED_AT)])
    apply_rows(session, facility, [named("心内科", at=LATER, nurse="Li")])
    apply_rows(session, facility, [named("Cardiology", at=STATED_AT - timedelta(days=1), nurse="Wu")])
    assert session.scalar(text("SELECT count(*) FROM encounter_location")) == 0
    assert codes(session, facility) == ["CARD"]
    assert session.scalars(select(Encounter.nurse)).one() == "Li"
