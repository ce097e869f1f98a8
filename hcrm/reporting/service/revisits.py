"""Revisit figures: read the stays once, decide once, count in as many groupings as needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from hcrm.reporting.domain.definitions import DEFINITIONS, Definition
from hcrm.reporting.domain.groups import NO_CALL, age_band, diagnosis_group
from hcrm.reporting.domain.kaplan_meier import Returned, returned_by_day
from hcrm.reporting.domain.measures import MEASURES, Link, Measure, Unit
from hcrm.reporting.domain.reports import (
    REVISIT_GROUPINGS,
    By,
    Group,
    Rate,
    RevisitReport,
    RevisitRow,
    Selection,
)
from hcrm.reporting.domain.revisits import Outcome, RevisitCounts, Stay, count, outcomes
from hcrm.reporting.models import MarkKind
from hcrm.reporting.queries.indexes import births, followed
from hcrm.reporting.queries.marks import changed
from hcrm.reporting.queries.measures import named_measure
from hcrm.reporting.queries.places import facility_zones
from hcrm.reporting.queries.return_days import ROLLED, rolled_outcomes
from hcrm.reporting.queries.rolled import live_parts
from hcrm.reporting.queries.stays import stays
from hcrm.reporting.service.labels import Labels


@dataclass(frozen=True, slots=True)
class RevisitFigures:
    """The outcomes of one measure in one selection; every number of the measure is counted from them."""

    measure: Measure
    definition: Definition
    selection: Selection
    outcomes: tuple[Outcome, ...]

    def report(self, session: Session, by: By) -> RevisitReport:
        groups, total = self.counts(session, by)
        return counted_report(session, self.measure, self.definition, self.selection, by, groups, total)

    def counts(self, session: Session, by: By) -> tuple[dict[Any, RevisitCounts], RevisitCounts]:
        """Counts by the key of each group (none where it is not grouped), and of all."""
        groups = count(self.outcomes, self.measure, self._key(session, by)) if by is not By.NONE else {}
        totals = count(self.outcomes, self.measure, _KEYS[By.NONE])
        return groups, totals.get(By.NONE.value, RevisitCounts())

    def _key(self, session: Session, by: By) -> Callable[[Stay], Any]:
        """What names the group of an index; of those that were read one by one also what stands elsewhere."""
        if by is By.AGE:
            born = births(session, (each.index.patient_id for each in self.outcomes))
            return lambda stay: age_band(born.get(stay.patient_id), stay.discharged_on)
        if by is By.OUTCOME:
            came_to = followed(session, (each.index.id for each in self.outcomes))
            return lambda stay: came_to.get(stay.id, NO_CALL)
        return _KEYS[by]

    def of_group(self, session: Session, group: Group) -> RevisitFigures:
        """The figures of one group; the outcomes must have been read one by one."""
        key = self._key(session, group.by)
        return replace(self, outcomes=tuple(each for each in self.outcomes if group.holds(key(each.index))))

    def returned_by_day(self) -> tuple[Returned, ...]:
        """Kaplan–Meier of the time to the revisit, over the indexes of the measure."""
        watched = [
            (outcome.followed_days, outcome.revisit is not None, outcome.index.weight)
            for outcome in self.outcomes
            if outcome.excluded is None
        ]
        return curve_of(self.measure, watched)


def curve_of(measure: Measure, watched: Iterable[tuple[int, bool, int]]) -> tuple[Returned, ...]:
    """The curve of a measure from how long indexes were watched, whether they came back, and how many there are."""
    last = -(-measure.last // 24) if measure.unit is Unit.HOURS else measure.last
    return returned_by_day(watched, last)


def counted_report(
    session: Session,
    measure: Measure,
    definition: Definition,
    selection: Selection,
    by: By,
    groups: Mapping[Any, RevisitCounts],
    total: RevisitCounts,
) -> RevisitReport:
    """The report of counts, with the names of the groups in their order."""
    labels = Labels(session, by)
    whole = _row(Labels(session, By.NONE), By.NONE.value, total)
    rows = tuple(_row(labels, key, groups[key]) for key in labels.ordered(groups))
    return RevisitReport(
        measure.code,
        definition,
        measure.link,
        by,
        selection.from_on,
        selection.to_on,
        rows if by is not By.NONE else (whole,),
        whole,
    )


def revisit_figures(
    session: Session,
    *,
    measure: str,
    selection: Selection,
    now: datetime,
    link: Link | None = None,
    grouped: bool = False,
) -> RevisitFigures:
    """Decide for every index of the selection whether the patient came back.

    ``measure`` is the code of a shipped measure, or of one that a hospital of the selection made: then only its own
    indexes count. ``link`` overrides the measure's own rule. ``grouped`` is for counting: indexes that are alike come
    as one outcome with a weight. Raises ``UnknownMeasure``.
    """
    named = named_measure(session, measure, selection)
    asked, here = named.measure.linked(link), of_its_hospital(selection, named.facility_id)
    return RevisitFigures(asked, named.definition, here, tuple(_from_stays(session, asked, here, now, grouped=grouped)))


def tried_figures(
    session: Session, *, measure: Measure, definition: Definition, selection: Selection, now: datetime
) -> RevisitFigures:
    """What a measure that is not kept yet comes to, in total."""
    found = _from_stays(session, measure, selection, now, grouped=True)
    return RevisitFigures(measure, definition, selection, tuple(found))


def of_its_hospital(selection: Selection, facility_id: int | None) -> Selection:
    """The selection in the hospital that made a measure; a shipped one belongs to none."""
    if facility_id is None:
        return selection
    departments = None if selection.scope is None else selection.scope[facility_id]
    return replace(selection, scope={facility_id: departments})


def counted_figures(
    session: Session, *, measure: str, selection: Selection, now: datetime, link: Link | None = None
) -> RevisitFigures:
    """The same for counting only: indexes that are alike come as one outcome with a weight, from the roll-up as far as
    it holds. Raises ``UnknownMeasure``.
    """
    if measure not in ROLLED or MEASURES[measure].linked(link) != MEASURES[measure]:
        return revisit_figures(session, measure=measure, selection=selection, now=now, link=link, grouped=True)
    asked = MEASURES[measure]
    return RevisitFigures(asked, DEFINITIONS[measure], selection, tuple(_rolled(session, asked, selection, now)))


def _from_stays(
    session: Session, measure: Measure, selection: Selection, now: datetime, *, grouped: bool
) -> Iterable[Outcome]:
    found = outcomes(
        stays(session, selection, measure, grouped=grouped),
        measure,
        from_on=selection.from_on,
        to_on=selection.to_on,
        now=now,
    )
    return (each for each in found if _inside(each.index, selection))


def _rolled(session: Session, measure: Measure, selection: Selection, now: datetime) -> Iterator[Outcome]:
    """Outcomes from the roll-up, and from the stays for days that have changed since."""
    changes = changed(session)
    for facility_id in facility_zones(session, selection):
        live = changes.within(MarkKind.STAY, facility_id, selection.from_on, selection.to_on)
        for part in live_parts(selection, facility_id, live):
            yield from _from_stays(session, measure, part, now, grouped=True)
        if live is not None:
            yield from rolled_outcomes(session, measure, selection, facility_id, live, now)


def revisit_report(
    session: Session, *, measure: str, selection: Selection, by: By, now: datetime, link: Link | None = None
) -> RevisitReport:
    """A measure in groups and in total. Raises ``UnknownMeasure``, and ``ValueError`` for a grouping it lacks."""
    if by not in REVISIT_GROUPINGS:
        raise ValueError(by)
    read = revisit_figures if by in ONE_BY_ONE else counted_figures
    return read(session, measure=measure, selection=selection, now=now, link=link).report(session, by)


def _inside(stay: Stay, selection: Selection) -> bool:
    if selection.department_id is not None and stay.department_id != selection.department_id:
        return False
    if selection.scope is None:
        return True
    if stay.facility_id not in selection.scope:
        return False
    departments = selection.scope[stay.facility_id]
    return departments is None or stay.department_id in departments


ONE_BY_ONE = (By.DIAGNOSIS, By.DISPOSITION, By.AGE, By.OUTCOME)
"""Groupings for which indexes that are alike by department and day have to be told apart."""

_KEYS: dict[By, Callable[[Stay], Any]] = {
    By.DIAGNOSIS: lambda stay: diagnosis_group(stay.principal_diagnosis),
    By.DISPOSITION: lambda stay: stay.disposition or None,
    By.DEPARTMENT: lambda stay: stay.department_id,
    By.FACILITY: lambda stay: stay.facility_id,
    By.MONTH: lambda stay: f"{stay.discharged_on:%Y-%m}",
    By.NONE: lambda _: By.NONE.value,
}


def _row(labels: Labels, key: Any, counts: RevisitCounts) -> RevisitRow:
    return RevisitRow(
        labels.of(key),
        Rate(counts.numerator, counts.denominator),
        dict(sorted(counts.excluded.items())),
        counts.provisional,
        dict(counts.bands),
    )
