"""What a report is: rows and a total, the same for a page, an export and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from hcrm.reporting.domain.definitions import Definition
from hcrm.reporting.domain.funnel import Funnel, rate
from hcrm.reporting.domain.measures import Link
from hcrm.survey.domain.scoring import Score, wilson

ALL = "all"
"""The key of the group of a report that is not grouped, and of the total."""

UNKNOWN = "unknown"
"""The key of the group of records that lack what the report is grouped by."""


@dataclass(frozen=True, slots=True)
class Label:
    """A group: ``key`` identifies it (an id, ``2026-10``), the names are the hospital's, ``code`` its own code."""

    key: str
    name: str
    name_zh: str = ""
    code: str = ""

    def in_language(self, language: str) -> str:
        return (self.name_zh or self.name) if language.startswith("zh") else self.name


TOTAL = Label(ALL, ALL)
NOWHERE = Label(UNKNOWN, UNKNOWN)


class By(StrEnum):
    """What a report is grouped by."""

    DEPARTMENT = "department"
    MONTH = "month"
    FACILITY = "facility"
    TIER = "tier"
    CHANNEL = "channel"
    CLINICIAN = "clinician"
    QUESTION = "question"
    STEP = "step"
    STAFF = "staff"
    DAY = "day"
    WEEK = "week"
    DIAGNOSIS = "diagnosis"
    DISPOSITION = "disposition"
    AGE = "age"
    OUTCOME = "outcome"
    NONE = "none"


REVISIT_GROUPINGS = (
    By.DEPARTMENT,
    By.MONTH,
    By.FACILITY,
    By.DIAGNOSIS,
    By.DISPOSITION,
    By.AGE,
    By.OUTCOME,
    By.NONE,
)
FOLLOWUP_GROUPINGS = (
    By.DEPARTMENT,
    By.TIER,
    By.CHANNEL,
    By.CLINICIAN,
    By.STAFF,
    By.STEP,
    By.MONTH,
    By.WEEK,
    By.DAY,
    By.NONE,
)
PERSONAL_GROUPINGS = (By.CLINICIAN, By.STAFF)
"""Groupings whose groups are persons."""

LEAST_OF_A_PERSON = 30
"""With fewer tasks due no share of a person is told, in whatever form."""

IMPERSONAL_GROUPINGS = tuple(by for by in FOLLOWUP_GROUPINGS if by is not By.STAFF)
"""What everybody who sees figures may group by; what each person did is for whoever reviews their work."""

SATISFACTION_GROUPINGS = (By.DEPARTMENT, By.QUESTION, By.MONTH, By.NONE)


class Basis(StrEnum):
    """In which period a task counts: where its window ends, or where the patient went home."""

    WINDOW = "window"
    DISCHARGE = "discharge"


class BadPeriod(ValueError):
    """A period that ends before it begins."""


class UnknownMeasure(ValueError):
    """No measure has this code; the argument is the code."""


class AmbiguousMeasure(UnknownMeasure):
    """Several hospitals have made a measure of this code; the argument is the code."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records a report is about: days (both included, None = unbounded), and where.

    ``scope`` maps facilities to the departments in them (None = all of them); None is everything (the command line).
    ``department_id`` narrows it to one department. Raises ``BadPeriod``.
    """

    from_on: date | None = None
    to_on: date | None = None
    scope: Mapping[int, frozenset[int] | None] | None = None
    department_id: int | None = None

    def __post_init__(self) -> None:
        if self.from_on and self.to_on and self.to_on < self.from_on:
            raise BadPeriod(f"{self.from_on}/{self.to_on}")


def in_department(selection: Selection, department_id: int | None) -> Selection:
    """The same days and scope in one department; None: in all of them."""
    return Selection(selection.from_on, selection.to_on, selection.scope, department_id)


@dataclass(frozen=True, slots=True)
class Group:
    """One group of a report: what it is grouped by, and the key of its label (``UNKNOWN`` for what lacks it)."""

    by: By
    key: str

    def holds(self, key: object) -> bool:
        """Whether a record with this key of the grouping is in the group."""
        return (UNKNOWN if key is None else str(key)) == self.key


