"""Possible duplicates: who is listed and why, told apart, merged, and both taken back."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from hcrm.accounts.domain import Language, MembershipSnapshot, Role
from hcrm.accounts.service import create_user
from hcrm.clock import FixedClock
from hcrm.patients.domain import StayRow
from hcrm.patients.domain.duplicates import Likeness, is_transposed, is_transposed_day
from hcrm.patients.jobs import find_duplicates
from hcrm.patients.queries import duplicates, patients_by_mrn
from hcrm.patients.service import apply_stays, mark_different, merge_patients, take_back_different, unmerge_patients
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.factories_followup import discharged

UNNAMED = {"family_name": None, "given_name": None}
BORN = date(1960, 2, 13)
PEOPLE: tuple[dict[str, Any], ...] = (
    {"mrn": "1001", "full_name": "王芳", "birth_date": BORN},
    {"mrn": "2001", "full_name": "王芳", "birth_date": BORN},
    {"mrn": "3001", "full_name": "汪芳", "birth_date": BORN},
    {"mrn": "4001", "full_name": "李娜", "birth_date": date(1971, 3, 12), "phones": "13800138001"},
    {"mrn": "4010", "full_name": "李娜", "birth_date": date(1971, 3, 21), "phones": "13800138010"},
    {"mrn": "5001", "full_name": "Ann Lee", "birth_date": date(1950, 1, 1), "phones": "13800138005"},
    {"mrn": "5777", "full_name": "Ann King", "birth_date": date(1950, 1, 1), "phones": "13800138005"},
    {"mrn": "6001", "full_name": "Max Lee", "birth_date": date(1980, 5, 5), "phones": "13800138005"},
    {"mrn": "7001", "full_name": "Somebody Else", "birth_date": date(1940, 5, 5), "phones": "13800138099"},
)


def bring(runtime: Runtime, facility: int, *people: dict[str, Any]) -> None:
    from_number = discharged().phones[0]
    rows: list[StayRow] = []
    for person in people:
        number = person.get("phones", f"1390000{person['mrn']}")
        phone = from_number._replace(raw=number, number=f"+86{number}")
        rows.append(
            discharged(
                visit_number=f"V{person['mrn']}",
                **{**UNNAMED, **person, "phones": (phone,)},
            )
        )
    with unit_of_work(runtime.sessions) as session:
        apply_stays(
            session, facility_id=facility, timezone="Asia/Shanghai", batch_id=None, source_rank=10,
            stated_at=runtime.clock.now(), rows=rows, with_plans=False, now=runtime.clock.now(),
        )  # fmt: skip


def listed(runtime: Runtime, facility: int, *, different: bool = False) -> dict[tuple[str, str], set[Likeness]]:
    with unit_of_work(runtime.sessions) as session:
        rows = session.execute(text("SELECT patient_id, value FROM patient_identifier"))
        names = {row.patient_id: row.value for row in rows}
        found = duplicates.pairs(session, frozenset({facility}), different=different, likely=None, limit=100)
    return {(names[each.first_id], names[each.second_id]): set(each.reasons) for each in found}


def test_who_is_listed_and_what_becomes_of_a_decision(runtime: Runtime, facility: int, clock: FixedClock) -> None:
    bring(runtime, facility, *PEOPLE)
    assert find_duplicates(runtime) == 7
    assert listed(runtime, facility) == {
        ("1001", "2001"): {Likeness.NAME_AND_BIRTH},
        ("1001", "3001"): {Likeness.SOUND_AND_BIRTH},
        ("2001", "3001"): {Likeness.SOUND_AND_BIRTH},
        ("4001", "4010"): {Likeness.TRANSPOSED_BIRTH, Likeness.TRANSPOSED_MRN, Likeness.TRANSPOSED_PHONE},
        ("5001", "5777"): {Likeness.PHONE_AND_BIRTH},
        ("5001", "6001"): {Likeness.PHONE},
        ("5777", "6001"): {Likeness.PHONE},
    }
    with unit_of_work(runtime.sessions) as session:
        user = create_user(
            session, username="ada", password=None, display_name="Ada", language=Language.EN,
            memberships=[MembershipSnapshot(facility, Role.QUALITY_OFFICER)], now=clock.now(),
        )  # fmt: skip
        ids = patients_by_mrn(session, facility, {each["mrn"] for each in PEOPLE})
        mark_different(session, one=ids["6001"], other=ids["5001"], now=clock.now(), actor_user_id=user)
        merge = merge_patients(
            session, from_patient_id=ids["2001"], into_patient_id=ids["1001"], reason="by hand", now=clock.now(),
            actor_user_id=user,
        )  # fmt: skip
        kept = duplicates.pairs(session, frozenset({facility}), different=False, likely=True, limit=1, offset=0)
        assert duplicates.pair_count(session, frozenset({facility}), likely=False) == 1
    assert kept[0].weight == 80
    clock.advance(timedelta(minutes=10))
    bring(runtime, facility, {**PEOPLE[8], "full_name": "Somebody Other"})
    find_duplicates(runtime)
    assert ("5001", "6001") not in listed(runtime, facility)
    assert set(listed(runtime, facility, different=True)) == {("5001", "6001")}
    assert set(listed(runtime, facility)) & {("1001", "2001"), ("2001", "3001")} == set()
    with unit_of_work(runtime.sessions) as session:
        unmerge_patients(session, merge_id=merge, now=clock.now(), actor_user_id=user)
        (parted,) = duplicates.pairs(session, frozenset({facility}), different=True, likely=None, limit=2, offset=0)
        take_back_different(session, pair_id=parted.id, now=clock.now(), actor_user_id=user)
    clock.advance(timedelta(minutes=10))
    assert find_duplicates(runtime) == 2
    assert len(listed(runtime, facility)) == 7
    clock.advance(timedelta(minutes=10))
    assert find_duplicates(runtime) == 0


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("1234", "1243", True),
        ("1234", "1234", False),
        ("1234", "4231", False),
        ("123", "1234", False),
        ("12", "21", True),
    ],
)
def test_transposed(one: str, other: str, *, expected: bool) -> None:
    assert is_transposed(one, other) is expected
    assert is_transposed_day("20100403", "20100304")
    assert not is_transposed_day("20100403", "20100403")
