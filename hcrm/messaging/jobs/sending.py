"""The sender: claims what is due, calls the providers with no transaction open, and stores what they said.

The database is spoken to by one thread; a provider that takes calls at the same time gets them from a pool of threads
that do nothing else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import Any

from hcrm.clock import pause, stopwatch
from hcrm.logs import get_logger
from hcrm.messaging import service
from hcrm.messaging.domain import MessageStatus
from hcrm.messaging.providers.base import OutgoingSms, Providers, SendResult, SmsProvider
from hcrm.messaging.service import Claimed, Rates
from hcrm.unit_of_work import Runtime, on_one_connection, unit_of_work

log = get_logger(__name__)

BATCH = 50
"""Messages leased at a time: what a crash can leave to be released (its calls under way: to be settled)."""

LEASE = timedelta(seconds=60)
"""Longer than any provider's timeout; on the database's own clock."""

HELD_BACK_SECONDS = 0.05
"""Pause when more is due than may go out at this moment."""

GATHER_SECONDS = 0.005
"""After an answer of several calls under way, so long for others that come with it: they are stored together."""

FaultPoint = Callable[[str], None]
"""Called with the name of each point that a sender passes; tests pass one in that ends the process there."""

Answer = tuple[OutgoingSms, SendResult]
Sessions = Callable[[], Any]


def no_fault(_point: str) -> None:
    """Nothing happens: the ordinary course."""


def send_due(
    runtime: Runtime,
    provider: SmsProvider | Providers,
    *,
    worker: str = "worker",
    seconds: float = 1.5,
    lease: timedelta = LEASE,
    batch: int = BATCH,
    rates: Rates | None = None,
    fault_point: FaultPoint = no_fault,
) -> int:
    """Hand over what is due, in batches, for about ``seconds``; returns how many messages a provider was given."""
    providers = Providers.of(provider)
    sender = service.Sender(worker, providers, lease, rates or Rates())
    run = _Run(runtime, sender, batch, stopwatch() + seconds, fault_point)
    return run.one_by_one() if providers.at_once <= 1 else run.at_once()


class _Run:
    """One run of a sender, until nothing is due or its time is over."""

    def __init__(
        self, runtime: Runtime, sender: service.Sender, batch: int, until: float, fault_point: FaultPoint
    ) -> None:
        self._runtime = runtime
        self._sender = sender
        self._batch = batch
        self._until = until
        self._fault_point = fault_point
        self._trying: frozenset[str] = frozenset()

    def one_by_one(self) -> int:
        """Each message of a batch after the other."""
        handed_over = 0
        while True:
            claimed = self._claim(self._batch)
            if claimed.outgoing:
                with on_one_connection(self._runtime) as kept:
                    handed_over += self._call_each(claimed.outgoing, kept)
            if not self._goes_on(claimed, self._batch):
                return handed_over

    def _call_each(self, texts: Sequence[OutgoingSms], kept: Sessions) -> int:
        """Call for one after the other; each result is stored before the next call, together with its beginning."""
        handed_over = 0
        begun = self._begin(texts[:1])
        for index, sms in enumerate(texts, start=1):
            following = texts[index : index + 1]
            if not begun:
                begun = self._begin(following)
                continue
            answer = (sms, self._call(sms))
            self._fault_point("provider answered")
            handed_over += 1
            if not _is_trouble(answer[1]):
                begun = self._keep_and_begin(answer, following, kept)
            elif self._keep([answer]):
                begun = self._begin(following)
            else:
                self._put_back(texts[index:])
                break
        return handed_over

    def _keep_and_begin(self, answer: Answer, following: Sequence[OutgoingSms], kept: Sessions) -> list[OutgoingSms]:
        """Store a result and write down that the next call begins, in one transaction; those that have begun."""
        moment, begun = self._runtime.clock.now(), set()
        try:
            with unit_of_work(kept) as session:
                service.record_results(session, {answer[0].attempt_id: answer[1]}, now=moment)
                self._fault_point("result written")
                if following:
                    ids = [each.attempt_id for each in following]
                    begun = service.begin_calls(session, ids, now=moment, lease=self._sender.lease)
                    self._fault_point("call begun")
        except Exception:  # the result alone, then, so that it does not keep others from being sent
            log.exception("result not stored with the next call")
            self._keep([answer])
            return self._begin(following)
        self._fault_point("result committed")
        self._note_health([answer])
        if following:
            self._fault_point("call committed")
        return [each for each in following if each.attempt_id in begun]

    def at_once(self) -> int:
        """Several calls under way; as soon as half of them have ended, the next ones begin.

        A batch is claimed at once and waits for its turn, so that the work of a claim is shared by many messages.
        """
        handed_over, under_way = 0, 0
        room = self._sender.providers.at_once
        answers: SimpleQueue[Answer] = SimpleQueue()
        ready: deque[OutgoingSms] = deque()
        with ThreadPoolExecutor(room) as callers:
            goes_on = True
            while goes_on or ready or under_way:
                if goes_on and not ready and under_way <= room // 2:
                    claimed = self._claim(self._batch)
                    ready.extend(claimed.outgoing)
                    goes_on = self._goes_on(claimed, self._batch, idle=not (under_way or ready))
                if ready and under_way <= room // 2:
                    begun = self._begin([ready.popleft() for _ in range(min(len(ready), room - under_way))])
                    for sms in begun:
                        callers.submit(self._call_and_tell, sms, answers)
                    under_way += len(begun)
                    handed_over += len(begun)
                if under_way:
                    ended = _ended(answers)
                    under_way -= len(ended)
                    self._fault_point("provider answered")
                    goes_on &= self._keep_or_stop(ended, ready)
        return handed_over

    def _keep_or_stop(self, ended: Sequence[Answer], ready: deque[OutgoingSms]) -> bool:
        """Store what was answered; when the provider is to be left in peace, what waits for its turn is freed."""
        if self._keep(ended):
            return True
        self._put_back(ready)
        ready.clear()
        return False

    def _claim(self, limit: int) -> Claimed:
        with unit_of_work(self._runtime.sessions) as session:
            claimed = service.claim(session, now=self._runtime.clock.now(), sender=self._sender, limit=limit)
            self._fault_point("claimed")
        self._fault_point("claim committed")
        self._trying = claimed.trying
        return claimed

    def _begin(self, texts: Sequence[OutgoingSms]) -> list[OutgoingSms]:
        """Write down that the calls begin; those of them whose lease still holds."""
        if not texts:
            return []
        with unit_of_work(self._runtime.sessions) as session:
            begun = service.begin_calls(
                session, [each.attempt_id for each in texts], now=self._runtime.clock.now(), lease=self._sender.lease
            )
            self._fault_point("call begun")
        self._fault_point("call committed")
        return [each for each in texts if each.attempt_id in begun]

    def _call_and_tell(self, sms: OutgoingSms, answers: SimpleQueue[Answer]) -> None:
        answers.put((sms, self._call(sms)))

    def _call(self, sms: OutgoingSms) -> SendResult:
        provider = self._sender.providers.for_number(sms.to_number)
        try:
            return provider.send(sms)
        except Exception:  # whatever went wrong, the text may be out: never sent again by itself
            log.warning("provider gave no answer", attempt_id=sms.attempt_id, provider=provider.name, exc_info=True)
            return SendResult(MessageStatus.UNKNOWN)

    def _keep(self, answers: Sequence[Answer]) -> bool:
        """Store results; when that fails, the attempts stay in doubt and are settled later. Whether to go on."""
        results = {sms.attempt_id: result for sms, result in answers}
        try:
            with unit_of_work(self._runtime.sessions) as session:
                service.record_results(session, results, now=self._runtime.clock.now())
                self._fault_point("result written")
        except Exception:  # results that cannot be stored must not keep other messages from being sent
            log.exception("result not stored", count=len(results))
            return self._each_alone(answers)
        self._fault_point("result committed")
        return self._note_health(answers)

    def _each_alone(self, answers: Sequence[Answer]) -> bool:
        """One result that cannot be stored must not keep the others from being stored."""
        if len(answers) == 1:
            return True
        stored = [self._keep([answer]) for answer in answers]
        return all(stored)

    def _note_health(self, answers: Sequence[Answer]) -> bool:
        """Tell all workers how the providers are; False when one of them is to be left in peace."""
        troubled: dict[str, bool] = {}
        for sms, result in answers:
            name = self._sender.providers.for_number(sms.to_number).name
            if _is_trouble(result):
                troubled[name] = troubled.get(name, False) or result.untried
            elif name in self._trying:
                with unit_of_work(self._runtime.sessions) as session:
                    service.note_success(session, name)
        for name, refuses_all in troubled.items():
            with unit_of_work(self._runtime.sessions) as session:
                service.note_trouble(session, name, refuses_all=refuses_all)
        return not any(troubled.values())

    def _put_back(self, texts: Collection[OutgoingSms]) -> None:
        if texts:
            with unit_of_work(self._runtime.sessions) as session:
                service.put_back(session, [each.attempt_id for each in texts], now=self._runtime.clock.now())

    def _goes_on(self, claimed: Claimed, limit: int, *, idle: bool = True) -> bool:
        """Whether to claim again; rests a moment when more is due than may go out now."""
        if stopwatch() > self._until:
            return False
        if claimed.held_back and idle:
            pause(HELD_BACK_SECONDS)
        return claimed.held_back or bool(claimed.trying) or claimed.looked_at >= limit


def _is_trouble(result: SendResult) -> bool:
    """Whether an answer says something about the provider, not about the message."""
    return result.untried or result.status is MessageStatus.UNKNOWN


def _ended(answers: SimpleQueue[Answer]) -> list[Answer]:
    """The calls that have ended; waits for the first, and a moment for others."""
    ended = [answers.get()]
    pause(GATHER_SECONDS)
    try:
        while True:
            ended.append(answers.get_nowait())
    except Empty:
        return ended
