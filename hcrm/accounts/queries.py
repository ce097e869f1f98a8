"""Reads accounts: actors, names of people, staff of a facility."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, exists, or_, select
from sqlalchemy.orm import Session

from hcrm.accounts.domain import Actor, Language, MembershipSnapshot, Role
from hcrm.accounts.models import EndedSession, Membership, UserAccount


@dataclass(frozen=True, slots=True)
class StaffSnapshot:
    """A person who works in a facility."""

    user_id: int
    username: str
    display_name: str


@dataclass(frozen=True, slots=True)
class MembershipRow:
    """A membership with its id, for the administrator's page."""

    id: int
    facility_id: int
    role: Role
    department_id: int | None


@dataclass(frozen=True, slots=True)
class UserSnapshot:
    """An account as an administrator sees it."""

    user_id: int
    username: str
    display_name: str
    language: Language
    active: bool
    must_change_password: bool
    last_login_at: datetime | None
    memberships: tuple[MembershipRow, ...]


@dataclass(frozen=True, slots=True)
class SessionUser:
    """What a session needs of its user: the actor, the epoch that ends old sessions, and a pending password change."""

    actor: Actor
    session_epoch: int
    must_change_password: bool


_SESSION_USER = (
    select(
        UserAccount.id,
        UserAccount.username,
        UserAccount.display_name,
        UserAccount.language,
        UserAccount.session_epoch,
        UserAccount.must_change_password,
        Membership.facility_id,
        Membership.role,
        Membership.department_id,
    )
    .outerjoin(Membership, Membership.user_id == UserAccount.id)
    .where(
        UserAccount.id == bindparam("user_id"),
        UserAccount.active,
        ~exists().where(EndedSession.key == bindparam("session_key")),
    )
    .order_by(Membership.id)
)
"""Asked for by every request, so put together once."""


def session_user(session: Session, user_id: int, session_key: str = "") -> SessionUser | None:
    """The user of a session; None when there is no such account, it is not active, or the session was ended.

    ``session_key`` is the hash of the session's number. One statement.
    """
    rows = session.execute(_SESSION_USER, {"user_id": user_id, "session_key": session_key}).all()
    if not rows:
        return None
    account = rows[0]
    memberships = tuple(
        MembershipSnapshot(row.facility_id, row.role, row.department_id) for row in rows if row.role is not None
    )
    actor = Actor(account.id, account.username, account.display_name, account.language, memberships)
    return SessionUser(actor, account.session_epoch, account.must_change_password)


def user_names(session: Session, ids: Collection[int]) -> dict[int, str]:
    """Display names of accounts, active or not."""
    if not ids:
        return {}
    rows = session.execute(select(UserAccount.id, UserAccount.display_name).where(UserAccount.id.in_(ids)))
    return dict(rows.tuples().all())


def user_id_of(session: Session, username: str) -> int | None:
    """The id of the account with this user name."""
    return session.scalar(select(UserAccount.id).where(UserAccount.username == username.strip().lower()))


def staff(session: Session, facility_id: int, role: Role | None = None) -> list[StaffSnapshot]:
    """Active people with a membership in the facility (in ``role``), by name."""
    in_facility = exists().where(Membership.user_id == UserAccount.id, Membership.facility_id == facility_id)
    if role is not None:
        in_facility = in_facility.where(Membership.role == role)
    rows = session.scalars(
        select(UserAccount).where(UserAccount.active, in_facility).order_by(UserAccount.display_name, UserAccount.id)
    )
    return [StaffSnapshot(row.id, row.username, row.display_name) for row in rows]


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A person who holds a role, with the language of their screens."""

    user_id: int
    language: Language


def staff_of_department(
    session: Session, *, facility_id: int, role: Role, department_id: int | None
) -> list[StaffMember]:
    """Active people who hold ``role`` for this department or for all of the facility; without a department only these.

    In the order in which their accounts were made.
    """
    everywhere, own = Membership.department_id.is_(None), Membership.department_id == department_id
    here = everywhere if department_id is None else or_(everywhere, own)
    holds = exists().where(
        Membership.user_id == UserAccount.id, Membership.facility_id == facility_id, Membership.role == role, here
    )
    rows = session.execute(
        select(UserAccount.id, UserAccount.language).where(UserAccount.active, holds).order_by(UserAccount.id)
    )
    return [StaffMember(user_id, language) for user_id, language in rows]


def users(session: Session, facility_ids: Collection[int] | None = None) -> list[UserSnapshot]:
    """Accounts with a membership in one of the facilities (None: every account), active ones first, by name."""
    query = select(UserAccount).order_by(UserAccount.active.desc(), UserAccount.display_name, UserAccount.id)
    if facility_ids is not None:
        query = query.where(
            exists().where(Membership.user_id == UserAccount.id, Membership.facility_id.in_(facility_ids))
        )
    accounts = session.scalars(query).all()
    return _with_memberships(session, accounts)


def user(session: Session, user_id: int) -> UserSnapshot | None:
    """One account, active or not."""
    account = session.get(UserAccount, user_id)
    return _with_memberships(session, [account])[0] if account else None


def _with_memberships(session: Session, accounts: Collection[UserAccount]) -> list[UserSnapshot]:
    memberships: dict[int, list[MembershipRow]] = defaultdict(list)
    ids = [account.id for account in accounts]
    for row in session.scalars(select(Membership).where(Membership.user_id.in_(ids)).order_by(Membership.id)):
        memberships[row.user_id].append(MembershipRow(row.id, row.facility_id, row.role, row.department_id))
    return [
        UserSnapshot(
            user_id=account.id,
            username=account.username,
            display_name=account.display_name,
            language=account.language,
            active=account.active,
            must_change_password=account.must_change_password,
            last_login_at=account.last_login_at,
            memberships=tuple(memberships[account.id]),
        )
        for account in accounts
    ]
