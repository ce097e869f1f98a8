"""Comorbidity from ICD-10 codes: the groups of Charlson, as LACE weighs them.

The prefixes are those of Quan H et al., Coding algorithms for defining comorbidities in ICD-9-CM and ICD-10
administrative data, Med Care 2005;43:1130–1139 (table 1, "ICD-10"). The points are those of the LACE index: van
Walraven C et al., CMAJ 2010;182(6):551–557. Quan's one group of renal disease is two in LACE; what is severe of it
(end stage, dialysis, transplant) follows Glasheen WP et al., Am Health Drug Benefits 2019;12:188–197. Peptic ulcer
and paralysis are groups of Charlson without points in LACE.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache


class Illness(StrEnum):
    """The groups."""

    MYOCARDIAL_INFARCTION = "myocardial_infarction"
    HEART_FAILURE = "heart_failure"
    PERIPHERAL_VASCULAR = "peripheral_vascular"
    CEREBROVASCULAR = "cerebrovascular"
    DEMENTIA = "dementia"
    CHRONIC_PULMONARY = "chronic_pulmonary"
    CONNECTIVE_TISSUE = "connective_tissue"
    PEPTIC_ULCER = "peptic_ulcer"
    MILD_LIVER = "mild_liver"
    DIABETES = "diabetes"
    DIABETES_WITH_DAMAGE = "diabetes_with_damage"
    PARALYSIS = "paralysis"
    RENAL = "renal"
    SEVERE_RENAL = "severe_renal"
    TUMOUR = "tumour"
    SEVERE_LIVER = "severe_liver"
    METASTATIC_TUMOUR = "metastatic_tumour"
    AIDS = "aids"


def _span(letter: str, first: int, last: int) -> tuple[str, ...]:
    """``_span("C", 0, 2)`` is C00, C01, C02."""
    return tuple(f"{letter}{number:02}" for number in range(first, last + 1))


def _each(stems: Iterable[str], endings: str) -> tuple[str, ...]:
    """Each stem with each of the endings, which are single characters."""
    return tuple(stem + ending for stem in stems for ending in endings)


_DIABETES = _span("E", 10, 14)

PREFIXES: Mapping[Illness, tuple[str, ...]] = {
    Illness.MYOCARDIAL_INFARCTION: ("I21", "I22", "I252"),
    Illness.HEART_FAILURE: (
        "I099", "I110", "I130", "I132", "I255", "I420", *_each(("I42",), "56789"), "I43", "I50", "P290",
    ),
    Illness.PERIPHERAL_VASCULAR: (
        "I70", "I71", "I731", "I738", "I739", "I771", "I790", "I792", "K551", "K558", "K559", "Z958", "Z959",
    ),
    Illness.CEREBROVASCULAR: ("G45", "G46", "H340", *_span("I", 60, 69)),
    Illness.DEMENTIA: (*_span("F", 0, 3), "F051", "G30", "G311"),
    Illness.CHRONIC_PULMONARY: (
        "I278", "I279", *_span("J", 40, 47), *_span("J", 60, 67), "J684", "J701", "J703",
    ),
    Illness.CONNECTIVE_TISSUE: ("M05", "M06", "M315", *_span("M", 32, 34), "M351", "M353", "M360"),
    Illness.PEPTIC_ULCER: _span("K", 25, 28),
    Illness.MILD_LIVER: (
        "B18", *_each(("K70",), "01239"), *_each(("K71",), "3457"), "K73", "K74", *_each(("K76",), "023489"), "Z944",
    ),
    Illness.DIABETES: _each(_DIABETES, "01689"),
    Illness.DIABETES_WITH_DAMAGE: _each(_DIABETES, "23457"),
    Illness.PARALYSIS: (
        "G041", "G114", "G801", "G802", "G81", "G82", *_each(("G83",), "012349"),
    ),
    Illness.RENAL: (
        "I120", "I131", *_each(("N03", "N05"), "234567"), "N18", "N19", "N250", *_each(("Z49",), "012"), "Z940", "Z992",
    ),
    Illness.SEVERE_RENAL: (
        "I120", "N180", "N185", "N186", "N19", "N250", *_each(("Z49",), "012"), "Z940", "Z992",
    ),
    Illness.TUMOUR: (
        *_span("C", 0, 26), *_span("C", 30, 34), *_span("C", 37, 41), "C43", *_span("C", 45, 58),
        *_span("C", 60, 76), *_span("C", 81, 85), "C88", *_span("C", 90, 97),
    ),
    Illness.SEVERE_LIVER: (
        "I850", "I859", "I864", "I982", "K704", "K711", "K721", "K729", "K765", "K766", "K767",
    ),
    Illness.METASTATIC_TUMOUR: _span("C", 77, 80),
    Illness.AIDS: ("B20", "B21", "B22", "B24"),
}  # fmt: skip

LACE_POINTS: Mapping[Illness, int] = {
    Illness.MYOCARDIAL_INFARCTION: 1,
    Illness.CEREBROVASCULAR: 1,
    Illness.PERIPHERAL_VASCULAR: 1,
    Illness.DIABETES: 1,
    Illness.HEART_FAILURE: 2,
    Illness.DIABETES_WITH_DAMAGE: 2,
    Illness.CHRONIC_PULMONARY: 2,
    Illness.MILD_LIVER: 2,
    Illness.RENAL: 2,
    Illness.TUMOUR: 2,
    Illness.DEMENTIA: 3,
    Illness.CONNECTIVE_TISSUE: 3,
    Illness.AIDS: 4,
    Illness.SEVERE_LIVER: 4,
    Illness.SEVERE_RENAL: 4,
    Illness.METASTATIC_TUMOUR: 6,
    Illness.PEPTIC_ULCER: 0,
    Illness.PARALYSIS: 0,
}

_MILDER = {
    Illness.DIABETES_WITH_DAMAGE: Illness.DIABETES,
    Illness.SEVERE_LIVER: Illness.MILD_LIVER,
    Illness.SEVERE_RENAL: Illness.RENAL,
    Illness.METASTATIC_TUMOUR: Illness.TUMOUR,
}
"""The graver form counts in place of the milder one."""


def _by_prefix() -> dict[str, frozenset[Illness]]:
    found: dict[str, frozenset[Illness]] = {}
    for illness, prefixes in PREFIXES.items():
        for prefix in prefixes:
            found[prefix] = found.get(prefix, frozenset()) | {illness}
    return found


_ILLNESSES = _by_prefix()
_LENGTHS = sorted({len(prefix) for prefix in _ILLNESSES})


@lru_cache(maxsize=20_000)
def _illnesses_of(code: str) -> frozenset[Illness]:
    """What one code stands for; a hospital writes the same codes again and again."""
    plain = code.upper().replace(".", "").replace(" ", "")
    none: frozenset[Illness] = frozenset()
    return none.union(*(_ILLNESSES.get(plain[:length], none) for length in _LENGTHS))


def illnesses(codes: Iterable[str]) -> frozenset[Illness]:
    """The groups that these ICD-10 codes (of any length, with or without dots) stand for, the graver of two forms."""
    none: frozenset[Illness] = frozenset()
    found = none.union(*map(_illnesses_of, codes))
    return found - {milder for graver, milder in _MILDER.items() if graver in found}


def lace_points(codes: Iterable[str]) -> int:
    """The sum of the points of LACE for these codes, before it is cut off."""
    return sum(LACE_POINTS[each] for each in illnesses(codes))
