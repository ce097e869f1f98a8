"""What whoever holds a patient's link has to know before anything personal is shown."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date

RECORD_CHARACTERS = 4
"""So many characters at the end of the record number are asked for."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody gave: a date of birth, or the end of the record number."""

    birth_date: date | None = None
    record_end: str = ""


def is_proof(given: Proof, *, birth_date: date | None, mrn: str) -> bool:
    """Whether ``given`` shows that the patient is known: the birth date where the hospital has it, else the end of the
    record number. With neither on record nothing is a proof: a person of the hospital has to help.
    """
    if birth_date is not None:
        return given.birth_date == birth_date
    end = _plain(mrn)[-RECORD_CHARACTERS:]
    return len(end) == RECORD_CHARACTERS and _plain(given.record_end)[-RECORD_CHARACTERS:] == end


def _plain(text: str) -> str:
    """Letters and digits alone, of one width and case."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())
