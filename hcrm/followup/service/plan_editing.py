"""Versions of plans in the hands of a nurse manager: a draft is changed, tried and published; old versions are kept.

A plan that the product brings is never changed: its first draft in a hospital begins the hospital's own plan of the
same code, which stands in for it from its publication on. Who is enrolled keeps the version they started with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.followup.domain.plan import (
    Flaw,
    Known,
    Plan,
    VersionStatus,
    flaws_against,
    flaws_in,
    plan_to_mapping,
    read_plan,
)
from hcrm.followup.models import PlanRow, PlanVersionRow
from hcrm.followup.queries.plan_versions import own_plan_id


class UnknownPlan(LookupError):
    """There is no such plan, or it is another hospital's."""


class NoDraft(LookupError):
    """The plan has no draft: it was published or discarded meanwhile."""


class DraftChanged(RuntimeError):
    """Somebody else has changed the draft since it was looked at."""


class PlanNotPublishable(ValueError):
    """The draft has flaws; ``flaws`` says which, each with its step."""

    def __init__(self, flaws: list[Flaw]) -> None:
        super().__init__([each.kind for each in flaws])
        self.flaws = flaws


def flaws_of(plan: Plan, known: Known) -> list[Flaw]:
    """All that keeps a plan from being published."""
    return [*flaws_in(plan), *flaws_against(plan, known)]


def begin_draft(session: Session, *, plan_id: int, facility_id: int, actor_user_id: int, now: datetime) -> int:
    """Begin a draft from what is in force, unless there is one; the id of the hospital's plan that has it.

    Raises ``UnknownPlan``.
    """
    source = _plan(session, plan_id, facility_id)
    newest = session.scalars(
        select(PlanVersionRow).where(PlanVersionRow.plan_id == source.id).order_by(PlanVersionRow.version.desc())
    ).first()
    if newest is None:
        raise UnknownPlan(plan_id)
    plan = source if source.facility_id is not None else _own_plan(session, source, facility_id)
    if _draft(session, plan.id) is None:
        definition = {**newest.definition, "position": plan.position}
        _add_draft(session, plan, definition, actor_user_id, now, least=newest.version + 1)
        _audit(session, "plan.drafted", plan, facility_id, actor_user_id, now)
    return plan.id


def _plan(session: Session, plan_id: int, facility_id: int) -> PlanRow:
    """The plan, locked until the end of the transaction. Raises ``UnknownPlan``."""
    row = session.scalar(select(PlanRow).where(PlanRow.id == plan_id).with_for_update())
    if row is None or row.facility_id not in (None, facility_id):
        raise UnknownPlan(plan_id)
    return row


def _own_plan(session: Session, source: PlanRow, facility_id: int) -> PlanRow:
    known = own_plan_id(session, facility_id, source.code)
    if known is not None:
        return _plan(session, known, facility_id)
    row = PlanRow(
        facility_id=facility_id,
        code=source.code,
        name_en=source.name_en,
        name_zh=source.name_zh,
        scope=source.scope,
        position=source.position,
        active=source.active,
    )
    session.add(row)
    session.flush()
    return row


def _draft(session: Session, plan_id: int) -> PlanVersionRow | None:
    return session.scalar(
        select(PlanVersionRow).where(PlanVersionRow.plan_id == plan_id, PlanVersionRow.status == VersionStatus.DRAFT)
    )


def _add_draft(
    session: Session, plan: PlanRow, definition: Mapping[str, Any], actor: int, now: datetime, *, least: int = 1
) -> None:
    newest = session.scalar(select(func.max(PlanVersionRow.version)).where(PlanVersionRow.plan_id == plan.id)) or 0
    session.add(
        PlanVersionRow(
            plan_id=plan.id,
            version=max(newest + 1, least),
            status=VersionStatus.DRAFT,
            definition=dict(definition),
            changed_at=now,
            changed_by_user_id=actor,
        )
    )
    session.flush()


def change_draft(
    session: Session,
    *,
    plan_id: int,
    facility_id: int,
    change: Callable[[Plan], Plan],
    seen: str,
    actor_user_id: int,
    now: datetime,
    position: int | None = None,
) -> None:
    """Replace the draft by what ``change`` makes of it; ``seen`` is the token of the draft that was looked at.

    Raises ``UnknownPlan``, ``NoDraft`` and ``DraftChanged``.
    """
    plan = _plan(session, plan_id, facility_id)
    draft = _own_draft(session, plan, facility_id)
    if draft.changed_at is None or draft.changed_at.isoformat() != seen:
        raise DraftChanged(plan_id)
    place = int(draft.definition.get("position", plan.position)) if position is None else position
    draft.definition = {**plan_to_mapping(change(read_plan(draft.definition))), "position": place}
    draft.changed_at, draft.changed_by_user_id = now, actor_user_id
    session.flush()
    _audit(session, "plan.drafted", plan, facility_id, actor_user_id, now)


def _own_draft(session: Session, plan: PlanRow, facility_id: int) -> PlanVersionRow:
    draft = _draft(session, plan.id)
    if draft is None or plan.facility_id != facility_id:
        raise NoDraft(plan.id)
    return draft


