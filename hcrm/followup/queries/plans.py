"""Plans in force."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, Select, Text, cast, func, or_, select
from sqlalchemy.orm import Session

from hcrm.followup.domain.eligibility import PublishedPlan
from hcrm.followup.domain.plan import Plan, VersionStatus, plan_from_mapping
from hcrm.followup.models import EnrolmentRow, PlanRow, PlanVersionRow


def published_plans(session: Session, facility_id: int) -> list[PublishedPlan]:
    """The newest published version of each active plan, in the order in which plans are tried.

    A facility's own plan stands in for the product's plan of the same code, also one that is switched off.
    """
    rows = session.execute(
        _facts()
        .where(
            PlanVersionRow.status == VersionStatus.PUBLISHED,
            or_(PlanRow.facility_id.is_(None), PlanRow.facility_id == facility_id),
        )
        .order_by(PlanRow.facility_id.nulls_last(), PlanVersionRow.version.desc())
    )
    found: dict[str, Row[Any]] = {}
    for row in rows:
        found.setdefault(row.code, row)
    in_order = sorted((row for row in found.values() if row.active), key=lambda row: (row.position, row.code))
    definitions = _definitions(session, in_order)
    return [_published(row, definitions[row.digest]) for row in in_order]


def plans_of_versions(session: Session, version_ids: Iterable[int]) -> dict[int, PublishedPlan]:
    """The plans of these versions, whatever their status, by version id."""
    rows = session.execute(_facts().where(PlanVersionRow.id.in_(set(version_ids)))).all()
    definitions = _definitions(session, rows)
    return {row.version_id: _published(row, definitions[row.digest]) for row in rows}


def plans_of_enrolments(session: Session, enrolment_ids: Iterable[int]) -> dict[int, PublishedPlan]:
    """The plans that these enrolments follow, by enrolment id."""
    rows = session.execute(
        _facts()
        .add_columns(EnrolmentRow.id.label("enrolment_id"))
        .join(EnrolmentRow, EnrolmentRow.plan_version_id == PlanVersionRow.id)
        .where(EnrolmentRow.id.in_(set(enrolment_ids)))
    ).all()
    definitions = _definitions(session, rows)
    return {row.enrolment_id: _published(row, definitions[row.digest]) for row in rows}


def step_names(session: Session, facility_id: int) -> dict[str, tuple[str, str]]:
    """English and Chinese name of each step code of the plans in force."""
    return {
        step.code: (step.name_en, step.name_zh)
        for published in published_plans(session, facility_id)
        for step in published.plan.steps
    }


def _facts() -> Select[Any]:
    """A version and its plan, without the definition, which is known by its digest."""
    return select(
        PlanRow.id.label("plan_id"),
        PlanRow.code,
        PlanRow.active,
        PlanRow.position,
        PlanVersionRow.id.label("version_id"),
        PlanVersionRow.version,
        func.md5(cast(PlanVersionRow.definition, Text)).label("digest"),
    ).join(PlanVersionRow, PlanVersionRow.plan_id == PlanRow.id)


_DEFINITIONS_READ: dict[str, Plan] = {}
_DEFINITIONS_KEPT = 256


def _definitions(session: Session, rows: Sequence[Row[Any]]) -> dict[str, Plan]:
    """The definitions of these versions by digest: each is read and checked once in a process."""
    found = {row.digest: _DEFINITIONS_READ[row.digest] for row in rows if row.digest in _DEFINITIONS_READ}
    missing = {row.version_id: row.digest for row in rows if row.digest not in found}
    if missing:
        stored = session.execute(
            select(PlanVersionRow.id, PlanVersionRow.definition).where(PlanVersionRow.id.in_(missing))
        )
        read = {missing[version_id]: plan_from_mapping(definition) for version_id, definition in stored}
        if len(_DEFINITIONS_READ) + len(read) > _DEFINITIONS_KEPT:
            _DEFINITIONS_READ.clear()
        _DEFINITIONS_READ.update(read)
        found.update(read)
    return found


def _published(row: Row[Any], definition: Plan) -> PublishedPlan:
    return PublishedPlan(row.plan_id, row.version_id, row.version, definition, row.position)
