"""Groups of discharges: by the chapter of the principal diagnosis, disposition, age, and what the follow-up came to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import pairwise

from hcrm.reporting.domain.reports import Label
from hcrm.reporting.domain.revisits import icd_4

_CHAPTERS = (
    ("A00", "B99", "Infections", "传染病和寄生虫病"),
    ("C00", "D48", "Tumours", "肿瘤"),
    ("D50", "D89", "Blood and immunity", "血液及免疫疾病"),
    ("E00", "E90", "Hormones, nutrition, metabolism", "内分泌、营养和代谢疾病"),
    ("F00", "F99", "Mind and behaviour", "精神和行为障碍"),
    ("G00", "G99", "Nervous system", "神经系统疾病"),
    ("H00", "H95", "Eye and ear", "眼和耳疾病"),
    ("I00", "I99", "Heart and circulation", "循环系统疾病"),
    ("J00", "J99", "Breathing", "呼吸系统疾病"),
    ("K00", "K93", "Digestion", "消化系统疾病"),
    ("L00", "L99", "Skin", "皮肤疾病"),
    ("M00", "M99", "Bones and muscles", "肌肉骨骼疾病"),
    ("N00", "N99", "Kidneys and urinary tract", "泌尿生殖系统疾病"),
    ("O00", "O99", "Pregnancy and birth", "妊娠、分娩和产褥期"),
    ("P00", "P96", "Newborns", "围生期疾病"),
    ("Q00", "Q99", "From birth", "先天性疾病"),
    ("R00", "R99", "Symptoms", "症状和体征"),
    ("S00", "T98", "Injuries", "损伤和中毒"),
    ("U00", "U99", "Special codes", "特殊编码"),
    ("V01", "Y98", "Causes from outside", "外因"),
    ("Z00", "Z99", "Other reasons for care", "其他就诊原因"),
)
"""Chapters of ICD-10: first and last code, what they are called."""

DIAGNOSIS_GROUPS: Mapping[str, Label] = {
    first: Label(first, english, chinese, f"{first}–{last}") for first, last, english, chinese in _CHAPTERS
}

_AGES = (0, 18, 45, 65, 75, 85)
AGE_BANDS: Mapping[str, Label] = {
    **{f"{low:02d}": Label(f"{low:02d}", f"{low}–{high - 1}") for low, high in pairwise(_AGES)},
    "85": Label("85", "85 +"),
}

DISPOSITIONS: Mapping[str, Label] = {
    key: Label(key, english, chinese)
    for key, english, chinese in (
        ("home", "Home", "医嘱离院"),
        ("home_care", "Home with care", "居家照护"),
        ("admitted", "Admitted to a ward", "收入院"),
        ("other_facility", "Other facility", "转社区或其他机构"),
        ("transfer_acute", "Another acute hospital", "医嘱转院"),
        ("against_advice", "Against advice", "非医嘱离院"),
        ("expired", "Died", "死亡"),
        ("hospice", "Hospice", "安宁疗护"),
        ("left_without_being_seen", "Left before being seen", "未就诊离开"),
        ("left_before_completion", "Left before the end", "诊疗未完成离开"),
        ("unknown", "Not recorded", "未记录"),
    )
}

REACHED, NOT_REACHED, NO_CALL = "reached", "not_reached", "no_call"
OUTCOMES: Mapping[str, Label] = {
    REACHED: Label(REACHED, "Reached by a person", "已由人员联系到"),
    NOT_REACHED: Label(NOT_REACHED, "Not reached", "未联系到"),
    NO_CALL: Label(NO_CALL, "No call planned", "未安排电话"),
}
"""What the follow-up of a discharge came to. Comparing them says nothing about what a call does."""


def diagnosis_group(diagnosis: str) -> str | None:
    """The first code of the chapter that a diagnosis lies in; None without a code of ICD-10."""
    code = icd_4(diagnosis)[:3]
    return next((first for first, last, _en, _zh in _CHAPTERS if first <= code <= last), None) if code else None


def age_band(born_on: date | None, on: date | None) -> str | None:
    """The band of a person's age on a day; None where the birth date is not known."""
    if born_on is None or on is None or on < born_on:
        return None
    years = years_old(born_on, on)
    return f"{max(low for low in _AGES if low <= years):02d}"


def years_old(born_on: date, on: date) -> int:
    """Completed years."""
    return on.year - born_on.year - ((on.month, on.day) < (born_on.month, born_on.day))
