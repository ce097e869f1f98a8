"""The revisit measures that can be asked for: the shipped ones and those that hospitals made."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.reporting.domain.definitions import DEFINITIONS, Definition
from hcrm.reporting.domain.measures import MEASURES, Measure
from hcrm.reporting.domain.own_definitions import definition_of
from hcrm.reporting.domain.own_measures import from_rules
from hcrm.reporting.domain.reports import AmbiguousMeasure, Selection, UnknownMeasure
from hcrm.reporting.models import OwnMeasure
from hcrm.survey.domain import Text


@dataclass(frozen=True, slots=True)
class NamedMeasure:
    """A measure with its definition; ``facility_id`` is the hospital that made it, None for a shipped one."""

    measure: Measure
    definition: Definition
    facility_id: int | None = None


@dataclass(frozen=True, slots=True)
class OwnMeasureSnapshot:
    """A measure that a hospital made, as it is kept."""

    id: int
    facility_id: int
    name: Text
    measure: Measure
    created_at: datetime
    retired_at: datetime | None

    @property
    def definition(self) -> Definition:
        return definition_of(self.measure, self.name)


SHIPPED = {code: NamedMeasure(measure, DEFINITIONS[code]) for code, measure in MEASURES.items()}
"""What every hospital has from the first day."""


def own_measures(
    session: Session, facilities: Collection[int] | None, *, with_retired: bool = False
) -> list[OwnMeasureSnapshot]:
    """The measures that some hospitals (None: all) made, by their code; retired ones only if asked for."""
    statement = select(OwnMeasure).order_by(OwnMeasure.facility_id, OwnMeasure.code)
    if facilities is not None:
        statement = statement.where(OwnMeasure.facility_id.in_(sorted(facilities)))
    if not with_retired:
        statement = statement.where(OwnMeasure.retired_at.is_(None))
    return [_snapshot(row) for row in session.scalars(statement)]


def own_measure(session: Session, measure_id: int) -> OwnMeasureSnapshot | None:
    """One of them."""
    row = session.get(OwnMeasure, measure_id)
    return _snapshot(row) if row else None


def measures_of(session: Session, facility_id: int) -> dict[str, NamedMeasure]:
    """What a hospital can ask for, the shipped measures first."""
    own = own_measures(session, [facility_id])
    return SHIPPED | {each.measure.code: NamedMeasure(each.measure, each.definition, each.facility_id) for each in own}


def named_measure(session: Session, code: str, selection: Selection) -> NamedMeasure:
    """The measure with this code in the facilities of a selection.

    Raises ``UnknownMeasure``; ``AmbiguousMeasure`` when several of its facilities made one of this code.
    """
    if code in SHIPPED:
        return SHIPPED[code]
    found = [each for each in own_measures(session, selection.scope) if each.measure.code == code]
    if not found:
        raise UnknownMeasure(code)
    if len(found) > 1:
        raise AmbiguousMeasure(code)
    (only,) = found
    return NamedMeasure(only.measure, only.definition, only.facility_id)


def _snapshot(row: OwnMeasure) -> OwnMeasureSnapshot:
    return OwnMeasureSnapshot(
        row.id,
        row.facility_id,
        Text(row.name, row.name_zh),
        from_rules(row.code, row.rules),
        row.created_at,
        row.retired_at,
    )
