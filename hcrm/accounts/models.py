"""Tables of accounts: users, their memberships, sessions that were ended, and the throttle of failed log-ins."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.accounts.domain import Language, Role
from hcrm.db import Base, BigId, UtcDateTime, text_enum


class UserAccount(Base):
    """A person who logs in.

    ``session_epoch`` is part of every session; raising it ends all sessions of the account at once.
    """

    __tablename__ = "user_account"

    id: Mapped[BigId]
    username: Mapped[str] = mapped_column(String(64), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    display_name: Mapped[str] = mapped_column(String(120))
    language: Mapped[Language] = mapped_column(text_enum(Language, "language"))
    active: Mapped[bool]
    must_change_password: Mapped[bool] = mapped_column(default=False)
    session_epoch: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[UtcDateTime]
    last_login_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (CheckConstraint("username = lower(username)", name="username_is_lower_case"),)


class Membership(Base):
    """A role of a user in a facility, for one department or (``department_id`` null) for all of them."""

    __tablename__ = "membership"

    id: Mapped[BigId]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"), index=True)
    role: Mapped[Role] = mapped_column(text_enum(Role, "role"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))

    __table_args__ = (
        UniqueConstraint("user_id", "facility_id", "role", "department_id"),
        Index(
            "uq_membership_all_departments",
            "user_id",
            "facility_id",
            "role",
            unique=True,
            postgresql_where=department_id.is_(None),
        ),
    )


class EndedSession(Base):
    """A session that its user has logged out of; ``key`` is the hash of its own secret number.

    Kept as long as a session can last at most: until then its cookie must not open anything.
    """

    __tablename__ = "ended_session"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    ended_at: Mapped[UtcDateTime] = mapped_column(index=True)


class LoginThrottle(Base):
    """Failed log-ins of one account name or one network address; ``key`` is ``account:`` or ``address:`` and a hash."""

    __tablename__ = "login_throttle"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    failures: Mapped[int]
    window_started_at: Mapped[UtcDateTime]
    locked_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
