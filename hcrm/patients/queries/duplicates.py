"""Finding persons who may be one, and reading the pairs that were found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Select, and_, func, or_, select, text
from sqlalchemy.orm import Session, aliased

from hcrm.patients.domain.duplicates import LIKELY, Likeness, PairSnapshot, is_transposed, is_transposed_day
from hcrm.patients.models import Patient, PatientMerge, PossibleDuplicate

Pair = tuple[int, int]

MOST_SHARING: Final = 4
"""A number that more persons give is that of a ward or a home."""
MOST_NAMESAKES: Final = 200
"""Beyond, the digits of namesakes are not compared: too many would be alike by chance."""

_SAME_BIRTH = text(
    "SELECT DISTINCT a.person_id, b.person_id, lower(a.full_name) = lower(b.full_name)"
    " FROM patient a JOIN patient b ON b.facility_id = a.facility_id AND b.name_sort_key = a.name_sort_key"
    "  AND b.birth_date = a.birth_date AND b.person_id > a.person_id"
    " WHERE a.facility_id = :facility AND a.name_sort_key <> ''"
)
_SAME_PHONE = text(
    "WITH own AS ("
    "  SELECT DISTINCT c.number, p.person_id FROM contact_point c JOIN patient p ON p.id = c.patient_id"
    "  WHERE c.facility_id = :facility AND c.number IS NOT NULL AND c.retired_at IS NULL AND c.owner_kind = 'patient'"
    "), shared AS (SELECT number FROM own GROUP BY number HAVING count(*) BETWEEN 2 AND :most)"
    " SELECT DISTINCT a.person_id, b.person_id, p.name_sort_key = q.name_sort_key AND p.name_sort_key <> '',"
    "  coalesce(p.birth_date = q.birth_date, false)"
    " FROM shared JOIN own a USING (number) JOIN own b USING (number)"
    " JOIN patient p ON p.id = a.person_id JOIN patient q ON q.id = b.person_id"
    " WHERE a.person_id < b.person_id"
)
_DIGITS = """
    WITH names AS (
      SELECT name_sort_key FROM patient WHERE facility_id = :facility AND name_sort_key <> ''
      GROUP BY name_sort_key HAVING count(*) BETWEEN 2 AND :most
    ), told AS ({told}), keyed AS (
      SELECT DISTINCT name_sort_key, person_id, value, (
        SELECT string_agg(digit, '' ORDER BY digit) FROM regexp_split_to_table(value, '') AS digit
      ) AS sorted
      FROM told JOIN names USING (name_sort_key) WHERE value <> ''
    )
    SELECT a.person_id, b.person_id, a.value, b.value FROM keyed a JOIN keyed b USING (name_sort_key, sorted)
    WHERE a.person_id < b.person_id AND a.value <> b.value
