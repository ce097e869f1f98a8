"""Numbers that a record takes away: a patient's own numbers end when a later record says that there are none.

As with all that records say, their own times count: a number that an older record names when it comes late has ended
as well, and one that a still later record names goes on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from hcrm.patients.domain import OwnerKind, PhoneEntry, RetiredReason
from hcrm.patients.service.bulk import fetch

_FACTS = """
    WITH wanted AS (
        SELECT patient_id, facility_id, value AS mrn FROM patient_identifier
        WHERE facility_id = %s AND system = 'mrn' AND value = ANY(%s)
    ), told AS (
        SELECT patient_id, f.event_at, f.fields -> 'phones' AS phones
        FROM wanted w
        JOIN encounter e USING (facility_id, patient_id)
        JOIN encounter_fact f USING (facility_id, source, visit_number)
        WHERE f.fields ->> 'mrn' = w.mrn AND f.fields -> 'phones' IS NOT NULL
        UNION ALL
        SELECT patient_id, f.event_at, f.fields -> 'phones'
        FROM wanted w
        JOIN patient_fact f USING (facility_id, mrn)
        WHERE f.fields -> 'phones' IS NOT NULL
    )
    SELECT patient_id, event_at, phones FROM told
    WHERE patient_id IN (SELECT patient_id FROM told WHERE phones -> 0 ->> 0 = '')
"""


def settle_emptied_numbers(session: Session, *, facility_id: int, mrns: Iterable[str]) -> None:
    """End the numbers that records took away, and bring back those that a later record names again.

    A number that a person has retired stays retired.
    """
    wanted = sorted(set(mrns))
    found = fetch(session, _FACTS, facility_id, wanted) if wanted else []
    facts: dict[int, list[tuple[datetime, list[PhoneEntry]]]] = defaultdict(list)
    for patient_id, event_at, phones in found:
        facts[patient_id].append((event_at, [PhoneEntry(*each) for each in phones]))
    for patient_id, told in facts.items():
        _settle(session, patient_id, told)


def _settle(session: Session, patient_id: int, told: Sequence[tuple[datetime, list[PhoneEntry]]]) -> None:
    emptied = sorted(at for at, entries in told if any(not each.raw for each in entries))
    last: dict[str, datetime] = {}
    for at, entries in told:
        for each in entries:
            if each.raw and each.owner_kind == OwnerKind.PATIENT:
                key = each.number or each.raw
                last[key] = max(at, last.get(key, at))
    for key, at in last.items():
        ended = next((moment for moment in emptied if moment > at), None)
        values: dict[str, Any] = {
            "patient": patient_id,
            "key": key,
            "own": OwnerKind.PATIENT.value,
            "reason": RetiredReason.REPLACED.value,
            "emptied": emptied,
        }
        if ended is not None:
            session.execute(_END, {**values, "ended": ended})
        else:
            session.execute(_BRING_BACK, values)


_END = text(
    "UPDATE contact_point SET retired_at = :ended, retired_reason = :reason"
    " WHERE patient_id = :patient AND coalesce(number, raw) = :key AND owner_kind = :own"
    " AND (retired_at IS NULL OR (retired_reason = :reason AND retired_at = ANY(:emptied)))"
)
_BRING_BACK = text(
    "UPDATE contact_point SET retired_at = NULL, retired_reason = NULL"
    " WHERE patient_id = :patient AND coalesce(number, raw) = :key AND owner_kind = :own"
    " AND retired_reason = :reason AND retired_at = ANY(:emptied)"
)
