"""The LACE index and the groups of Charlson, against the published tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcrm.followup.domain.charlson import LACE_POINTS, PREFIXES, Illness, illnesses, lace_points
from hcrm.followup.domain.plan import RiskLevel
from hcrm.followup.domain.risk import MOST_POINTS, RiskPart, assess_risk

QUAN = {
    Illness.MYOCARDIAL_INFARCTION: ("I21.0", "I22.9", "I25.2"),
    Illness.HEART_FAILURE: ("I09.9", "I11.0", "I13.2", "I25.5", "I42.0", "I42.9", "I43.1", "I50.1", "P29.0"),
    Illness.PERIPHERAL_VASCULAR: ("I70.2", "I71.4", "I73.1", "I77.1", "I79.2", "K55.1", "K55.9", "Z95.8"),
    Illness.CEREBROVASCULAR: ("G45.9", "G46.0", "H34.0", "I60.1", "I69.8"),
    Illness.DEMENTIA: ("F00.1", "F03", "F05.1", "G30.9", "G31.1"),
    Illness.CHRONIC_PULMONARY: ("I27.8", "J40", "J44.1", "J47", "J60", "J67.9", "J68.4", "J70.3"),
    Illness.CONNECTIVE_TISSUE: ("M05.3", "M06.9", "M31.5", "M32.1", "M34.0", "M35.1", "M36.0"),
    Illness.PEPTIC_ULCER: ("K25.0", "K28.9"),
    Illness.MILD_LIVER: ("B18.2", "K70.3", "K70.9", "K71.7", "K73.2", "K74.6", "K76.0", "Z94.4"),
    Illness.DIABETES: ("E10.0", "E11.9", "E12.1", "E13.6", "E14.8"),
    Illness.DIABETES_WITH_DAMAGE: ("E10.2", "E11.5", "E12.7", "E14.3"),
    Illness.PARALYSIS: ("G04.1", "G81.9", "G82.2", "G83.4", "G83.9"),
    Illness.RENAL: ("I13.1", "N03.2", "N05.7", "N18.3", "N18.9"),
    Illness.SEVERE_RENAL: ("I12.0", "N18.5", "N19", "Z49.1", "Z94.0", "Z99.2"),
    Illness.TUMOUR: ("C00.1", "C26.9", "C34.1", "C43.9", "C50.4", "C61", "C76.0", "C81.9", "C88.0", "C97"),
    Illness.SEVERE_LIVER: ("I85.0", "I98.2", "K70.4", "K71.1", "K72.9", "K76.6"),
    Illness.METASTATIC_TUMOUR: ("C77.0", "C78.7", "C80"),
    Illness.AIDS: ("B20.0", "B22.7", "B24"),
}
"""Codes of each row of the published table."""


@pytest.mark.parametrize(("illness", "codes"), QUAN.items())
def test_the_codes_of_each_group_are_the_published_ones(illness, codes):
    for code in codes:
        assert illnesses([code]) == {illness}, code
        assert illnesses([code.replace(".", "").lower()]) == {illness}, code


@pytest.mark.parametrize(
    "code",
    ["I20.0", "I25.1", "I42.1", "J12.9", "C44.9", "C35", "C86", "E11.4X"[:2], "K76.1", "N17.9", "B23", "Z94.1", ""],
)
def test_codes_beside_the_groups_count_nothing(code):
    assert illnesses([code]) == frozenset()


def test_no_group_of_the_published_table_is_forgotten():
    assert set(PREFIXES) == set(LACE_POINTS) == set(Illness) == set(QUAN)


@pytest.mark.parametrize(
    ("codes", "points"),
    [
        (("E11.9", "E11.2"), 2),
        (("C50.9", "C78.0"), 6),
        (("K74.6", "K72.9"), 4),
        (("N18.3", "Z99.2"), 4),
        (("I21.0", "I21.4", "I25.2"), 1),
        (("I50.0", "J44.1", "E11.9"), 5),
        (("K25.0", "G81.9"), 0),
    ],
)
def test_the_graver_form_counts_in_place_of_the_milder_and_each_group_once(codes, points):
    assert lace_points(codes) == points


@pytest.mark.parametrize(
    ("days", "points"), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (6, 4), (7, 5), (13, 5), (14, 7), (90, 7)]
)
def test_length_of_stay_counts_as_in_the_published_table(days, points):
    assert assess_risk(days_in_hospital=days, planned=True, diagnoses=("Z00",), emergency_visits=0).score == points


@pytest.mark.parametrize(
    ("days", "planned", "codes", "visits", "score", "level"),
    [
        # 3 + 3 + 3 (heart failure 2, infarction 1) + 1
        (3, False, ("I50.9", "I21.4"), 1, 10, RiskLevel.HIGH),
        # 5 + 3 + 5 (four and more count five) + 4 (four and more count four)
        (8, False, ("I50.9", "J44.0"), 6, 17, RiskLevel.HIGH),
        # 2 + 0 + 1 + 1
        (2, True, ("E11.9",), 1, 4, RiskLevel.LOW),
        # 4 + 0 + 3 + 0
        (5, True, ("F03",), 0, 7, RiskLevel.MEDIUM),
        (14, False, ("C79.9",), 4, 19, RiskLevel.HIGH),
        (0, True, ("K80.2",), 0, 0, RiskLevel.LOW),
    ],
)
def test_the_index_is_the_sum_of_its_parts(days, planned, codes, visits, score, level):
    found = assess_risk(days_in_hospital=days, planned=planned, diagnoses=codes, emergency_visits=visits)
    assert (found.score, found.level) == (score, level)
    assert sum(points for _, points in found.points) == score
    assert found.missing == ()


KNOWN = st.one_of(st.none(), st.integers(0, 200))


@given(
    KNOWN, st.sampled_from([None, True, False]), st.lists(st.from_regex(r"[A-Z][0-9]{2}\.[0-9]", fullmatch=True)), KNOWN
)
def test_the_index_stays_in_its_bounds_and_says_what_is_missing(days, planned, codes, visits):
    found = assess_risk(days_in_hospital=days, planned=planned, diagnoses=codes, emergency_visits=visits)
    assert 0 <= found.score <= sum(MOST_POINTS.values()) == 19
    known = {
        RiskPart.LENGTH_OF_STAY: days is not None,
        RiskPart.ACUITY: planned is not None,
        RiskPart.COMORBIDITY: bool(codes),
        RiskPart.EMERGENCY_VISITS: visits is not None,
    }
    assert set(found.missing) == {part for part, there in known.items() if not there}
    assert all(0 <= points <= MOST_POINTS[part.value] for part, points in found.points)
