"""Plans as a nurse manager sees them: all of a hospital, one with its versions, and what plans may name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from hcrm.accounts.queries import user_names
from hcrm.followup.domain.plan import Asked, Known, Plan, VersionStatus, read_plan
from hcrm.followup.domain.task import EnrolmentStatus
from hcrm.followup.models import EnrolmentRow, PlanRow, PlanVersionRow
from hcrm.messaging.domain import LANGUAGES
from hcrm.messaging.queries import all_texts
from hcrm.organization.queries import departments
from hcrm.survey.domain import Questionnaire
from hcrm.survey.queries import questionnaires


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """One version of a plan. ``enrolled`` is how many patients run on it now; ``position`` is where it is tried."""

    id: int
    version: int
    status: VersionStatus
    plan: Plan
    position: int
    published_at: datetime | None
    changed_at: datetime | None
    changed_by: str
    enrolled: int

    @property
    def token(self) -> str:
        """Changes whenever the version is saved."""
        return "" if self.changed_at is None else self.changed_at.isoformat()


@dataclass(frozen=True, slots=True)
class EditedPlan:
    """A plan with all its versions, newest first. ``facility_id`` is None for a plan that the product brings."""

    id: int
    code: str
    facility_id: int | None
    position: int
    active: bool
    versions: tuple[PlanVersion, ...]

    @property
    def draft(self) -> PlanVersion | None:
        return next((each for each in self.versions if each.status is VersionStatus.DRAFT), None)

    @property
    def in_force(self) -> PlanVersion | None:
        return next((each for each in self.versions if each.status is VersionStatus.PUBLISHED), None)

    @property
    def shown(self) -> PlanVersion:
        """The draft, else what is in force, else the newest."""
        return self.draft or self.in_force or self.versions[0]

    @property
    def enrolled(self) -> int:
        return sum(each.enrolled for each in self.versions)


def plans_of_facility(session: Session, facility_id: int) -> list[EditedPlan]:
    """All plans of a hospital in the order in which they are tried, the product's where it has made none of its own."""
    rows = session.scalars(
        select(PlanRow)
        .where(or_(PlanRow.facility_id.is_(None), PlanRow.facility_id == facility_id))
        .order_by(PlanRow.facility_id.nulls_last(), PlanRow.id)
    ).all()
    own: dict[str, PlanRow] = {}
    for row in rows:
        own.setdefault(row.code, row)
    found = _edited(session, list(own.values()), facility_id)
    return sorted(found, key=lambda each: (each.position, each.code))


def edited_plan(session: Session, plan_id: int, facility_id: int) -> EditedPlan | None:
    """One plan; None when there is none with this id, or when it is another hospital's."""
    row = session.get(PlanRow, plan_id)
    if row is None or row.facility_id not in (None, facility_id):
        return None
    return next(iter(_edited(session, [row], facility_id)), None)


def own_plan_id(session: Session, facility_id: int, code: str) -> int | None:
    """The hospital's own plan with this code."""
    return session.scalar(select(PlanRow.id).where(PlanRow.facility_id == facility_id, PlanRow.code == code))


def _edited(session: Session, rows: Iterable[PlanRow], facility_id: int) -> list[EditedPlan]:
    """The plans with their versions; a hospital's own plan goes on from the product's of the same code."""
    plans = {row.id: row for row in rows}
    codes = [row.code for row in plans.values() if row.facility_id is not None]
    origins = session.scalars(select(PlanRow).where(PlanRow.facility_id.is_(None), PlanRow.code.in_(codes))).all()
    known = plans | {row.id: row for row in origins}
    stored = session.scalars(
        select(PlanVersionRow).where(PlanVersionRow.plan_id.in_(known)).order_by(PlanVersionRow.version.desc())
    ).all()
    enrolled = _enrolled(session, facility_id)
    names = user_names(session, {each.changed_by_user_id for each in stored if each.changed_by_user_id is not None})
    by_plan: dict[int, list[PlanVersion]] = {plan_id: [] for plan_id in known}
    for each in stored:
        by_plan[each.plan_id].append(_version(each, known[each.plan_id].position, names, enrolled))
    origin = {row.code: by_plan[row.id] for row in origins}
    return [
        EditedPlan(
            row.id,
            row.code,
            row.facility_id,
            row.position,
            row.active,
            _history(by_plan[row.id], origin.get(row.code, []) if row.facility_id is not None else []),
        )
        for row in plans.values()
        if by_plan[row.id]
    ]


def _history(own: list[PlanVersion], before: list[PlanVersion]) -> tuple[PlanVersion, ...]:
    """The hospital's versions, then those of the product that came before; one version at most is in force."""
    first = min(each.version for each in own)
    earlier = [each for each in before if each.version < first]
    if any(each.status is VersionStatus.PUBLISHED for each in own):
        earlier = [replace(each, status=VersionStatus.RETIRED) for each in earlier]
    return (*own, *earlier)


def _version(row: PlanVersionRow, position: int, names: Mapping[int, str], enrolled: Mapping[int, int]) -> PlanVersion:
    return PlanVersion(
        id=row.id,
        version=row.version,
        status=row.status,
        plan=read_plan(row.definition),
        position=int(row.definition.get("position", position)),
        published_at=row.published_at,
        changed_at=row.changed_at,
        changed_by=names.get(row.changed_by_user_id or 0, ""),
        enrolled=enrolled.get(row.id, 0),
    )


def _enrolled(session: Session, facility_id: int) -> dict[int, int]:
    rows = session.execute(
        select(EnrolmentRow.plan_version_id, func.count())
        .where(EnrolmentRow.status == EnrolmentStatus.ACTIVE, EnrolmentRow.facility_id == facility_id)
        .group_by(EnrolmentRow.plan_version_id)
    )
    return dict(rows.tuples().all())


def known_content(session: Session, facility_id: int) -> Known:
    """What plans of this hospital may name: texts in force, questionnaires, departments."""
    return Known(
        languages=frozenset(LANGUAGES),
        templates={text.code: _languages(text.in_force) for text in all_texts(session) if text.in_force},
        questionnaires={each.code: _asked(each) for each in questionnaires(session, facility_id)},
        departments=frozenset(each.code for each in departments(session, facility_id).values()),
    )


def _languages(in_force: Mapping[str, object]) -> frozenset[str]:
    return frozenset(language for language, version in in_force.items() if getattr(version, "body", "").strip())


def _asked(found: Questionnaire) -> Asked:
    texts = [each.wording.patient for each in found.questions] + [found.name]
    complete = {language for language in LANGUAGES if all(text.in_language(language).strip() for text in texts)}
    values = {each.code: frozenset(choice.value for choice in each.choices) for each in found.questions}
    return Asked(frozenset(complete), values)
