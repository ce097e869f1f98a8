"""What ``hcrm doctor`` finds: one check, how it came out, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check came out; only a problem makes the command fail."""

    GOOD = "good"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: how it came out and a sentence, with advice unless all is well."""

    verdict: Verdict
    sentence: str
