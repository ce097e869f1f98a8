"""The short way of plain records: it ends where the long way ends, with plans and counts alike."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from hcrm.organization.service import ensure_facility
from hcrm.patients.domain import (
    EXPLICIT_NULL,
    ApplyCounts,
    Disposition,
    EncounterClass,
    LineType,
    OwnerKind,
    PhoneEntry,
    PreparedStay,
    RowKind,
    StayRow,
)
from hcrm.patients.service import stays
from hcrm.patients.service.plain import Sorted
from tests.factories_followup import install_content
from tests.factories_patients import apply_rows, stay_row

START = datetime(2026, 2, 1, 1, 0, tzinfo=UTC)
NOW = START + timedelta(days=40)
WHAT_IS_STORED = (
    """
    SELECT i.value, p.full_name, p.name_sort_key, p.sex, p.birth_date, p.language, p.address, p.deceased_on,
           p.deceased_state
    FROM patient p JOIN patient_identifier i ON i.patient_id = p.id WHERE p.facility_id = :facility ORDER BY 1
    """,
    """
    SELECT i.value, c.number, c.number_reversed, c.raw, c.line_type, c.owner_kind, c.owner_name, c.relationship,
           c.may_discuss_health, c.rank, c.valid_from
    FROM contact_point c JOIN patient_identifier i USING (patient_id) WHERE c.facility_id = :facility ORDER BY 1, 2, 4
    """,
    """
    SELECT i.value, e.source, e.visit_number, e.class, e.status, e.planned, e.admitted_at, e.discharged_at,
           e.admitted_on, e.discharged_on, d.code, c.code, e.disposition, e.principal_diagnosis, e.diagnoses,
           e.procedures::text, e.head_hash, e.head_event_at, e.head_rank
    FROM encounter e JOIN patient_identifier i USING (patient_id)
    LEFT JOIN department d ON d.id = e.department_id LEFT JOIN clinician c ON c.id = e.clinician_id
    WHERE e.facility_id = :facility ORDER BY 2, 3
    """,
    """
    SELECT source, visit_number, event_at, content_hash, kind, source_rank, fields::text
    FROM encounter_fact WHERE facility_id = :facility ORDER BY 1, 2, 3, 4
    """,
    """
    SELECT e.visit_number, n.plan_id, n.risk, n.risk_score, n.status, n.reason, t.step_code, t.occurrence, t.status,
           t.reason, t.window_starts_at, t.due_at, t.questionnaire_code, t.performer_role
    FROM enrolment n JOIN encounter e ON e.id = n.encounter_id
    JOIN task t ON t.enrolment_id = n.id AND t.step_code NOT IN ('home_visit')
    WHERE n.facility_id = :facility ORDER BY 1, 2, 7, 8
    """,
)


def made_up(draw: random.Random, number: int) -> StayRow:
    """A record about one of a few patients, now and then one that is anything but plain."""
    began = START + timedelta(hours=draw.randrange(600))
    mrn = f"M{draw.randrange(30)}"
    changes: dict[str, Any] = {
        "full_name": f"病人{mrn}",
        "birth_date": date(2015 if mrn == "M3" else 1950, 1, 1),
        "admitted_at": began,
        "discharged_at": began + timedelta(hours=draw.randrange(1, 200)),
        "encounter_class": draw.choice([EncounterClass.INPATIENT, EncounterClass.INPATIENT, EncounterClass.EMERGENCY]),
        "department_code": draw.choice(["MED", "SUR"]),
        "phones": (PhoneEntry(f"1390000{mrn}", None, LineType.MOBILE, OwnerKind.RELATIVE, "家 \\ 属", "mother"),),
        "event_at": None if draw.random() < 0.3 else began + timedelta(days=draw.randrange(30)),
        "principal_diagnosis": draw.choice(["I50.9", "C34.1", "K80.2"]),
    }
    odd: list[dict[str, Any]] = [
        {"disposition": Disposition.EXPIRED},
        {"kind": RowKind.CANCEL},
        {"nurse": EXPLICIT_NULL},
        {"full_name": f"改名{mrn}"},
        {"phones": ()},
        {"discharged_at": None, "disposition": None},
    ]
    if draw.random() < 0.3:
        changes |= draw.choice(odd)
    return stay_row(mrn, f"V{draw.randrange(60) if draw.random() < 0.3 else 100 + number}", **changes)


def stored(session: Session, facility: int) -> list[list[tuple[Any, ...]]]:
    return [[tuple(row) for row in session.execute(text(query), {"facility": facility})] for query in WHAT_IS_STORED]


def test_both_ways_end_in_the_same(session: Session, facility: int, monkeypatch: pytest.MonkeyPatch) -> None:
    install_content(session, NOW)
    draw = random.Random(1)
    rows = [made_up(draw, number) for number in range(160)]
    runs = [rows[at : at + 40] for at in range(0, 160, 40)]
    runs.insert(3, runs[0] + runs[1])
    other = ensure_facility(session, code="OTHER", name="Other", timezone="Asia/Shanghai", country="CN", now=NOW)
    short = stays.sort_out
    ways = []

    def count(*arguments: Any) -> Sorted:
        found = short(*arguments)
        ways.append((len(found.plain), len(found.others)))
        return found

    def long(_session: Session, _facility: int, rows: list[PreparedStay], _heads: object) -> Sorted:
        return Sorted(0, [], {}, rows)

    counts = []
    for where, way in ((facility, count), (other, long)):
        monkeypatch.setattr(stays, "sort_out", way)
        applied = ApplyCounts()
        for at, run in enumerate(runs):
            now = NOW + timedelta(hours=at)
            applied = applied.plus(apply_rows(session, where, run, now=now, stated_at=now, with_plans=True))
        counts.append(applied)

    assert counts[0] == counts[1]
    assert stored(session, facility) == stored(session, other)
    assert sum(plain for plain, _ in ways) > 40
    assert sum(others for _, others in ways) > 40
