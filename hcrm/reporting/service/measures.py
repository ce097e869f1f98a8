"""Revisit measures that a hospital makes: kept once checked, retired when nobody wants them any more."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.reporting.domain.measures import MEASURES, Measure
from hcrm.reporting.domain.own_measures import Problem, problems, to_rules
from hcrm.reporting.models import OwnMeasure
from hcrm.survey.domain import Text


class BadMeasure(ValueError):
    """A measure that cannot be kept; ``problems`` says why."""

    def __init__(self, found: tuple[Problem, ...]) -> None:
        super().__init__(", ".join(found))
        self.problems = found


def checked(session: Session, *, facility_id: int, measure: Measure, name: Text) -> tuple[Problem, ...]:
    """What keeps a measure from being kept in a hospital."""
    found = problems(measure)
    if not name.en.strip():
        found = (*found, Problem.NO_NAME)
    here = exists().where(OwnMeasure.facility_id == facility_id, OwnMeasure.code == measure.code)
    if measure.code in MEASURES or session.scalar(select(here)):
        found = (*found, Problem.CODE_TAKEN)
    return found


def keep_measure(
    session: Session, *, facility_id: int, measure: Measure, name: Text, now: datetime, actor_user_id: int
) -> int:
    """Keep a measure of a hospital's own; its id. Raises ``BadMeasure``."""
    wrong = checked(session, facility_id=facility_id, measure=measure, name=name)
    if wrong:
        raise BadMeasure(wrong)
    made = session.scalar(
        insert(OwnMeasure)
        .values(
            facility_id=facility_id,
            code=measure.code,
            name=name.en.strip(),
            name_zh=name.zh.strip(),
            rules=to_rules(measure),
            created_by=actor_user_id,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["facility_id", "code"])
        .returning(OwnMeasure.id)
    )
    if made is None:  # somebody was quicker
        raise BadMeasure((Problem.CODE_TAKEN,))
    row = session.get_one(OwnMeasure, made)
    _record(session, row, "figures.measure_kept", now, actor_user_id)
    return row.id


def retire_measure(session: Session, *, measure_id: int, now: datetime, actor_user_id: int) -> None:
    """Offer a measure no longer; a second time changes nothing."""
    row = session.get_one(OwnMeasure, measure_id)
    if row.retired_at is not None:
        return
    row.retired_at, row.retired_by = now, actor_user_id
    session.flush()
    _record(session, row, "figures.measure_retired", now, actor_user_id)


def _record(session: Session, row: OwnMeasure, action: str, now: datetime, actor_user_id: int) -> None:
    record(
        session,
        now=now,
        action=action,
        actor_user_id=actor_user_id,
        facility_id=row.facility_id,
        object_kind="measure",
        object_id=row.id,
        details={"code": row.code},
    )
