"""The simulated phones: texts arrive through the console provider's ledger, and whoever holds a phone answers.

Each number has its habit. What was put off is answered on the next day. Texts of one moment are sent together: a claim,
a hand-over and their results are one statement each, where the worker stores every message by itself.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from hcrm.clock import FixedClock
from hcrm.messaging import jobs as messaging_jobs
from hcrm.messaging import service as messaging
from hcrm.messaging.providers.base import Providers
from hcrm.messaging.providers.console import ConsoleProvider, delivered_at_once, write_deliveries
from hcrm.simulation import carrier, people, queries
from hcrm.simulation.browsing import follow_links
from hcrm.simulation.clinics import Clinics
from hcrm.simulation.people import Habit
from hcrm.unit_of_work import Runtime, unit_of_work

REPLY_AFTER = timedelta(minutes=3)
LONGEST_CONVERSATION = 8
BATCH = 500
LEASE = timedelta(minutes=10)

Reply = tuple[queries.PhoneText, str]


class Sent(NamedTuple):
    """Texts that reached a phone, and those that the carrier refused."""

    arrived: int = 0
    refused: int = 0

    def plus(self, other: Sent) -> Sent:
        return Sent(self.arrived + other.arrived, self.refused + other.refused)


@dataclass
class Phones:
    """All phones of a hospital's patients. ``last_text`` was the newest text read, ``put_off`` waits for tomorrow.

    With ``clinics`` their holders also change return visits.
    """

    seed: int
    facility_id: int
    last_text: int = 0
    put_off: list[int] = field(default_factory=list)
    clinics: Clinics | None = None

    def exchange(self, runtime: Runtime, clock: FixedClock, rng: random.Random) -> tuple[Sent, int]:
        """Send what is due, let phones answer, and so on until nobody writes any more: (texts sent, replies)."""
        sent, replies = Sent(), 0
        waiting, self.put_off = self._put_off(runtime), []
        for _ in range(LONGEST_CONVERSATION):
            sent = sent.plus(send_all(runtime, self.seed))
            texts = waiting + self._new_texts(runtime)
            written, waiting = self._replies(rng, texts), []
            replies += follow_links(runtime, self.seed, texts, self.clinics)
            if not written:
                break
            replies += len(written)
            clock.advance(REPLY_AFTER)
            write_back(runtime, self.facility_id, written)
            messaging_jobs.handle_inbound(runtime, limit=10_000)
        return sent, replies

    def _put_off(self, runtime: Runtime) -> list[queries.PhoneText]:
        if not self.put_off:
            return []
        with unit_of_work(runtime.sessions) as session:
            return queries.texts(session, self.put_off)

    def _new_texts(self, runtime: Runtime) -> list[queries.PhoneText]:
        """Texts that came since, without those that are answered later."""
        with unit_of_work(runtime.sessions) as session:
            texts = queries.texts_after(session, self.last_text)
        self.last_text = texts[-1].id if texts else self.last_text
        prompt = []
        for text in texts:
            if people.habit_of(self.seed, text.number) is Habit.LATER:
                self.put_off.append(text.id)
            else:
                prompt.append(text)
        return prompt

    def _replies(self, rng: random.Random, texts: Sequence[queries.PhoneText]) -> list[Reply]:
        written = ((text, people.text_reply(rng, people.habit_of(self.seed, text.number), text.body)) for text in texts)
        return [(text, reply) for text, reply in written if reply is not None]


def write_back(runtime: Runtime, facility_id: int, replies: Sequence[Reply]) -> None:
    """Store what phones have written, as a provider would bring it."""
    with unit_of_work(runtime.sessions) as session:
        for text, reply in replies:
            messaging.receive(
                session,
                facility_id=facility_id,
                provider=ConsoleProvider.name,
                provider_message_id=f"simulated-{text.id}",
                from_number=text.number,
                to_number=text.our_number,
                body=reply,
                now=runtime.clock.now(),
            )


def send_all(runtime: Runtime, seed: int) -> Sent:
    """Hand everything that is due to the simulated carrier.

    What the carrier has told since, or can be asked about, is taken in first.
    """
    carrier.settle(runtime)
    console = Providers(ConsoleProvider(runtime.engine, runtime.clock))
    sender = messaging.Sender("simulation", console, LEASE)
    sent = Sent()
    while True:
        now = runtime.clock.now()
        with unit_of_work(runtime.sessions) as session:
            claimed = messaging.claim(session, now=now, sender=sender, limit=BATCH)
            texts = [carrier.handle(sms, carrier.fate_of(seed, sms.to_number, now)) for sms in claimed.outgoing]
            if texts:
                messaging.begin_calls(session, [each.sms.attempt_id for each in texts], now=now, lease=LEASE)
                arrived = {each.sms: delivered_at_once(each.sms) for each in texts if each.arrived}
                if arrived:
                    write_deliveries(session.connection(), arrived, now)
                messaging.record_results(session, {each.sms.attempt_id: each.result for each in texts}, now=now)
                carrier.keep_receipts(session, texts, seed=seed, now=now)
                sent = sent.plus(Sent(len(arrived), sum(each.fate in carrier.CODES for each in texts)))
        if claimed.looked_at < BATCH:
            return sent
