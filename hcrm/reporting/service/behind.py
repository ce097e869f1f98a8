"""The patients behind a number: as many as the number says, within scope, and every look is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.patients.queries import patient_snapshots
from hcrm.reporting.domain.measures import Link
from hcrm.reporting.domain.reports import By, Group, Label, Selection
from hcrm.reporting.domain.revisits import Outcome
from hcrm.reporting.queries import drilldown
from hcrm.reporting.service.labels import Labels
from hcrm.reporting.service.revisits import RevisitFigures, revisit_figures
from hcrm.survey.domain import QuestionKind
from hcrm.survey.domain.scoring import SMALL_GROUP
from hcrm.survey.queries import questionnaire as published_questionnaire


@dataclass(frozen=True, slots=True)
class BehindRow:
    """One record behind a number with its patient; what a kind of number has no use for is None."""

    patient_id: int
    name: str
    mrn: str
    department: Label
    discharged_on: date | None = None
    step_code: str | None = None
    channel: str | None = None
    status: str | None = None
    reason: str | None = None
    due_at: datetime | None = None
    completed_at: datetime | None = None
    returned_on: date | None = None
    days: int | None = None
    value: Any = None
    mode: str | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Behind:
    """A page of the records behind a number; ``suppressed`` when too few answered to show who."""

    total: int
    rows: tuple[BehindRow, ...] = ()
    suppressed: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """Who looks at the records behind which number, and which page of them."""

    figure: str
    part: str
    actor_user_id: int
    now: datetime
    offset: int
    limit: int


def tasks_behind(session: Session, *, selection: Selection, asked: drilldown.TaskQuestion, look: Look) -> Behind:
    """Tasks of one part of the follow-up funnel."""
    total, hits = drilldown.tasks(session, selection, asked, now=look.now, offset=look.offset, limit=look.limit)
    return _behind(
        session,
        selection,
        look,
        total,
        [
            {
                "patient_id": hit.patient_id,
                "department": hit.department_id,
                "discharged_on": hit.discharged_on,
                "step_code": hit.step_code,
                "channel": hit.channel,
                "status": hit.status,
                "reason": hit.reason,
                "due_at": hit.due_at,
                "completed_at": hit.completed_at,
            }
            for hit in hits
        ],
    )


def discharges_behind(session: Session, *, selection: Selection, look: Look, group: Group | None = None) -> Behind:
    """Live discharges, or those with a completed contact (part ``followed_up``)."""
    total, hits = drilldown.discharges(
        session,
        selection,
        only_followed_up=look.part == "followed_up",
        group=group,
        offset=look.offset,
        limit=look.limit,
    )
    rows = [
        {"patient_id": hit.patient_id, "department": hit.department_id, "discharged_on": hit.discharged_on}
        for hit in hits
    ]
    return _behind(session, selection, look, total, rows)


@dataclass(frozen=True, slots=True)
class RevisitQuestion:
    """Which indexes are asked for: of a measure, for those left out also the reason, of one group."""

    measure: str
    link: Link | None = None
    reason: str | None = None
    group: Group | None = None


def revisits_behind(session: Session, *, selection: Selection, asked: RevisitQuestion, look: Look) -> Behind:
    """Indexes of a measure: with a revisit, all, provisional ones, or left out. Raises ``UnknownMeasure``."""
    # Who has one stay only, and so may be read in a group, never came back.
    grouped = look.part == "numerator" and asked.group is None
    figures = revisit_figures(
        session, measure=asked.measure, selection=selection, now=look.now, link=asked.link, grouped=grouped
    )
    if asked.group is not None:
        figures = figures.of_group(session, asked.group)
    found = sorted(_part(figures, look.part, asked.reason), key=lambda each: (each.index.discharged_at, each.index.id))
    rows = [
        {
            "patient_id": each.index.patient_id,
            "department": each.index.department_id,
            "discharged_on": each.index.discharged_on,
            "reason": each.excluded.value if each.excluded else None,
            "returned_on": each.revisit.admitted_on_in(each.index.zone) if each.revisit else None,
            "days": each.days,
        }
        for each in found[look.offset : look.offset + look.limit]
    ]
    return _behind(session, selection, look, len(found), rows)


def _part(figures: RevisitFigures, part: str, reason: str | None) -> list[Outcome]:
    if part == "excluded":
        return [each for each in figures.outcomes if each.excluded and reason in {None, each.excluded.value}]
    kept = [each for each in figures.outcomes if each.excluded is None]
    if part == "numerator":
        return [each for each in kept if each.revisit]
    return [each for each in kept if each.provisional] if part == "provisional" else kept


def answers_behind(session: Session, *, selection: Selection, questionnaire: str, question: str, look: Look) -> Behind:
    """Answers to a question, or the satisfied ones; of a small part of the hospital nobody is shown.

    Raises ``UnknownQuestionnaire``, and ``KeyError`` for a question that it does not have.
    """
    asked = published_questionnaire(session, questionnaire).question(question)
    scale = list(range(asked.minimum, asked.maximum + 1))
    total, hits = drilldown.answers(
        session, selection, questionnaire, question, scale, offset=look.offset, limit=look.limit
    )
    if 0 < total < SMALL_GROUP:
        return Behind(total, suppressed=True)
    if look.part == "satisfied":
        best = [9, 10] if asked.kind is QuestionKind.NPS else [4, 5]
        total, hits = drilldown.answers(
            session, selection, questionnaire, question, best, offset=look.offset, limit=look.limit
        )
    rows = [
        {
            "patient_id": hit.patient_id,
            "department": hit.department_id,
            "value": hit.value,
            "mode": hit.mode.value,
            "answered_at": hit.answered_at,
        }
        for hit in hits
    ]
    return _behind(session, selection, look, total, rows)


def _behind(session: Session, selection: Selection, look: Look, total: int, rows: Sequence[dict[str, Any]]) -> Behind:
    """Add who the patients are, and record that they were looked at."""
    patients = patient_snapshots(session, {row["patient_id"] for row in rows})
    departments = Labels(session, By.DEPARTMENT)
    record(
        session,
        now=look.now,
        action="figures.patients_viewed",
        actor_user_id=look.actor_user_id,
        facility_id=next(iter(selection.scope or ()), None),
        object_kind="figure",
        details={"figure": look.figure, "part": look.part, "patients": sorted(patients)},
    )
    return Behind(
        total,
        tuple(
            BehindRow(
                **{**row, "department": departments.of(row["department"])},
                name=patients[row["patient_id"]].full_name,
                mrn=patients[row["patient_id"]].mrn,
            )
            for row in rows
        ),
    )