def discard_draft(session: Session, *, plan_id: int, facility_id: int, actor_user_id: int, now: datetime) -> bool:
    """Throw the draft away; False when nothing of the plan is left, because it never had another version.

    Raises ``UnknownPlan`` and ``NoDraft``.
    """
    plan = _plan(session, plan_id, facility_id)
    session.delete(_own_draft(session, plan, facility_id))
    session.flush()
    _audit(session, "plan.discarded", plan, facility_id, actor_user_id, now)
    left = session.scalar(select(func.count()).select_from(PlanVersionRow).where(PlanVersionRow.plan_id == plan.id))
    if not left:
        session.delete(plan)
        session.flush()
    return bool(left)


def publish_draft(
    session: Session, *, plan_id: int, facility_id: int, known: Known, actor_user_id: int, now: datetime
) -> int:
    """Put the draft in force: from now on discharges get it. The number of the version.

    Raises ``UnknownPlan``, ``NoDraft``, and ``PlanNotPublishable`` with every flaw.
    """
    plan = _plan(session, plan_id, facility_id)
    draft = _own_draft(session, plan, facility_id)
    wanted = read_plan(draft.definition)
    flaws = flaws_of(wanted, known)
    if flaws:
        raise PlanNotPublishable(flaws)
    for older in session.scalars(select(PlanVersionRow).where(PlanVersionRow.plan_id == plan.id)):
        if older.status is VersionStatus.PUBLISHED:
            older.status = VersionStatus.RETIRED
    session.flush()
    draft.status, draft.published_at = VersionStatus.PUBLISHED, now
    plan.name_en, plan.name_zh, plan.scope = wanted.name_en, wanted.name_zh, wanted.scope
    plan.position, plan.active = int(draft.definition.get("position", plan.position)), True
    session.flush()
    _audit(session, "plan.published", plan, facility_id, actor_user_id, now)
    return draft.version


def begin_plan(
    session: Session, *, facility_id: int, definition: Mapping[str, Any], actor_user_id: int, now: datetime
) -> int:
    """A new plan of the hospital, as a draft: from a form, or from an imported file. Its id.

    Where the hospital or the product has a plan of this code, it becomes the draft of that plan and replaces an older
    draft. Raises ``PlanInvalid`` when the definition cannot be read.
    """
    wanted = read_plan(definition)
    position = int(definition.get("position", 100))
    plan_id = own_plan_id(session, facility_id, wanted.code)
    shipped = session.scalar(select(PlanRow).where(PlanRow.facility_id.is_(None), PlanRow.code == wanted.code))
    if plan_id is None and shipped is not None:
        plan_id = begin_draft(
            session, plan_id=shipped.id, facility_id=facility_id, actor_user_id=actor_user_id, now=now
        )
    if plan_id is None:
        row = PlanRow(
            facility_id=facility_id,
            code=wanted.code,
            name_en=wanted.name_en,
            name_zh=wanted.name_zh,
            scope=wanted.scope,
            position=position,
            active=True,
        )
        session.add(row)
        session.flush()
        plan_id = row.id
    plan = _plan(session, plan_id, facility_id)
    stored = {**plan_to_mapping(wanted), "position": position}
    draft = _draft(session, plan.id)
    if draft is None:
        _add_draft(session, plan, stored, actor_user_id, now)
    else:
        draft.definition, draft.changed_at, draft.changed_by_user_id = stored, now, actor_user_id
    session.flush()
    _audit(session, "plan.drafted", plan, facility_id, actor_user_id, now)
    return plan.id


def switch_plan(
    session: Session, *, plan_id: int, facility_id: int, active: bool, actor_user_id: int, now: datetime
) -> int:
    """Retire a plan, or take it up again; the id of the hospital's plan. Who is enrolled stays enrolled.

    A plan of the product becomes the hospital's own with the same version, so that other hospitals keep theirs. Raises
    ``UnknownPlan``.
    """
    source = _plan(session, plan_id, facility_id)
    plan = source if source.facility_id is not None else _own_plan(session, source, facility_id)
    if plan is not source and not session.scalar(select(PlanVersionRow.id).where(PlanVersionRow.plan_id == plan.id)):
        _copy_in_force(session, source, plan, now)
    plan.active = active
    session.flush()
    action = "plan.taken_up" if active else "plan.retired"
    _audit(session, action, plan, facility_id, actor_user_id, now)
    return plan.id


def _copy_in_force(session: Session, source: PlanRow, plan: PlanRow, now: datetime) -> None:
    newest = session.scalars(
        select(PlanVersionRow)
        .where(PlanVersionRow.plan_id == source.id, PlanVersionRow.status == VersionStatus.PUBLISHED)
        .order_by(PlanVersionRow.version.desc())
    ).first()
    if newest is None:
        raise UnknownPlan(source.id)
    session.add(
        PlanVersionRow(
            plan_id=plan.id,
            version=newest.version,
            status=VersionStatus.PUBLISHED,
            definition=newest.definition,
            published_at=now,
        )
    )


def _audit(session: Session, action: str, plan: PlanRow, facility_id: int, actor: int, now: datetime) -> None:
    record(
        session,
        now=now,
        action=action,
        actor_user_id=actor,
        facility_id=facility_id,
        object_kind="plan",
        object_id=plan.id,
    )
