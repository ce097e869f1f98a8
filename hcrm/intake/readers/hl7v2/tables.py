"""Code tables of HL7 v2 and what their codes mean here; what hospitals write instead is in ``csv_rows.words``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from hcrm.intake.domain import Profile
from hcrm.intake.readers.csv_rows import words
from hcrm.intake.readers.csv_rows.words import fold
from hcrm.patients.domain import Disposition, Sex

UNIFORM_BILLING: Final[Mapping[str, Disposition]] = {
    "01": Disposition.HOME, "02": Disposition.TRANSFER_ACUTE, "03": Disposition.OTHER_FACILITY,
    "04": Disposition.OTHER_FACILITY, "05": Disposition.TRANSFER_ACUTE, "06": Disposition.HOME_CARE,
    "07": Disposition.AGAINST_ADVICE, "08": Disposition.HOME_CARE, "09": Disposition.ADMITTED,
    "20": Disposition.EXPIRED, "21": Disposition.OTHER_FACILITY, "40": Disposition.EXPIRED, "41": Disposition.EXPIRED,
    "42": Disposition.EXPIRED, "43": Disposition.TRANSFER_ACUTE, "50": Disposition.HOSPICE, "51": Disposition.HOSPICE,
    "61": Disposition.OTHER_FACILITY, "62": Disposition.OTHER_FACILITY, "63": Disposition.OTHER_FACILITY,
    "64": Disposition.OTHER_FACILITY, "65": Disposition.OTHER_FACILITY, "66": Disposition.TRANSFER_ACUTE,
    "70": Disposition.OTHER_FACILITY,
}  # fmt: skip
"""Table 0112 (PV1-36), which is the discharge status of US bills. A Chinese 5 means death, this 05 does not."""

PLANNED: Final[Mapping[str, bool]] = {
    "C": True, "R": True, "A": False, "E": False, "U": False, "L": False, "N": False,
    "1": False, "2": False, "3": True, "4": False, "5": False,
}  # fmt: skip
"""Table 0007 (PV1-4), and the numbers that US hospitals use: elective and routine admissions are planned."""

NUMBER_TYPES: Final = ("MR", "MRN", "PI", "PK", "PT", "PE", "")
"""Types of PID-3 that can be the hospital's own number of a patient, the likeliest first (table 0203)."""

NO_IDENTIFIERS: Final = frozenset(
    {"SS", "SSN", "SB", "AN", "VN", "DL", "DLN", "BC", "BA", "BN", "CC", "MC", "MA", "TAX"}
)
"""Types that are not kept: numbers of accounts, visits, cards, and such as are filled in with nines."""

NO_PHONES: Final = frozenset({"FX", "BP", "MD", "TDD", "TTY", "INTERNET", "X.400", "NET", "SAT"})
"""Equipment (XTN-3) on which nobody can be called."""

MOBILE: Final = "CP"


def disposition_reader(profile: Profile, region: str) -> Callable[[str], Disposition | None]:
    """Reads PV1-36: the hospital's own words first, then table 0112 (not in China), then words."""
    own = {fold(word): Disposition(code) for word, code in profile.dispositions.items()}
    codes = {} if region == "CN" else UNIFORM_BILLING

    def read(text: str) -> Disposition | None:
        word = fold(text)
        code = codes.get(word.zfill(2)) if word.isdigit() else None
        return own.get(word) or code or words.DISPOSITIONS.get(word)

    return read


def sex_reader(profile: Profile) -> Callable[[str], Sex | None]:
    """Reads PID-8; A (ambiguous) and N (not applicable) count as other."""
    own = {fold(word): Sex(code) for word, code in profile.sexes.items()}
    known = {**words.SEXES, fold("A"): Sex.OTHER, fold("N"): Sex.OTHER}

    def read(text: str) -> Sex | None:
        return own.get(fold(text)) or known.get(fold(text))

    return read
