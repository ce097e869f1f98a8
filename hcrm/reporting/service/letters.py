"""Monthly letters: ordered, taken once for each month, noted as sent or as failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.accounts.domain import Action, scope_of
from hcrm.accounts.queries import session_user
from hcrm.audit.domain import ActorKind
from hcrm.audit.service import record
from hcrm.organization.queries import departments, facility
from hcrm.reporting.domain import letter as words
from hcrm.reporting.domain.letter import Month
from hcrm.reporting.domain.periods import Period, last_month
from hcrm.reporting.domain.reports import By, Rate, Selection
from hcrm.reporting.domain.targets import Targeted
from hcrm.reporting.models import Subscription
from hcrm.reporting.service.revisits import revisit_report
from hcrm.reporting.service.targets import rate_of

SENT_FROM_HOUR = 8
"""On the first of the month nobody gets a letter before this hour of the facility's day."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter that is to go out now."""

    subscription_id: int
    user_id: int
    facility_id: int
    month: str
    email: str
    subject: str
    text: str


def subscribe(
    session: Session,
    *,
    user_id: int,
    facility_id: int,
    department_id: int | None,
    email: str,
    language: str,
    now: datetime,
) -> None:
    """Order the letter, or change what was ordered. The first one is about the month that runs now."""
    zone = facility(session, facility_id).zone
    done = last_month(now.astimezone(zone).date()).code
    values = {"department_id": department_id, "email": email, "language": language, "failure": None}
    statement = insert(Subscription).values(
        user_id=user_id, facility_id=facility_id, created_at=now, taken_month=done, **values
    )
    session.execute(statement.on_conflict_do_update(index_elements=["user_id", "facility_id"], set_=values))
    _audit(session, "figures.subscribed", facility_id, user_id, now)


def unsubscribe(session: Session, *, user_id: int, facility_id: int, now: datetime) -> None:
    """End the letter."""
    session.execute(
        delete(Subscription).where(Subscription.user_id == user_id, Subscription.facility_id == facility_id)
    )
    _audit(session, "figures.unsubscribed", facility_id, user_id, now)


def take_letters(session: Session, *, now: datetime, base_url: str) -> list[Letter]:
    """The letters about last month that nobody has taken yet; they are taken by this. Who may no longer see the figures
    gets none, nor does anybody about a department that is closed.
    """
    found = []
    for row in session.scalars(select(Subscription).order_by(Subscription.id).with_for_update(skip_locked=True)):
        here = facility(session, row.facility_id)
        local = now.astimezone(here.zone)
        period = last_month(local.date())
        if row.taken_month == period.code or (local.day == 1 and local.hour < SENT_FROM_HOUR):
            continue
        row.taken_month, row.failure = period.code, None
        made = _letter(session, row, period, now, base_url)
        if made is not None:
            found.append(made)
    session.flush()
    return found


def note_sent(session: Session, letter: Letter, *, now: datetime) -> None:
    """The mail server has taken the letter."""
    row = session.get(Subscription, letter.subscription_id)
    if row is not None:
        row.sent_month, row.sent_at, row.failure = letter.month, now, None
    record(
        session,
        now=now,
        action="figures.letter_sent",
        actor_user_id=None,
        actor_kind=ActorKind.SYSTEM,
        facility_id=letter.facility_id,
        object_kind="subscription",
        object_id=letter.subscription_id,
    )


def note_failed(session: Session, subscription_id: int, *, code: str, again: bool) -> None:
    """The letter did not go out; ``again``: it is offered at the next tick."""
    row = session.get(Subscription, subscription_id)
    if row is not None:
        row.failure = code
        row.taken_month = None if again else row.taken_month


def _letter(session: Session, row: Subscription, period: Period, now: datetime, base_url: str) -> Letter | None:
    user = session_user(session, row.user_id)
    scope = scope_of(user.actor, Action.VIEW_FIGURES).departments if user else {}
    if row.facility_id not in scope:
        return None
    known, allowed = departments(session, row.facility_id), scope[row.facility_id]
    if row.department_id is not None and (row.department_id not in known or not _within(row.department_id, allowed)):
        return None
    selection = Selection(period.from_on, period.to_on, {row.facility_id: allowed}, row.department_id)
    link = f"{base_url}/overview?period={period.code}"
    place = facility(session, row.facility_id).name_in(row.language)
    if row.department_id is not None:
        place = f"{place}, {known[row.department_id].name_in(row.language)}"
        link = f"{link}&department={row.department_id}"
    month = _month(session, selection, period, now)
    return Letter(
        row.id,
        row.user_id,
        row.facility_id,
        period.code,
        row.email,
        words.subject(period.code, place, row.language),
        words.text(month, month=period.code, place=place, link=link, language=row.language),
    )


def _within(department_id: int, allowed: frozenset[int] | None) -> bool:
    return allowed is None or department_id in allowed


def _month(session: Session, selection: Selection, period: Period, now: datetime) -> Month:
    before = last_month(period.from_on)
    earlier = Selection(before.from_on, before.to_on, selection.scope, selection.department_id)

    def three(here: Selection) -> tuple[Rate, Rate, Rate]:
        followup, returns, said = (rate_of(session, figure, here, now) for figure in Targeted)
        return followup, returns, said

    report = revisit_report(session, measure="readmit_30d", selection=selection, by=By.NONE, now=now)
    return Month(*three(selection), *three(earlier), provisional=report.total.provisional > 0)


def _audit(session: Session, action: str, facility_id: int, user_id: int, now: datetime) -> None:
    record(
        session,
        now=now,
        action=action,
        actor_user_id=user_id,
        facility_id=facility_id,
        object_kind="subscription",
    )
