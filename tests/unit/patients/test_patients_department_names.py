"""A department that a record names without its code is the one that is called so."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hcrm.patients.domain import EXPLICIT_NULL, Fact, RowKind
from hcrm.patients.domain.departments import KnownDepartments, departments_known

LONG = "Department of " + "very " * 20 + "long names"
LONG_CODE = f"{LONG[:47]}~0123456789abcdef"
KNOWN = departments_known(
    [
        (1, "CARD", "Cardiology", "心内科", True),
        (2, "SUR1", "Surgery", "外科", True),
        (3, "SUR2", "Surgery", "外科二", True),
        (4, "OLD", "Eye clinic", "", False),
        (5, "EYE", "Eye clinic", "", True),
        (6, "LONG", LONG, "", True),
        (7, "GONE", "Spa", "", False),
    ]
)


@pytest.mark.parametrize(
    ("code", "name", "meant"),
    [
        ("Cardiology", "Cardiology", "CARD"),
        ("心内科", "心内科", "CARD"),
        ("CARDIOLOGY", "ＣＡＲＤＩＯＬＯＧＹ", "CARDIOLOGY"),
        ("  cardiology", "  cardiology", "CARD"),
        ("Cardiology", None, "CARD"),
        ("CARD", "Heart centre", "CARD"),
        ("C7", "Cardiology", "C7"),
        ("Surgery", "Surgery", "Surgery"),
        ("外科二", "外科二", "SUR2"),
        ("Eye clinic", "Eye clinic", "EYE"),
        ("Spa", "Spa", "GONE"),
        (LONG_CODE, LONG, "LONG"),
        ("Dermatology", "Dermatology", "Dermatology"),
    ],
)
def test_which_department_is_meant(code: str, name: str | None, meant: str) -> None:
    assert KNOWN.code_for(code, name) == meant


def test_made_are_those_that_nobody_knows_and_none_twice() -> None:
    named = {
        "CARD": "Cardiology",
        "Cardiology": "Cardiology",
        "ICU": "Intensive care",
        "Intensive care": "Intensive care",
    }
    assert KNOWN.unknown(named) == {"ICU": "Intensive care"}
    assert KnownDepartments({}, {}).unknown(named) == {"CARD": "Cardiology", "ICU": "Intensive care"}
    assert KnownDepartments({}, {}).unknown({"A": "Ward", "B": "Ward", "Ward": "Ward"}) == {
        "A": "Ward",
        "B": "Ward",
        "Ward": "Ward",
    }


def test_a_fact_in_known_codes() -> None:
    def fact(**fields: object) -> Fact:
        return Fact(datetime(2026, 1, 1, tzinfo=UTC), 0, 0, RowKind.STAY, fields)

    assert KNOWN.in_codes(fact(department_code="心内科", department_name="心内科")).fields["department_code"] == "CARD"
    for unchanged in (fact(), fact(department_code=EXPLICIT_NULL), fact(department_code="CARD", department_name="X")):
        assert KNOWN.in_codes(unchanged) is unchanged
