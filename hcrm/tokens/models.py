"""The table of tokens."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base, BigId, UtcDateTime, text_enum
from hcrm.tokens.domain import TokenPurpose


class AccessToken(Base):
    """What another system of the hospital shows; only the hash of the token is kept.

    ``ending``: the last characters, by which a person knows it again. It opens nothing from ``expires_at`` on.
    """

    __tablename__ = "access_token"

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    ending: Mapped[str] = mapped_column(String(4))
    created_at: Mapped[UtcDateTime]
    created_by: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    last_used_at: Mapped[UtcDateTime | None]
    revoked_at: Mapped[UtcDateTime | None]
    revoked_by: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    purpose: Mapped[TokenPurpose] = mapped_column(text_enum(TokenPurpose, "purpose"), server_default=text("'records'"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(32)), server_default=text("'{}'"))
    expires_at: Mapped[UtcDateTime | None]
