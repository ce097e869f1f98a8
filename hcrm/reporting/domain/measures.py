"""The revisit measures a hospital finds on the first day; each is a small named object, a new one needs no code.

Sources of the definitions are named in docs/figures.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

IMP, EMER, OBSENC = "IMP", "EMER", "OBSENC"
ANY_ACUTE = frozenset({IMP, EMER, OBSENC})


class Link(StrEnum):
    """Whether stays that touch (the next begins on or before the day the previous ended) are one episode."""

    EPISODE = "episode"
    NONE = "none"


class Unit(StrEnum):
    """What a window counts: calendar days in the zone of the index's facility, or hours elapsed."""

    DAYS = "days"
    HOURS = "hours"


class Exclusion(StrEnum):
    """Why an episode that ended in the period is no index. Every measure excludes deaths."""

    DIED = "died"
    ADMITTED = "admitted"
    AGAINST_ADVICE = "against_advice"
    TRANSFER_ACUTE = "transfer_acute"
    RETURN_PLANNED = "return_planned"


class Counted(StrEnum):
    """Which later episodes of the revisit classes can be the revisit.

    FIRST: the first suitable one (planned ones are passed over where the measure counts unplanned ones only).
    ANY: any suitable one inside the window, an earlier one outside it hides nothing.
    FIRST_DECIDES: the first one of all; if it is planned, none counts.
    """

    FIRST = "first"
    ANY = "any"
    FIRST_DECIDES = "first_decides"


@dataclass(frozen=True, slots=True)
class Measure:
    """One revisit measure: who is an index, what counts as coming back, and until when.

    ``first`` and ``last`` bound the window, both included, in ``unit``. ``discharge_day`` is the number given to the
    day of discharge (0; some inspectors say 1). ``bands`` are ranges of days that the revisits are itemised by.
    ``index_diagnoses`` are beginnings of ICD-10 codes without the point (``I50``): only episodes whose principal
    diagnosis begins with one of them are indexes; none means all. ``same_department``: the revisit begins in the
    department that the index ended in.
    """

    code: str
    index_classes: frozenset[str]
    revisit_classes: frozenset[str]
    last: int
    first: int = 0
    unit: Unit = Unit.DAYS
    link: Link = Link.NONE
    excluded: frozenset[Exclusion] = frozenset({Exclusion.DIED})
    counted: Counted = Counted.FIRST
    unplanned_only: bool = False
    same_facility: bool = False
    same_department: bool = False
    same_diagnosis: bool = False
    no_return_plan: bool = False
    ignored_diagnoses: tuple[str, ...] = ()
    index_diagnoses: tuple[str, ...] = ()
    bands: tuple[tuple[int, int], ...] = ()
    discharge_day: int = 0

    def linked(self, link: Link | None) -> Measure:
        """The same measure with another rule of linking; ``None`` keeps its own."""
        return self if link is None else replace(self, link=link)


_INPATIENT = frozenset({IMP})
_EMERGENCY = frozenset({EMER})
_CMS_EXCLUDED = frozenset({Exclusion.DIED, Exclusion.AGAINST_ADVICE, Exclusion.TRANSFER_ACUTE})
_SHIPPED = (
    Measure("readmit_30d", _INPATIENT, _INPATIENT, 30, link=Link.EPISODE),
    Measure("readmit_7d", _INPATIENT, _INPATIENT, 7, link=Link.EPISODE),
    Measure("readmit_30d_raw", _INPATIENT, _INPATIENT, 30),
    Measure(
        "readmit_2_31d",
        _INPATIENT,
        _INPATIENT,
        31,
        first=2,
        excluded=frozenset({Exclusion.DIED, Exclusion.RETURN_PLANNED}),
        counted=Counted.ANY,
        unplanned_only=True,
    ),
    Measure(
        "unexpected_0_31d_cn",
        _INPATIENT,
        _INPATIENT,
        31,
        same_facility=True,
        same_diagnosis=True,
        no_return_plan=True,
        ignored_diagnoses=("Z510", "Z511", "Z512", "Z518"),
        bands=((0, 0), (1, 1), (2, 15), (16, 31)),
    ),
    Measure("acute_return_30d", _INPATIENT, ANY_ACUTE, 30, link=Link.EPISODE),
    Measure(
        "ed_return_72h",
        _EMERGENCY,
        _EMERGENCY,
        72,
        unit=Unit.HOURS,
        excluded=frozenset({Exclusion.DIED, Exclusion.ADMITTED}),
    ),
    Measure("ed_return_7d", _EMERGENCY, frozenset({EMER, IMP}), 7),
    Measure("emergency_readmit_29d", _INPATIENT, _INPATIENT, 29, link=Link.EPISODE, unplanned_only=True),
    Measure(
        "readmit_30d_cms",
        _INPATIENT,
        _INPATIENT,
        30,
        first=1,
        link=Link.EPISODE,
        excluded=_CMS_EXCLUDED,
        counted=Counted.FIRST_DECIDES,
        unplanned_only=True,
    ),
)
MEASURES = MappingProxyType({measure.code: measure for measure in _SHIPPED})
"""The shipped measures by their code."""