"""
_BIRTHS = text(
    _DIGITS.format(
        told="SELECT name_sort_key, person_id, to_char(birth_date, 'YYYYMMDD') AS value FROM patient"
        " WHERE facility_id = :facility AND birth_date IS NOT NULL"
    )
)
_MRNS = text(
    _DIGITS.format(
        told="SELECT p.name_sort_key, p.person_id, i.value FROM patient_identifier i"
        " JOIN patient p ON p.id = i.patient_id WHERE i.facility_id = :facility AND i.system = 'mrn'"
    )
)
_PHONES = text(
    _DIGITS.format(
        told="SELECT p.name_sort_key, p.person_id, c.number AS value FROM contact_point c"
        " JOIN patient p ON p.id = c.patient_id WHERE c.facility_id = :facility AND c.number IS NOT NULL"
        " AND c.retired_at IS NULL AND c.owner_kind = 'patient'"
    )
)
_TRANSPOSED: Final = (
    (_BIRTHS, Likeness.TRANSPOSED_BIRTH, is_transposed_day),
    (_MRNS, Likeness.TRANSPOSED_MRN, is_transposed),
    (_PHONES, Likeness.TRANSPOSED_PHONE, is_transposed),
)


def find_alike(session: Session, facility_id: int) -> dict[Pair, set[Likeness]]:
    """Pairs of persons of a facility who may be one, the lower id first, and what they have in common."""
    found: dict[Pair, set[Likeness]] = defaultdict(set)
    for first, second, same in session.execute(_SAME_BIRTH, {"facility": facility_id}):
        found[first, second].add(Likeness.NAME_AND_BIRTH if same else Likeness.SOUND_AND_BIRTH)
    values = {"facility": facility_id, "most": MOST_SHARING}
    for first, second, same_name, same_birth in session.execute(_SAME_PHONE, values):
        found[first, second].add(_by_phone(same_name=same_name, same_birth=same_birth))
    for query, likeness, test in _TRANSPOSED:
        _add_transposed(session, facility_id, query, likeness, test, found)
    return found


def _by_phone(*, same_name: bool, same_birth: bool) -> Likeness:
    if same_name:
        return Likeness.PHONE_AND_NAME
    return Likeness.PHONE_AND_BIRTH if same_birth else Likeness.PHONE


def _add_transposed(
    session: Session,
    facility_id: int,
    query: object,
    likeness: Likeness,
    test: Callable[[str, str], bool],
    found: dict[Pair, set[Likeness]],
) -> None:
    values = {"facility": facility_id, "most": MOST_NAMESAKES}
    for first, second, one, other in session.execute(query, values):  # type: ignore[call-overload]  # a text of ours
        if test(one, other):
            found[first, second].add(likeness)


def pairs(
    session: Session, facility_ids: frozenset[int], *, different: bool, likely: bool | None, limit: int, offset: int = 0
) -> list[PairSnapshot]:
    """Pairs that wait for a decision, the likeliest first; with ``different`` those that somebody told apart.

    ``likely`` keeps the pairs that more than a shared phone speaks for, or the others.
    """
    query = _open_pairs(facility_ids, different=different, likely=likely)
    order = PossibleDuplicate.different_at.desc() if different else PossibleDuplicate.weight.desc()
    rows = session.scalars(query.order_by(order, PossibleDuplicate.id).limit(limit).offset(offset))
    return [pair_snapshot(row) for row in rows]


def pair_count(session: Session, facility_ids: frozenset[int], *, likely: bool | None = None) -> int:
    """How many pairs wait for a decision."""
    query = _open_pairs(facility_ids, different=False, likely=likely)
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def _open_pairs(
    facility_ids: frozenset[int], *, different: bool, likely: bool | None
) -> Select[tuple[PossibleDuplicate]]:
    """Both records still stand for persons of their own."""
    first, second = aliased(Patient), aliased(Patient)
    query = (
        select(PossibleDuplicate)
        .join(first, and_(first.id == PossibleDuplicate.first_id, first.person_id == first.id))
        .join(second, and_(second.id == PossibleDuplicate.second_id, second.person_id == second.id))
        .where(PossibleDuplicate.facility_id.in_(facility_ids))
        .where(PossibleDuplicate.different_at.is_not(None) if different else PossibleDuplicate.different_at.is_(None))
    )
    if likely is None:
        return query
    return query.where(PossibleDuplicate.weight >= LIKELY if likely else PossibleDuplicate.weight < LIKELY)


def pair(session: Session, pair_id: int) -> PairSnapshot | None:
    """The pair with this id."""
    row = session.get(PossibleDuplicate, pair_id)
    return None if row is None else pair_snapshot(row)


class RecentMerge(NamedTuple):
    """A merge in force that a person made."""

    id: int
    from_patient_id: int
    into_patient_id: int
    merged_at: datetime
    merged_by: int | None


def recent_merges(session: Session, facility_ids: frozenset[int], *, limit: int) -> list[RecentMerge]:
    """The latest merges that still hold, made by people or by the hospital's messages."""
    rows = session.scalars(
        select(PatientMerge)
        .where(PatientMerge.facility_id.in_(facility_ids), PatientMerge.undone_at.is_(None))
        .order_by(PatientMerge.merged_at.desc(), PatientMerge.id.desc())
        .limit(limit)
    )
    return [RecentMerge(row.id, row.from_patient_id, row.into_patient_id, row.merged_at, row.merged_by) for row in rows]


def looked_through_at(session: Session, facility_id: int) -> datetime | None:
    """When the pairs of a facility were last found; None while there are none."""
    return session.scalar(
        select(func.max(PossibleDuplicate.found_at)).where(PossibleDuplicate.facility_id == facility_id)
    )


def changed_since(session: Session, facility_id: int, since: datetime) -> bool:
    """Whether a patient of the facility has been written since."""
    query = select(Patient.id).where(
        Patient.facility_id == facility_id, or_(Patient.updated_at >= since, Patient.created_at >= since)
    )
    return session.scalar(query.limit(1)) is not None


def pair_snapshot(row: PossibleDuplicate) -> PairSnapshot:
    """The picture of one pair."""
    return PairSnapshot(
        id=row.id,
        facility_id=row.facility_id,
        first_id=row.first_id,
        second_id=row.second_id,
        reasons=tuple(Likeness(each) for each in row.reasons),
        weight=row.weight,
        different_at=row.different_at,
        different_by=row.different_by,
    )
