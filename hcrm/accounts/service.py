"""Accounts: made, changed, closed; passwords checked and changed; log-ins throttled. Every change is audited."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from ipaddress import IPv6Address, ip_address

from argon2 import PasswordHasher, profiles
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.accounts.domain import (
    DEPARTMENT_ROLES,
    THROTTLE,
    Actor,
    Language,
    MembershipSnapshot,
    PasswordProblem,
    ThrottleKind,
    password_problem,
)
from hcrm.accounts.models import EndedSession, LoginThrottle, Membership, UserAccount
from hcrm.accounts.queries import SessionUser, session_user
from hcrm.audit.domain import ActorKind, Outcome
from hcrm.audit.service import record

USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
_hasher = PasswordHasher.from_parameters(profiles.get_default_parameters())
NO_PASSWORD = "none"  # noqa: S105 - no password has this as its hash


class AccountError(Exception):
    """Something about accounts that was asked for and cannot be done."""


class UsernameTaken(AccountError):
    """There is an account with this user name."""


class UsernameRefused(AccountError):
    """A user name is 2 to 64 small letters, digits, dots, hyphens and underscores."""


class PasswordRefused(AccountError):
    """The password breaks a rule; ``problem`` says which."""

    def __init__(self, problem: PasswordProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


class WrongPassword(AccountError):
    """The present password was not given correctly."""


class UnknownUser(AccountError):
    """There is no such account."""


class OwnAccount(AccountError):
    """People cannot close their own account or take their own memberships away."""


class MembershipRefused(AccountError):
    """A role of the whole facility cannot be bound to a department."""


class LastMembership(AccountError):
    """An account keeps at least one role; it is closed instead."""


class MembershipTaken(AccountError):
    """The person has this membership already."""


def create_user(
    session: Session,
    *,
    username: str,
    password: str | None,
    display_name: str,
    language: Language | str,
    memberships: Sequence[MembershipSnapshot],
    now: datetime,
    actor: Actor | None = None,
    must_change_password: bool = False,
) -> int:
    """Make an account; returns its id. Without a password nobody can log in until it is given one.

    Raises ``UsernameRefused``, ``UsernameTaken``, ``PasswordRefused``, ``MembershipRefused``.
    """
    name = username.strip().lower()
    if not USERNAME.fullmatch(name):
        raise UsernameRefused
    if password is not None:
        _check_password(password, name)
    if session.scalar(select(UserAccount.id).where(UserAccount.username == name)) is not None:
        raise UsernameTaken
    account = UserAccount(
        username=name,
        password_hash=NO_PASSWORD if password is None else _hasher.hash(password),
        display_name=display_name.strip() or name,
        language=Language(language),
        active=True,
        must_change_password=must_change_password,
        session_epoch=1,
        created_at=now,
    )
    session.add(account)
    session.flush()
    _record(session, now, actor, "user.created", account.id)
    for membership in memberships:
        add_membership(session, user_id=account.id, membership=membership, now=now, actor=actor)
    return account.id


# ── log-in ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def take_attempt(session: Session, *, username: str, address: str, now: datetime) -> datetime | None:
    """Count a log-in before the password is looked at; returns until when log-ins are closed, None when they are open.

    Counting first means that a hundred tries at the same moment count as a hundred. The transaction must be committed
    before ``authenticate``, which takes the count back when the password was right.
    """
    closed_until = _count_attempt(session, ThrottleKind.ADDRESS, _network(address), now)
    if closed_until is not None:  # counts for no account: else one machine could lock out everybody, name by name
        return closed_until
    return _count_attempt(session, ThrottleKind.ACCOUNT, username.strip().lower(), now)


def _throttle_key(kind: ThrottleKind, value: str) -> str:
    """People sometimes type a password where the user name belongs, so the key keeps a hash only."""
    return f"{kind.value}:{hashlib.sha256(value.encode()).hexdigest()[:40]}"


def _network(address: str) -> str:
    """What a sender cannot change at will: all of an IPv4 address, the first 64 bits of an IPv6 one."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return found.packed[:8].hex()
    return address