@dataclass(frozen=True, slots=True)
class Rate:
    """``numerator`` of ``denominator`` with Wilson's 95 % interval; None with nothing to divide by or ``withheld``."""

    numerator: int
    denominator: int
    withheld: bool = False

    @property
    def value(self) -> float | None:
        return None if self.withheld else rate(self.numerator, self.denominator)

    @property
    def interval(self) -> tuple[float, float] | None:
        return None if self.withheld else wilson(self.numerator, self.denominator)

    @property
    def low(self) -> float | None:
        return self.interval[0] if self.interval else None

    @property
    def high(self) -> float | None:
        return self.interval[1] if self.interval else None


@dataclass(frozen=True, slots=True)
class RevisitRow:
    """One group of indexes: ``rate`` of those with a revisit; ``provisional`` indexes are still inside the window."""

    label: Label
    rate: Rate
    excluded: Mapping[str, int] = field(default_factory=dict)
    provisional: int = 0
    bands: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RevisitReport:
    """A revisit measure in groups and in total."""

    measure: str
    definition: Definition
    link: Link
    by: By
    from_on: date | None
    to_on: date | None
    rows: tuple[RevisitRow, ...]
    total: RevisitRow


@dataclass(frozen=True, slots=True)
class FollowupRow:
    """The funnel of one group. ``discharged`` are live discharges in the period, ``followed_up`` those of them with a
    completed contact by a person (百分百随访); both None where a grouping is not about discharges. ``of_person``: the
    group is what one person did.
    """

    label: Label
    funnel: Funnel
    discharged: int | None = None
    followed_up: int | None = None
    of_person: bool = False

    @property
    def withheld(self) -> bool:
        """Whether the shares of the group are not told: a person with too few tasks due."""
        return self.of_person and self.funnel.due < LEAST_OF_A_PERSON

    @property
    def in_time(self) -> Rate:
        return self._of_due(self.funnel.completed_in_time)

    @property
    def completion(self) -> Rate:
        return self._of_due(self.funnel.completed)

    @property
    def coverage(self) -> Rate:
        return self._of_due(self.funnel.attempted)

    @property
    def contact(self) -> Rate:
        return self._of_due(self.funnel.reached)

    @property
    def all_discharges(self) -> Rate | None:
        """Live discharges with a completed contact; None where a grouping is not about discharges."""
        if self.discharged is None or self.followed_up is None:
            return None
        return Rate(self.followed_up, self.discharged, self.withheld)

    def _of_due(self, count: int) -> Rate:
        return Rate(count, self.funnel.due, self.withheld)


@dataclass(frozen=True, slots=True)
class FollowupReport:
    """The follow-up funnel in groups and in total."""

    by: By
    basis: Basis
    from_on: date | None
    to_on: date | None
    rows: tuple[FollowupRow, ...]
    total: FollowupRow


@dataclass(frozen=True, slots=True)
class SatisfactionRow:
    """The answers to one question in one group.

    ``score`` is the share satisfied (4–5; 9–10 for a recommendation), ``positive`` its numerator. ``nps`` is −100 … 100
    and only for recommendations, ``index`` 0 … 100 and only where whole responses are summed up. A group of fewer than
    five answers is suppressed: only ``n`` is told.
    """

    label: Label
    question: str
    n: int
    score: Score
    top_box: Score
    mean: Score
    positive: int | None = None
    nps: Score | None = None
    index: Score | None = None
    modes: Mapping[str, int] = field(default_factory=dict)
    invited: int | None = None
    response_rate: Score | None = None
    delivered_rate: Score | None = None


@dataclass(frozen=True, slots=True)
class SatisfactionReport:
    """What patients say, in groups and in total."""

    questionnaire: str
    by: By
    from_on: date | None
    to_on: date | None
    rows: tuple[SatisfactionRow, ...]
    total: SatisfactionRow
