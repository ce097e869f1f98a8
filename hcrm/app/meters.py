"""Counting requests. Each web process adds what it has counted to one table, so that all processes add up.

Whichever process is asked for ``/metrics`` tells the same counts; those of the others are at most ``EVERY_SECONDS``
old. A process that is killed takes its last few seconds with it.
"""

from __future__ import annotations

import atexit
from collections import defaultdict
from collections.abc import Iterable, Iterator
from threading import Event, Lock, Thread
from typing import Final, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hcrm.app.models import RequestCount
from hcrm.logs import get_logger
from hcrm.messaging.queries import refused_calls, waiting_messages
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.worker.queries import seconds_since_heartbeat

EVERY_SECONDS: Final = 5.0
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

logger = get_logger(__name__)


class Answered(NamedTuple):
    """What requests are counted by; nothing in it comes from an address or a form."""

    endpoint: str
    method: str
    status: int


class Meters:
    """What one process has counted and not written yet."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = Lock()
        self._counts: defaultdict[Answered, int] = defaultdict(int)
        self._seconds: defaultdict[Answered, float] = defaultdict(float)

    def add(self, answered: Answered, seconds: float, requests: int = 1) -> None:
        """Count a request that took ``seconds``."""
        with self._lock:
            self._counts[answered] += requests
            self._seconds[answered] += seconds

    def write(self) -> None:
        """Add what was counted to the table; what the database does not take now is kept for the next time."""
        with self._lock:
            counts, seconds = dict(self._counts), dict(self._seconds)
            self._counts.clear()
            self._seconds.clear()
        if not counts:
            return
        try:
            with unit_of_work(self._runtime.sessions) as session:
                _add_up(
                    session, ({**key._asdict(), "requests": counts[key], "seconds": seconds[key]} for key in counts)
                )
        except SQLAlchemyError as error:
            logger.warning("counts could not be written", exc_info=error)
            for key, count in counts.items():
                self.add(key, seconds[key], count)

    def write_regularly(self) -> None:
        """Go on writing in the background until the process ends."""
        Thread(target=self._write_on, name="meters", daemon=True).start()
        atexit.register(self.write)

    def _write_on(self) -> None:
        never = Event()
        while not never.wait(EVERY_SECONDS):
            self.write()


def _add_up(session: Session, rows: Iterable[dict[str, object]]) -> None:
    # In one order everywhere, so that two processes never wait for each other.
    ordered = sorted(rows, key=lambda row: (row["endpoint"], row["method"], row["status"]))
    statement = insert(RequestCount).values(ordered)
    added = statement.excluded
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[RequestCount.endpoint, RequestCount.method, RequestCount.status],
            set_={
                "requests": RequestCount.requests + added.requests,
                "seconds": RequestCount.seconds + added.seconds,
            },
        )
    )


class Counted(Collector):
    """The figures for Prometheus, as they stand in the database."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "hcrm_requests", "Requests answered by all web processes.", labels=["endpoint", "method", "status"]
        )
        took = SummaryMetricFamily(
            "hcrm_request_seconds", "Seconds to answer a request, over all web processes.", labels=["endpoint"]
        )
        totals: defaultdict[str, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
        for row in self._session.scalars(select(RequestCount)):
            requests.add_metric([row.endpoint, row.method, str(row.status)], row.requests)
            count, seconds = totals[row.endpoint]
            totals[row.endpoint] = count + row.requests, seconds + row.seconds
        for endpoint, (count, seconds) in sorted(totals.items()):
            took.add_metric([endpoint], count_value=count, sum_value=seconds)
        age = seconds_since_heartbeat(self._session)
        heartbeat = GaugeMetricFamily(
            "hcrm_worker_heartbeat_age_seconds",
            "Seconds since a worker last said that it is alive.",
            value=float("nan") if age is None else age,
        )
        yield from (requests, took, heartbeat)
        yield from self._messages()

    def _messages(self) -> Iterator[Metric]:
        refused = CounterMetricFamily(
            "hcrm_webhooks_refused", "Calls of providers that were refused, by why.", labels=["why"]
        )
        for why, count in sorted(refused_calls(self._session).items()):
            refused.add_metric([why], count)
        waiting = GaugeMetricFamily(
            "hcrm_messages_waiting", "Messages not handed over yet, and of unknown fate.", labels=["state"]
        )
        for state, count in sorted(waiting_messages(self._session).items()):
            waiting.add_metric([state], count)
        yield from (refused, waiting)