def _count_attempt(session: Session, kind: ThrottleKind, value: str, now: datetime) -> datetime | None:
    rule, key = THROTTLE[kind], _throttle_key(kind, value)
    fresh = insert(LoginThrottle).values(key=key, failures=0, window_started_at=now, locked_until=None)
    session.execute(fresh.on_conflict_do_nothing())
    row = session.scalars(select(LoginThrottle).where(LoginThrottle.key == key).with_for_update()).one()
    session.refresh(row)
    if row.locked_until is not None and row.locked_until > now:
        return row.locked_until
    if row.locked_until is not None or now - row.window_started_at > rule.window:
        row.failures, row.window_started_at, row.locked_until = 0, now, None
    row.failures += 1
    if row.failures > rule.attempts:
        row.locked_until = now + rule.lock
    session.flush()
    return row.locked_until


def _take_back(session: Session, username: str, address: str) -> None:
    """After a right password: the address's count is one less, the account's is gone. In the order of counting."""
    address_key = _throttle_key(ThrottleKind.ADDRESS, _network(address))
    row = session.scalars(select(LoginThrottle).where(LoginThrottle.key == address_key).with_for_update()).first()
    if row is not None:
        session.refresh(row)
        row.failures = max(row.failures - 1, 0)
        session.flush()
    account_key = _throttle_key(ThrottleKind.ACCOUNT, username)
    session.execute(delete(LoginThrottle).where(LoginThrottle.key == account_key))


def authenticate(session: Session, *, username: str, password: str, address: str, now: datetime) -> SessionUser | None:
    """The user of these credentials, None when they are wrong or the account is closed; audited either way.

    An unknown user name takes as long as a wrong password, so that nobody can find out which names exist.
    """
    name = username.strip().lower()
    account = session.scalars(select(UserAccount).where(UserAccount.username == name)).first()
    right = _password_is_right(account.password_hash if account else _hash_of_nobody(), password)
    if account is None or not right or not account.active:
        record(
            session,
            now=now,
            action="session.opened",
            actor_user_id=account.id if account else None,
            object_kind="user",
            object_id=account.id if account else None,
            outcome=Outcome.DENIED,
        )
        return None
    if _hasher.check_needs_rehash(account.password_hash):
        account.password_hash = _hasher.hash(password)
    account.last_login_at = now
    session.flush()
    _take_back(session, name, address)
    record(
        session, now=now, action="session.opened", actor_user_id=account.id, object_kind="user", object_id=account.id
    )
    return session_user(session, account.id)


