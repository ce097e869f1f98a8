"""What made-up hospitals are made of: their departments, how long patients stay, what they come with.

Shares, stays and risks are of the size that national statistics show, rounded; they describe no real hospital.
"""

from __future__ import annotations

from dataclasses import dataclass

SURGERY_RESTS = 0.35
MEDICINE_RESTS = 0.6
NEVER_RESTS = 0.95


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """An ICD-10 code that a department discharges, with the ages (years) and the sex it fits, and how common it is.

    ``returns`` are the codes with which patients come back within weeks, empty where it is the same once more; nobody
    dies of what is ``mild``.
    """

    code: str
    youngest: int = 18
    oldest: int = 95
    sex: str = ""
    weight: int = 1
    returns: tuple[str, ...] = ()
    mild: bool = False


@dataclass(frozen=True, slots=True)
class DepartmentKind:
    """One department: its share of discharges, mean stay in days, chance of a return within 30 days, its cases.

    ``mortality`` is the chance that an adult dies during the stay, but of what is mild; ``weekend`` the discharges of
    a Saturday or Sunday as a share of a weekday's; ``winter`` how much busier January is
    than the mean of the year (July is as much calmer).
    """

    code: str
    name: str
    name_zh: str
    share: float
    mean_stay: float
    return_risk: float
    diagnoses: tuple[Diagnosis, ...]
    surgical: bool = False
    encounter_class: str = "inpatient"
    mortality: float = 0.01
    weekend: float = MEDICINE_RESTS
    winter: float = 0.0
    sensitive: bool = False


_AFTER_SURGERY = ("T81.4", "K91.8", "K56.7")
_AFTER_JOINTS = ("T84.5", "T81.4", "I80.2")
_AFTER_FRACTURES = ("T81.4", "I80.2")
_AFTER_BIRTH = ("O86.0", "O72.2")
_AFTER_UROLOGY = ("N39.0", "T81.4")

DEPARTMENTS: tuple[DepartmentKind, ...] = (
    DepartmentKind(
        "GS",
        "General Surgery",
        "普外科",
        0.17,
        4.2,
        0.07,
        (
            Diagnosis("K80.2", weight=3, returns=_AFTER_SURGERY),
            Diagnosis("K35.8", 8, 80, weight=3, returns=_AFTER_SURGERY),
            Diagnosis("K40.9", 20, 90, "male", 2, ("T81.4",), mild=True),
            Diagnosis("K57.3", 45),
            Diagnosis("K56.6", 30),
            Diagnosis("C18.9", 45, 90, returns=_AFTER_SURGERY),
        ),
        surgical=True,
        mortality=0.009,
        weekend=SURGERY_RESTS,
    ),
    DepartmentKind(
        "ORT",
        "Orthopaedics",
        "骨科",
        0.13,
        6.1,
        0.05,
        (
            Diagnosis("S72.0", 60, weight=2, returns=_AFTER_JOINTS),
            Diagnosis("M17.1", 50, weight=2, returns=_AFTER_JOINTS),
            Diagnosis("S82.6", 16, 80, returns=_AFTER_FRACTURES, mild=True),
            Diagnosis("M51.2", 25, 80, mild=True),
            Diagnosis("S52.5", 14, returns=_AFTER_FRACTURES, mild=True),
            Diagnosis("M16.1", 50, returns=_AFTER_JOINTS),
        ),
        surgical=True,
        mortality=0.008,
        weekend=SURGERY_RESTS,
        winter=0.1,
    ),
    DepartmentKind(
        "CAR",
        "Cardiology",
        "心内科",
        0.15,
        5.0,
        0.13,
        (
            Diagnosis("I50.0", 50, weight=3),
            Diagnosis("I48.0", 45, weight=2),
            Diagnosis("I20.9", 40, weight=2),
            Diagnosis("I21.4", 40, weight=2),
            Diagnosis("I10", 35, mild=True),
            Diagnosis("R07.4", 25, 85, mild=True),
        ),
        mortality=0.025,
        winter=0.12,
    ),
    DepartmentKind(
        "RES",
        "Respiratory Medicine",
        "呼吸与危重症医学科",
        0.13,
        6.4,
        0.16,
        (
            Diagnosis("J44.1", 45, weight=3),
            Diagnosis("J18.9", 18, weight=4),
            Diagnosis("J45.9", 18, 75),
            Diagnosis("C34.9", 50, 88),
            Diagnosis("J47", 40),
        ),
        mortality=0.03,
        winter=0.35,
    ),
    DepartmentKind(
        "OBG",
        "Obstetrics and Gynaecology",
        "妇产科",
        0.14,
        2.6,
        0.03,
        (
            Diagnosis("O80", 18, 44, "female", 5, _AFTER_BIRTH),
            Diagnosis("O82", 20, 44, "female", 3, _AFTER_BIRTH),
            Diagnosis("D25.9", 30, 55, "female", returns=("T81.4",)),
            Diagnosis("O47.0", 18, 42, "female"),
            Diagnosis("N81.2", 45, 85, "female", returns=("T81.4", "N39.0")),
            Diagnosis("O03.9", 18, 44, "female", returns=("O08.0",)),
        ),
        mortality=0.0,
        weekend=NEVER_RESTS,
    ),
    DepartmentKind(
        "PAE",
        "Paediatrics",
        "儿科",
        0.10,
        2.4,
        0.05,
        (
            Diagnosis("J21.9", 0, 2, weight=3),
            Diagnosis("J20.9", 1, 13, weight=2),
            Diagnosis("A09", 0, 13, weight=2),
            Diagnosis("J45.0", 4, 13),
            Diagnosis("N39.0", 0, 13),
            Diagnosis("R56.0", 0, 5),
        ),
        mortality=0.0,
        weekend=NEVER_RESTS,
        winter=0.4,
    ),
    DepartmentKind(
        "NEU",
        "Neurology",
        "神经内科",
        0.08,
        7.2,
        0.10,
        (
            Diagnosis("I63.9", 50, weight=3),
            Diagnosis("G40.9", 18, 80),
            Diagnosis("G45.9", 50),
            Diagnosis("G35", 20, 65),
            Diagnosis("G20", 55),
        ),
        mortality=0.03,
    ),
    DepartmentKind(
        "OPH",
        "Ophthalmology",
        "眼科",
        0.10,
        1.2,
        0.02,
        (
            Diagnosis("H25.1", 55, weight=4, returns=("H26.4", "H59.8")),
            Diagnosis("H40.1", 50, weight=2),
            Diagnosis("H33.0", 35, 80),
        ),
        surgical=True,
        encounter_class="day case",
        mortality=0.0,
        weekend=0.05,
    ),
)
"""The departments of a general hospital."""

