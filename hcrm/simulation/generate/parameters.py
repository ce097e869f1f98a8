"""What a feed is made from: how many hospitals, how large, in which country, and how untidy their records are."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from random import Random
from typing import Literal, Self

from hcrm.simulation.catalogue import DEPARTMENTS, DepartmentKind
from hcrm.simulation.generate.names import HOSPITALS, TOWNS, TOWNS_ZH
from hcrm.simulation.generate.numbers import Country

Style = Literal["en", "zh"]

MOST_FACILITIES = 200
ZONES: dict[Country, str] = {"GB": "Europe/London", "US": "America/New_York", "CN": "Asia/Shanghai"}
SMALLEST, LARGEST = 0.25, 3.0
"""How far a hospital of a group may be from the mean size."""


class UnknownRate(Exception):
    """There is no rate of this name, or its value is no share between 0 and 1."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How often records are untidy; each is the chance, between 0 and 1, for what its comment names."""

    shared_phone: float = 0.04  # adult patients who give the phone of somebody at home who was a patient before
    missing_phone: float = 0.03  # patients without a number
    impossible_phone: float = 0.01  # patients whose number is no number
    wrong_number: float = 0.02  # patients whose number is somebody else's
    landline: float = 0.06  # patients whose only number is a landline
    ward_transfer: float = 0.05  # stays of two nights or more on general wards that began on another ward
    hospital_transfer: float = 0.01  # stays that end in a transfer to another hospital
    death_at_home: float = 0.002  # adults sent home whose death is reported two to twenty-five days later
    correction: float = 0.03  # discharges that are corrected one to twenty days later
    cancelled_discharge: float = 0.004  # discharges taken back, the patient goes home some days later
    cancelled_visit: float = 0.003  # discharged stays that prove entered in error up to ten days later
    duplicate: float = 0.008  # discharges that are sent twice
    double_registration: float = 0.05  # returning patients who are registered under a second number
    merge: float = 0.8  # second numbers that are found and merged, three to thirty days later

    def with_changes(self, changes: dict[str, float]) -> Self:
        """A copy with other rates; ``all`` stands for every one of them. Raises ``UnknownRate``."""
        known = {each.name for each in fields(self)}
        for name, value in changes.items():
            if name not in known | {"all"} or not 0 <= value <= 1:
                raise UnknownRate(name)
        start = replace(self, **dict.fromkeys(known, changes["all"])) if "all" in changes else self
        return replace(start, **{name: value for name, value in changes.items() if name != "all"})


@dataclass(frozen=True, slots=True)
class Facility:
    """One made-up hospital; ``weight`` is its size as a share of the mean."""

    index: int
    code: str
    name: str
    name_zh: str
    town: str
    town_zh: str
    weight: float
    kinds: tuple[DepartmentKind, ...]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Everything that a feed depends on.

    ``per_day`` is the mean number of discharges of a hospital on a weekday; ``chinese_share`` the share of
    Chinese-speaking patients (everybody in the style zh); ``kinds`` the departments of a hospital of mean size or more.
    """

    seed: int = 1
    per_day: float = 20
    country: Country = "GB"
    style: Style = "en"
    facilities: int = 1
    kinds: tuple[DepartmentKind, ...] = DEPARTMENTS
    chinese_share: float = 0.2
    prefix: str = "AVH"
    rates: Rates = field(default_factory=Rates)

    @property
    def zone(self) -> str:
        """The time zone in which local times are meant."""
        return ZONES[self.country]

    def group(self) -> tuple[Facility, ...]:
        """The hospitals: one of mean size, or a few large and many small ones."""
        rng = Random(f"{self.seed}:group")
        sizes = [rng.lognormvariate(0, 0.6) for _ in range(self.facilities)]
        mean = sum(sizes) / len(sizes)
        return tuple(
            self._facility(index, min(LARGEST, max(SMALLEST, size / mean))) for index, size in enumerate(sizes)
        )

    def _facility(self, index: int, weight: float) -> Facility:
        place, (name, name_zh) = index % len(TOWNS), HOSPITALS[index // len(TOWNS) % len(HOSPITALS)]
        town, town_zh = TOWNS[place], TOWNS_ZH[place]
        wards = len(self.kinds) if weight >= 1 else max(1, round(len(self.kinds) * weight))
        return Facility(
            index=index,
            code=self.prefix if index == 0 else f"H{index + 1:03d}",
            name=f"{town} {name}",
            name_zh=f"{town_zh.removesuffix('市')}{name_zh}",
            town=town,
            town_zh=town_zh,
            weight=weight,
            kinds=self.kinds[:wards],
        )
