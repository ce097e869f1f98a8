"""Records about stays for tests: one complete row of which a test changes what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.orm import Session

from hcrm.patients.domain import (
    ApplyCounts,
    Disposition,
    EncounterClass,
    LineType,
    PhoneEntry,
    Sex,
    StayRow,
)
from hcrm.patients.service import apply_stays

STATED_AT = datetime(2026, 3, 9, 16, 0, tzinfo=UTC)
PHONE = PhoneEntry("139 1234 5678", "+8613912345678", LineType.MOBILE)


def stay_row(mrn: str = "M1", visit_number: str = "V1", **changes: Any) -> StayRow:
    """An inpatient stay in internal medicine from 3 to 6 March 2026, patient 王小明; ``changes`` by field."""
    row = StayRow(
        mrn=mrn,
        visit_number=visit_number,
        source="his",
        family_name="王",
        given_name="小明",
        full_name="王小明",
        sex=Sex.MALE,
        birth_date=date(1960, 5, 1),
        phones=(PHONE,),
        encounter_class=EncounterClass.INPATIENT,
        admitted_at=datetime(2026, 3, 3, 1, 0, tzinfo=UTC),
        discharged_at=datetime(2026, 3, 6, 2, 0, tzinfo=UTC),
        department_code="MED",
        department_name="Internal medicine",
        clinician_code="D1",
        clinician_name="Dr Li",
        disposition=Disposition.HOME,
        principal_diagnosis="I50.9",
        diagnoses=("I50.9", "E11.9"),
    )
    return row._replace(**changes)


def apply_rows(
    session: Session,
    facility_id: int,
    rows: Sequence[StayRow],
    *,
    now: datetime = STATED_AT,
    stated_at: datetime = STATED_AT,
    **changes: Any,
) -> ApplyCounts:
    """Bring ``rows`` as one chunk of a batch without plans."""
    values: dict[str, Any] = {
        "timezone": "Asia/Shanghai",
        "batch_id": None,
        "source_rank": 1,
        "with_plans": False,
    }
    return apply_stays(session, facility_id=facility_id, rows=rows, now=now, stated_at=stated_at, **(values | changes))