MORE_DEPARTMENTS: tuple[DepartmentKind, ...] = (
    DepartmentKind(
        "EMD",
        "Emergency Department",
        "急诊科",
        0.30,
        0.2,
        0.08,
        (
            Diagnosis("S01.8", 5, 90, weight=2, mild=True),
            Diagnosis("R10.4", 14, 85, weight=2),
            Diagnosis("S93.4", 8, 75, weight=2, mild=True),
            Diagnosis("R07.4", 25),
            Diagnosis("R55", 16),
            Diagnosis("J06.9", 0, 80, mild=True),
            Diagnosis("S06.0", 3, 90),
        ),
        encounter_class="emergency",
        mortality=0.004,
        weekend=1.05,
        winter=0.1,
    ),
    DepartmentKind(
        "GAS",
        "Gastroenterology",
        "消化内科",
        0.10,
        4.6,
        0.11,
        (
            Diagnosis("K92.2", 35),
            Diagnosis("K29.7", 18, 85, weight=2),
            Diagnosis("K50.9", 18, 60),
            Diagnosis("K74.6", 40, 80),
            Diagnosis("K85.9", 25, 80),
        ),
        mortality=0.018,
    ),
    DepartmentKind(
        "ONC",
        "Oncology",
        "肿瘤科",
        0.09,
        4.8,
        0.20,
        (
            Diagnosis("C50.9", 35, 85, "female", 2),
            Diagnosis("C61", 55, 90, "male", 2),
            Diagnosis("C34.9", 50, 85),
            Diagnosis("C20", 45, 85),
            Diagnosis("Z51.1", 35, 85, weight=3),
        ),
        mortality=0.04,
        weekend=0.4,
    ),
    DepartmentKind(
        "URO",
        "Urology",
        "泌尿外科",
        0.08,
        3.4,
        0.08,
        (
            Diagnosis("N20.1", 20, 75, weight=2, returns=("N20.1", "N39.0")),
            Diagnosis("N40", 55, 92, "male", 2, _AFTER_UROLOGY),
            Diagnosis("C67.9", 50, 88, returns=_AFTER_UROLOGY),
            Diagnosis("N39.0", 20),
        ),
        surgical=True,
        mortality=0.005,
        weekend=SURGERY_RESTS,
    ),
    DepartmentKind(
        "NEP",
        "Nephrology",
        "肾内科",
        0.06,
        6.8,
        0.17,
        (Diagnosis("N18.5", 35, weight=2), Diagnosis("N17.9", 40), Diagnosis("N04.9", 14, 70)),
        mortality=0.03,
    ),
    DepartmentKind(
        "PSY",
        "Psychiatry",
        "精神科",
        0.05,
        16.0,
        0.12,
        (
            Diagnosis("F32.2", 16, 85, weight=2),
            Diagnosis("F20.0", 17, 65),
            Diagnosis("F31.9", 18, 70),
            Diagnosis("F10.3", 22, 70),
        ),
        mortality=0.001,
        weekend=0.3,
        sensitive=True,
    ),
)
"""What larger hospitals have besides."""

GENERAL_WARDS = frozenset({"GS", "ORT", "CAR", "RES", "NEU", "GAS", "NEP", "URO"})
"""Departments whose adult patients move between them and come back to any of them."""

ALL_DEPARTMENTS = DEPARTMENTS + MORE_DEPARTMENTS

COMORBIDITIES = ("I10", "E11.9", "E78.5", "J44.9", "N18.3", "I25.1", "I48.9", "M81.9")
"""What people past fifty have besides."""
