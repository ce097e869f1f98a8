"""Which records may be the same person: what speaks for it, and how much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Likeness(StrEnum):
    """What two records have in common."""

    NAME_AND_BIRTH = "name_and_birth"
    SOUND_AND_BIRTH = "sound_and_birth"
    PHONE_AND_NAME = "phone_and_name"
    PHONE_AND_BIRTH = "phone_and_birth"
    TRANSPOSED_BIRTH = "transposed_birth"
    TRANSPOSED_MRN = "transposed_mrn"
    TRANSPOSED_PHONE = "transposed_phone"
    PHONE = "phone"


WEIGHTS: Final[Mapping[Likeness, int]] = {
    Likeness.NAME_AND_BIRTH: 60,
    Likeness.PHONE_AND_NAME: 50,
    Likeness.PHONE_AND_BIRTH: 40,
    Likeness.TRANSPOSED_BIRTH: 30,
    Likeness.TRANSPOSED_MRN: 30,
    Likeness.SOUND_AND_BIRTH: 25,
    Likeness.TRANSPOSED_PHONE: 20,
    Likeness.PHONE: 5,
}
LIKELY: Final = 20
"""From this weight on a pair is shown first; below stand families that share a phone."""


@dataclass(frozen=True, slots=True)
class PairSnapshot:
    """Two persons who may be one; ``different_at`` is when somebody said that they are not."""

    id: int
    facility_id: int
    first_id: int
    second_id: int
    reasons: tuple[Likeness, ...]
    weight: int
    different_at: datetime | None
    different_by: int | None


def weight_of(reasons: Iterable[Likeness]) -> int:
    """How much speaks for one person; more than one reason adds up."""
    return min(sum(WEIGHTS[each] for each in set(reasons)), 999)


def is_transposed(first: str, second: str) -> bool:
    """Whether two texts differ by two neighbouring characters that changed places."""
    if len(first) != len(second) or first == second:
        return False
    apart = [at for at in range(len(first)) if first[at] != second[at]]
    return (
        len(apart) == 2
        and apart[1] == apart[0] + 1
        and (first[apart[0]], first[apart[1]]) == (second[apart[1]], second[apart[0]])
    )


def is_transposed_day(first: str, second: str) -> bool:
    """The same for days written YYYYMMDD, where month and day may have changed places too."""
    swapped = first[:4] + first[6:] + first[4:6]
    return is_transposed(first, second) or (first != second and swapped == second)
