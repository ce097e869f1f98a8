"""When a provider is left in peace: the circuit breaker, shared by all workers, on the database's own clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from hcrm.messaging.models import ProviderPause

TRIPS_AT = 3
"""Failures in a row that open the circuit; an answer that refuses everything counts for all of them."""

LONGEST = timedelta(minutes=5)

TROUBLE = text(
    "INSERT INTO provider_pause AS pause (provider, failures, until)"
    " VALUES (:provider, :weight, clock_timestamp() + :first * interval '1 second')"
    " ON CONFLICT (provider) DO UPDATE SET failures = least(pause.failures + :weight, 30000),"
    " until = clock_timestamp() + CASE WHEN pause.failures + :weight < :trips THEN interval '0'"
    " ELSE least(:longest, power(2, least((pause.failures + :weight) / :trips, 10))) * (0.5 + random())"
    " * interval '1 second' END"
    " WHERE pause.until <= clock_timestamp()"
)


@dataclass(frozen=True, slots=True)
class Pause:
    """``left``: how long nothing is handed over yet; when it is over, one message tries whether all is well again."""

    left: timedelta
    tripped: bool


def note_trouble(session: Session, provider: str, *, refuses_all: bool) -> None:
    """The provider gave no answer, or (``refuses_all``) said that it takes nothing now.

    While it is left in peace already, further failures are those of calls that were under way and change nothing. The
    pauses double from about two seconds to five minutes, give or take half.
    """
    weight = TRIPS_AT if refuses_all else 1
    session.execute(
        TROUBLE,
        {
            "provider": provider,
            "weight": weight,
            "first": 1.5 if refuses_all else 0,
            "trips": TRIPS_AT,
            "longest": LONGEST.total_seconds(),
        },
    )


def note_success(session: Session, provider: str) -> None:
    """The provider took a message: what was before is forgotten, unless a pause has just begun."""
    session.execute(
        delete(ProviderPause).where(ProviderPause.provider == provider, ProviderPause.until <= func.clock_timestamp())
    )


def pauses(session: Session) -> dict[str, Pause]:
    """The providers that had trouble lately; those without are absent."""
    rows = session.execute(
        select(ProviderPause.provider, ProviderPause.failures, ProviderPause.until - func.clock_timestamp())
    )
    return {
        provider: Pause(left=max(timedelta(0), left), tripped=failures >= TRIPS_AT) for provider, failures, left in rows
    }
