"""Whether a due message may go out now: the one decision, with the facts that it was made by."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hcrm.messaging.domain.recipients import Recipient
from hcrm.messaging.domain.requests import Check
from hcrm.messaging.domain.states import Purpose, Reason
from hcrm.patients.domain import DeceasedState

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class SendFacts:
    """What is true at the moment of sending.

    ``answers`` and ``confirms_stop``: the message answers a text that the phone has just sent; it is the confirmation
    of STOP. ``plan_ended``: why the plan behind it is over ("readmitted", "stay_cancelled"), else empty. ``opening``:
    the moment texts may go out, ``now`` when they may already. ``other_surveys`` and ``non_clinical``: when the person
    was sent other surveys, and non-clinical messages, over all departments. ``missing``: placeholders without a value.
    ``busy_until``: another conversation with this phone waits for a reply until then. ``provider_lacks``: what this
    message needs and its provider does not offer for the number, else empty; ``provider_rests``: for how long nothing
    is handed to it, because it took nothing.
    """

    now: datetime
    purpose: Purpose
    not_before: datetime
    expires_at: datetime
    recipient: Recipient
    opening: datetime
    answers: bool = False
    confirms_stop: bool = False
    deceased: DeceasedState = DeceasedState.NONE
    plan_ended: str = ""
    open_dispute: bool = False
    consent: bool = True
    stopped_at: datetime | None = None
    survey_every_days: int = 30
    non_clinical_per_week: int = 3
    other_surveys: tuple[datetime, ...] = ()
    non_clinical: tuple[datetime, ...] = ()
    missing: tuple[str, ...] = ()
    busy_until: datetime | None = None
    provider_lacks: str = ""
    provider_rests: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Send:
    """It goes out now."""

    checks: tuple[Check, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Wait:
    """It is looked at again at ``until``."""

    until: datetime
    checks: tuple[Check, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Suppress:
    """It is not sent, for this reason."""

    reason: Reason
    checks: tuple[Check, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Expire:
    """Its latest time is over, or comes before the next moment it could be sent."""

    checks: tuple[Check, ...] = field(default=())


Decision = Send | Wait | Suppress | Expire

Verdict = tuple[Check, Reason | datetime | None]
"""A check, and what follows when it failed: a reason to suppress, a moment to wait for, or (None) expiry."""


def decide(facts: SendFacts) -> Decision:
    """The first check that fails decides; the checks passed before it are kept as the answer to *why (not)?*."""
    done: list[Check] = []
    for check, consequence in _checks(facts):
        done.append(check)
        if check.passed:
            continue
        checks = tuple(done)
        if isinstance(consequence, Reason):
            return Suppress(consequence, checks)
        if consequence is None or consequence >= facts.expires_at:
            return Expire(checks)
        return Wait(consequence, checks)
    return Send(tuple(done))


def _checks(facts: SendFacts) -> Iterator[Verdict]:
    yield Check("still_useful", facts.now < facts.expires_at, _moment(facts.expires_at)), None
    yield Check("due", facts.not_before <= facts.now, _moment(facts.not_before)), facts.not_before
    yield Check("alive", facts.deceased is DeceasedState.NONE, facts.deceased.value), Reason.DECEASED
    yield from _wanted(facts)
    yield from _reachable(facts)
    yield from _limits(facts)
    yield Check("complete", not facts.missing, ", ".join(facts.missing)), Reason.MISSING_TEMPLATE_DATA
    yield Check("provider_takes_it", not facts.provider_lacks, facts.provider_lacks), Reason.PROVIDER_ERROR
    open_now = facts.answers or facts.opening <= facts.now
    yield Check("sending_hours", open_now, "" if open_now else _moment(facts.opening)), facts.opening
    if facts.busy_until is not None:
        yield Check("phone_free", False, _moment(facts.busy_until)), facts.busy_until
    if facts.provider_rests:
        again_at = facts.now + facts.provider_rests
        yield Check("provider_ready", False, _moment(again_at)), again_at


def _wanted(facts: SendFacts) -> Iterator[Verdict]:
    if not facts.answers:
        yield Check("plan_goes_on", not facts.plan_ended, facts.plan_ended), Reason.PLAN_CANCELLED
    if facts.purpose is Purpose.SURVEY:
        yield Check("no_dispute", not facts.open_dispute), Reason.NO_CONSENT
    if facts.purpose in (Purpose.CARE, Purpose.SURVEY):
        yield Check("consent", facts.consent, facts.purpose.value), Reason.NO_CONSENT


def _reachable(facts: SendFacts) -> Iterator[Verdict]:
    reason = facts.recipient.reason
    yield Check("number", reason is None, facts.recipient.fact), reason
    if not facts.confirms_stop:
        stopped = "" if facts.stopped_at is None else _moment(facts.stopped_at)
        yield Check("not_stopped", facts.stopped_at is None, stopped), Reason.OPTED_OUT


def _limits(facts: SendFacts) -> Iterator[Verdict]:
    """The fatigue limits: they hold for surveys alone; clinical messages, answers and the system's own go first."""
    if facts.purpose is not Purpose.SURVEY or facts.answers:
        return
    since = facts.now - timedelta(days=facts.survey_every_days)
    surveys = [at for at in facts.other_surveys if at > since]
    yield Check("survey_limit", not surveys, _moment(max(surveys)) if surveys else ""), Reason.FATIGUE_LIMIT
    recent = [at for at in facts.non_clinical if at > facts.now - WEEK]
    yield Check("weekly_limit", len(recent) < facts.non_clinical_per_week, str(len(recent))), Reason.FATIGUE_LIMIT


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


FIRST_PAUSE = timedelta(minutes=2)
UNTRIED_PAUSE = timedelta(seconds=2)


def pause_before_next_try(failed_tries: int, attempt_id: int) -> timedelta:
    """How long a message rests after its ``failed_tries``-th failure: two minutes, then twice as long each time.

    With 0 nobody has tried really. Up to a quarter is added or taken away, told by the id of the attempt, so that
    messages that failed together do not all come back together.
    """
    pause = FIRST_PAUSE * 2 ** (failed_tries - 1) if failed_tries else UNTRIED_PAUSE
    share = zlib.crc32(str(attempt_id).encode()) / 2**32
    return pause * (0.75 + share / 2)
