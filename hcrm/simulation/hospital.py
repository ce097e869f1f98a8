"""A made-up hospital that discharges patients day by day; the same days for the same seed.

Nothing here reads a clock or a database.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from hcrm.simulation.generate.numbers import Country
from hcrm.simulation.generate.parameters import Parameters, Rates
from hcrm.simulation.generate.records import Event, Person, Record, Stay
from hcrm.simulation.generate.stream import Stream

__all__ = ["TIDY", "Country", "Hospital", "Person", "Rates", "Record", "Stay"]

TIDY = Rates().with_changes(
    dict.fromkeys(("correction", "cancelled_discharge", "cancelled_visit", "duplicate", "double_registration"), 0.0)
)
"""Records that come once and are right."""


@dataclass
class Hospital:
    """Generates stays for consecutive days: ``for day, stays in Hospital(seed=1).days(first, 30): …``.

    ``per_day`` is the mean number of discharges on a weekday; ``chinese_share`` the share of Chinese-speaking patients
    (all of them where ``country`` is CN). ``rates`` tell how untidy the records of ``records`` are.
    """

    seed: int = 1
    per_day: float = 20
    country: Country = "GB"
    chinese_share: float = 0.2
    prefix: str = "AV"
    rates: Rates = field(default_factory=Rates)

    def days(self, first: date, count: int) -> Iterator[tuple[date, list[Stay]]]:
        """The stays that end on each of ``count`` days from ``first`` on, each once and as it was."""
        for day, records in self._records(TIDY, first, count, admissions=False):
            yield day, [record.stay for record in records if record.event is Event.DISCHARGED]

    def records(self, first: date, count: int, *, admissions: bool = False) -> Iterator[tuple[date, list[Record]]]:
        """What the hospital's system tells on each day: discharges, and what is corrected, repeated or taken back.

        ``admissions``: also who comes and who moves to another ward.
        """
        return self._records(self.rates, first, count, admissions=admissions)

    def parameters(self, rates: Rates | None = None) -> Parameters:
        """What its feed is made from."""
        return Parameters(
            seed=self.seed,
            per_day=self.per_day,
            country=self.country,
            style="zh" if self.country == "CN" else "en",
            chinese_share=self.chinese_share,
            prefix=self.prefix,
            rates=rates or self.rates,
        )

    def _records(
        self, rates: Rates, first: date, count: int, *, admissions: bool
    ) -> Iterator[tuple[date, list[Record]]]:
        for day, parts in Stream(self.parameters(rates), admissions=admissions).days(first, count):
            yield day, [record for part in parts for record in part.records]