def _password_is_right(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hash_of_nobody() -> str:
    return _hasher.hash("nobody has this password")


# ── passwords and sessions ────────────────────────────────────────────────────────────────────────────────────────────


def session_key(number: str) -> str:
    """What is kept of a session's secret number: who reads the database cannot make a session of it."""
    return hashlib.sha256(number.encode()).hexdigest()


def end_session(session: Session, *, user_id: int, number: str, lifetime: timedelta, now: datetime) -> None:
    """Log out: the session of this number opens nothing any more, whoever has a copy of its cookie.

    Those that ended more than ``lifetime`` ago are too old to open anything and are forgotten.
    """
    ended = insert(EndedSession).values(key=session_key(number), ended_at=now)
    session.execute(ended.on_conflict_do_nothing())
    session.execute(delete(EndedSession).where(EndedSession.ended_at < now - lifetime))
    record(session, now=now, action="session.closed", actor_user_id=user_id, object_kind="user", object_id=user_id)


def change_password(
    session: Session, *, user_id: int, current: str, new: str, address: str, now: datetime
) -> SessionUser:
    """Change one's own password; every other session of the account ends. ``take_attempt`` comes first, as at a log-in.

    Raises ``WrongPassword``, ``PasswordRefused``.
    """
    account = _account(session, user_id)
    if not _password_is_right(account.password_hash, current):
        raise WrongPassword
    if new == current:
        raise PasswordRefused(PasswordProblem.UNCHANGED)
    _take_back(session, account.username, address)
    _set_password(session, account, new, must_change=False)
    record(
        session, now=now, action="user.password_changed", actor_user_id=user_id, object_kind="user", object_id=user_id
    )
    user = session_user(session, user_id)
    if user is None:
        raise UnknownUser
    return user


def reset_password(
    session: Session, *, user_id: int, new: str, now: datetime, actor: Actor | None = None, must_change: bool = True
) -> None:
    """Give an account a new password on behalf of its owner; all its sessions end, and its throttle is lifted.

    Raises ``UnknownUser``, ``PasswordRefused``.
    """
    account = _account(session, user_id)
    _set_password(session, account, new, must_change=must_change)
    session.execute(
        delete(LoginThrottle).where(LoginThrottle.key == _throttle_key(ThrottleKind.ACCOUNT, account.username))
    )
    _record(session, now, actor, "user.password_reset", user_id)


def _set_password(session: Session, account: UserAccount, new: str, *, must_change: bool) -> None:
    _check_password(new, account.username)
    account.password_hash = _hasher.hash(new)
    account.session_epoch += 1
    account.must_change_password = must_change
    session.flush()


def _check_password(password: str, username: str) -> None:
    problem = password_problem(password, username)
    if problem is not None:
        raise PasswordRefused(problem)


def choose_language(session: Session, *, user_id: int, language: Language) -> None:
    """Remember the language of a person's screens."""
    _account(session, user_id).language = language
    session.flush()


# ── administration ────────────────────────────────────────────────────────────────────────────────────────────────────


def set_active(session: Session, *, user_id: int, active: bool, now: datetime, actor: Actor | None = None) -> None:
    """Close an account (its sessions end at once) or open it again. Raises ``UnknownUser``, ``OwnAccount``."""
    account = _account(session, user_id)
    if actor is not None and actor.user_id == user_id:
        raise OwnAccount
    if account.active == active:
        return
    account.active = active
    account.session_epoch += 1
    session.flush()
    _record(session, now, actor, "user.opened" if active else "user.closed", user_id)


def add_membership(
    session: Session, *, user_id: int, membership: MembershipSnapshot, now: datetime, actor: Actor | None = None
) -> int:
    """Give a person a role in a facility; returns the membership's id.

    Raises ``MembershipRefused``, ``MembershipTaken``.
    """
    if membership.department_id is not None and membership.role not in DEPARTMENT_ROLES:
        raise MembershipRefused
    taken = select(Membership.id).where(
        Membership.user_id == user_id,
        Membership.facility_id == membership.facility_id,
        Membership.role == membership.role,
        Membership.department_id.is_not_distinct_from(membership.department_id),
    )
    if session.scalar(taken) is not None:
        raise MembershipTaken
    row = Membership(
        user_id=user_id,
        facility_id=membership.facility_id,
        role=membership.role,
        department_id=membership.department_id,
    )
    session.add(row)
    session.flush()
    _record(session, now, actor, "user.role_given", user_id, facility_id=membership.facility_id)
    return row.id


def remove_membership(
    session: Session, *, user_id: int, membership_id: int, now: datetime, actor: Actor | None = None
) -> None:
    """Take a role away from a person. Raises ``UnknownUser`` (no such role), ``OwnAccount``, ``LastMembership``."""
    row = session.get(Membership, membership_id)
    if row is None or row.user_id != user_id:
        raise UnknownUser
    if actor is not None and actor.user_id == user_id:
        raise OwnAccount
    if session.scalar(select(func.count()).where(Membership.user_id == user_id)) == 1:
        raise LastMembership
    session.delete(row)
    session.flush()
    _record(session, now, actor, "user.role_taken", user_id, facility_id=row.facility_id)


def _account(session: Session, user_id: int) -> UserAccount:
    account = session.get(UserAccount, user_id)
    if account is None:
        raise UnknownUser
    return account


def _record(
    session: Session, now: datetime, actor: Actor | None, action: str, user_id: int, facility_id: int | None = None
) -> None:
    """Audit a change of an account; without an actor it was made by a command on the server."""
    record(
        session,
        now=now,
        action=action,
        actor_user_id=actor.user_id if actor else None,
        actor_kind=ActorKind.USER if actor else ActorKind.COMMAND,
        facility_id=facility_id,
        object_kind="user",
        object_id=user_id,
    )
