"""The table of the web processes: what all of them together have answered."""

from __future__ import annotations

from sqlalchemy import Double, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base


class RequestCount(Base):
    """Requests by endpoint, method and status, and the seconds that they took in all; only ever counted up."""

    __tablename__ = "request_count"

    endpoint: Mapped[str] = mapped_column(String(100), primary_key=True)
    method: Mapped[str] = mapped_column(String(10), primary_key=True)
    status: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    requests: Mapped[int]
    seconds: Mapped[float] = mapped_column(Double)
