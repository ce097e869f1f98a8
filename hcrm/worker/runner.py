"""Runs the jobs of the table until the process is told to stop. The only module that knows the scheduler.

Jobs live in memory: a job that was missed is simply run again, because what is due stands in the tables of the domain.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Sequence
from threading import Event, Thread
from types import FrameType

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler

from hcrm.clock import stopwatch
from hcrm.logs import get_logger
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.worker.jobs import JOBS, Job
from hcrm.worker.leadership import Leadership
from hcrm.worker.service import beat

log = get_logger(__name__)

HEARTBEAT_SECONDS = 10
MISFIRE_GRACE_SECONDS = 3600


def worker_name() -> str:
    """A name for this process that no other running worker has."""
    return f"{socket.gethostname()[:40]}-{os.getpid()}"


class Worker:
    """One worker process: a scheduler, the leader's lock, and the jobs of the table."""

    def __init__(self, runtime: Runtime, jobs: Sequence[Job] = JOBS, name: str | None = None) -> None:
        self._runtime = runtime
        self._name = name or worker_name()
        self._leadership = Leadership(runtime.engine)
        self._stopping = Event()
        self._scheduler = BlockingScheduler(
            timezone="UTC",
            executors={"default": ThreadPoolExecutor(len(jobs) + 1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": MISFIRE_GRACE_SECONDS},
        )
        self._scheduler.add_job(self._beat, "interval", seconds=HEARTBEAT_SECONDS, id="heartbeat")
        for job in jobs:
            self._scheduler.add_job(self.tick, "interval", args=[job], seconds=job.every.total_seconds(), id=job.name)

    def run(self) -> None:
        """Work until ``stop`` is called; returns once the jobs under way have ended."""
        self._beat()
        log.info("worker started", worker=self._name)
        self._scheduler.start()
        self.leave()
        log.info("worker stopped", worker=self._name)

    def stop(self) -> None:
        """Start no more jobs and let ``run`` return; may be called from a signal handler."""
        if not self._stopping.is_set():
            self._stopping.set()
            Thread(target=self._scheduler.shutdown, name="shutdown").start()

    def leave(self) -> None:
        """Lead no longer, so that another worker can."""
        self._leadership.release()

    def tick(self, job: Job) -> int:
        """Run one job once, if it is this worker's to run; an error is logged and the job comes again."""
        if self._stopping.is_set() or (job.needs_leader and not self._leadership.holds()):
            return 0
        began = stopwatch()
        try:
            count = job.function(self._runtime)
        except Exception:
            log.exception("job failed", job=job.name, worker=self._name)
            return 0
        if count:
            log.info("job done", job=job.name, count=count, seconds=round(stopwatch() - began, 3))
        return count

    def _beat(self) -> None:
        try:
            with unit_of_work(self._runtime.sessions) as session:
                beat(session, worker=self._name, leader=self._leadership.holds())
        except Exception:
            log.exception("no heartbeat", worker=self._name)


def run(runtime: Runtime, jobs: Sequence[Job] = JOBS) -> None:
    """Work until SIGTERM or SIGINT; what is under way is finished first."""
    worker = Worker(runtime, jobs)

    def told_to_stop(_signal: int, _frame: FrameType | None) -> None:
        worker.stop()

    signal.signal(signal.SIGTERM, told_to_stop)
    signal.signal(signal.SIGINT, told_to_stop)
    worker.run()
