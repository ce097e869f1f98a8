"""The call that a person has in hand, kept in their session between opening the screen and recording the result.

Only ids, codes and times are kept; nothing about health.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from flask import session as browser_session

_NAME = "calls"
_MOST = 3


@dataclass(frozen=True, slots=True)
class CallInHand:
    """``who`` is ``patient`` or ``proxy`` once it is known who is speaking; ``key`` makes the result count once.

    ``interpreter`` says who interprets, if anybody.
    """

    key: str
    started_at: str
    who: str = ""
    contact_point_id: int | None = None
    language: str = ""
    interpreter: str = ""

    @property
    def confirmed(self) -> bool:
        """Who is speaking may hear about health."""
        return self.who in ("patient", "proxy")

    @property
    def begun(self) -> datetime:
        return datetime.fromisoformat(self.started_at)


def call_in_hand(task_id: int, now: datetime) -> CallInHand:
    """The call of this task, begun now if it was not begun before."""
    known: dict[str, Any] | None = browser_session.get(_NAME, {}).get(str(task_id))
    if known is not None:
        return CallInHand(**known)
    call = CallInHand(key=f"call:{task_id}:{secrets.token_hex(8)}", started_at=now.isoformat())
    keep(task_id, call)
    return call


def keep(task_id: int, call: CallInHand) -> None:
    """Keep what is known; the oldest of more than three calls is forgotten."""
    calls = {key: value for key, value in browser_session.get(_NAME, {}).items() if key != str(task_id)}
    calls[str(task_id)] = asdict(call)
    browser_session[_NAME] = dict(list(calls.items())[-_MOST:])


def confirm(task_id: int, call: CallInHand, *, who: str, contact_point_id: int | None, interpreter: str = "") -> None:
    """Who is speaking is known, and who interprets."""
    dialled = contact_point_id or call.contact_point_id
    keep(task_id, replace(call, who=who, contact_point_id=dialled, interpreter=interpreter))


def speak(task_id: int, call: CallInHand, language: str) -> None:
    """The language of the call."""
    keep(task_id, replace(call, language=language))


def forget(task_id: int) -> None:
    """The result is recorded, or the call was put down."""
    browser_session[_NAME] = {
        key: value for key, value in browser_session.get(_NAME, {}).items() if key != str(task_id)
    }
