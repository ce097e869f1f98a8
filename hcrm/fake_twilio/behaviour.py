"""How the stand-in behaves: how slow it is, and how often each thing goes wrong."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from typing import Any

MAGIC_NUMBERS = {
    "+15005550001": (400, 21211, "The 'To' number is not a valid phone number."),
    "+15005550002": (400, 21612, "There is no route to this number."),
    "+15005550003": (400, 21408, "Permission to send to this region is not enabled."),
    "+15005550004": (400, 21610, "Attempt to send to an unsubscribed recipient."),
    "+15005550009": (400, 21614, "The 'To' number is not a mobile number."),
}
"""Numbers that Twilio's own test credentials refuse, with the same codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """Shares are between 0 and 1, times in seconds. ``seed`` makes the same choices again."""

    delay: float = 0.0
    """Before each answer."""

    throttled: float = 0.0
    """429, nothing taken."""

    unavailable: float = 0.0
    """503, nothing taken, though nobody outside can know."""

    fails_after_taking: float = 0.0
    """The message is taken, the answer is 500."""

    breaks_after_taking: float = 0.0
    """The message is taken, the connection ends without an answer."""

    hangs_after_taking: float = 0.0
    """The message is taken, the answer comes only after ``hang``."""

    hang: float = 30.0
    undelivered: float = 0.0
    """Ends as undelivered, with error 30003."""

    callback_after: float = 0.0
    """Between the steps of a message: sent, delivered."""

    callbacks: bool = True
    lost: float = 0.0
    doubled: float = 0.0
    shuffled: float = 0.0
    """Status callbacks that never come, come twice, or come before an earlier one."""

    list_lag: float = 0.0
    """A message is listed only so long after it was taken."""

    seed: int = 1

    def changed(self, changes: dict[str, Any]) -> Behaviour:
        """This behaviour with ``changes`` by name. Raises ``ValueError`` for a name or value that it cannot have."""
        known = {entry.name: type(getattr(self, entry.name)) for entry in fields(self)}
        unknown = set(changes) - set(known)
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return Behaviour(**(values | {name: _read(known[name], value) for name, value in changes.items()}))


def _read(kind: type, value: Any) -> Any:
    """A value as it comes from a command line or a form."""
    return str(value).lower() not in {"0", "false", "no", ""} if kind is bool else kind(value)


class Dice:
    """Draws by the shares of a behaviour, the same again for the same seed and order of requests."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  # it decides what goes wrong in a test, nothing secret

    def falls(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    def one_of(self, **shares: float) -> str:
        """At most one of the named events, each with its share; empty for none."""
        drawn = self._random.random()
        for name, share in shares.items():
            if drawn < share:
                return name
            drawn -= share
        return ""
