"""The quality re-call: whether the patient's account agrees with the record, and the record looks like a real call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

SECONDS_PER_QUESTION = 6
"""Reading a question aloud and hearing an answer takes at least so long; the script counts on four times as much."""

SAME_IN_A_ROW = 6
"""So many equal answers to rated questions, one after the other, are odd."""

ODD_RATIO = 0.5
"""A call in less than this part of the least time that its answers need is odd."""


class Finding(StrEnum):
    """What the quality office found out."""

    CALL_MADE = "call_made"
    CALL_NOT_MADE = "call_not_made"
    RECORD_WRONG = "record_wrong"
    PATIENT_UNSURE = "patient_unsure"


class Difference(StrEnum):
    """Where the patient's account and the record do not agree."""

    NOT_CALLED = "not_called"
    OTHER_PERSON = "other_person"
    CARE_NOT_ASKED = "care_not_asked"


class Oddity(StrEnum):
    """What makes a record look as if nobody had called."""

    TOO_SHORT = "too_short"
    SAME_ANSWERS = "same_answers"


class Verdict(StrEnum):
    """What a re-call says about the call that it checks."""

    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not_confirmed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """The call as it was recorded: who called (``doctor`` or ``nurse``, empty if not known), how long the attempt took
    in seconds, and the answers in the order of the questions.
    """

    completed: bool
    caller: str = ""
    seconds: int | None = None
    answers: Sequence[object] = ()
    self_reported: bool = False


def verdict(recorded: RecordedCall, account: Mapping[str, object]) -> Verdict:
    """Whether the patient's account confirms the record.

    A patient who was recorded as reached and says that nobody called does not confirm it; nor does one who was recorded
    as not reached and says that somebody did. Who is not sure says nothing about it.
    """
    called = account.get("called")
    if called not in ("yes", "no"):
        return Verdict.UNKNOWN
    return Verdict.CONFIRMED if (called == "yes") is recorded.completed else Verdict.NOT_CONFIRMED


def differences(recorded: RecordedCall, account: Mapping[str, object]) -> tuple[Difference, ...]:
    """Where account and record do not agree, the weightiest first."""
    found: list[Difference] = []
    if verdict(recorded, account) is Verdict.NOT_CONFIRMED:
        found.append(Difference.NOT_CALLED)
    said = account.get("called_by")
    if recorded.completed and recorded.caller and said in ("doctor", "nurse") and said != recorded.caller:
        found.append(Difference.OTHER_PERSON)
    if recorded.completed and account.get("asked_care") == "no":
        found.append(Difference.CARE_NOT_ASKED)
    return tuple(found)


def oddities(recorded: RecordedCall) -> tuple[Oddity, ...]:
    """What is implausible about a completed call: far shorter than its answers need, or the same answer in a row.

    A call that was reported by hand has no duration of its own.
    """
    if not recorded.completed:
        return ()
    found: list[Oddity] = []
    least = ODD_RATIO * SECONDS_PER_QUESTION * len(recorded.answers)
    if recorded.seconds is not None and not recorded.self_reported and recorded.seconds < least:
        found.append(Oddity.TOO_SHORT)
    if longest_run([each for each in recorded.answers if isinstance(each, int)]) >= SAME_IN_A_ROW:
        found.append(Oddity.SAME_ANSWERS)
    return tuple(found)


def longest_run(values: Sequence[object]) -> int:
    """How many equal values stand next to each other at most."""
    longest = run = 0
    before: object = None
    for value in values:
        run = run + 1 if run and value == before else 1
        longest, before = max(longest, run), value
    return longest
