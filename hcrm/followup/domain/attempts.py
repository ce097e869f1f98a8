"""Call attempts: how the connection went, what came of it, and what the rules say next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from hcrm.followup.domain.task import BusinessStatus, TaskReason, TaskStatus


class Connection(StrEnum):
    """What happened on the line."""

    ANSWERED_PATIENT = "answered_patient"
    ANSWERED_PROXY = "answered_proxy"
    ANSWERED_UNKNOWN = "answered_unknown"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REJECTED = "rejected"
    VOICEMAIL_LEFT = "voicemail_left"
    VOICEMAIL_NO_MESSAGE = "voicemail_no_message"
    ASSISTANT = "assistant"
    HUNG_UP = "hung_up"
    BARRED = "barred"
    POWERED_OFF = "powered_off"
    UNREACHABLE = "unreachable"
    SUSPENDED = "suspended"
    NOT_IN_SERVICE = "not_in_service"
    WRONG_NUMBER = "wrong_number"
    DROPPED = "dropped"
    TECHNICAL_FAILURE = "technical_failure"


class Disposition(StrEnum):
    """What came of a call that was answered."""

    COMPLETED = "completed"
    PARTIAL = "partial"
    CALLBACK_REQUESTED = "callback_requested"
    REFUSED_THIS_CONTACT = "refused_this_contact"
    OPTED_OUT = "opted_out"
    LANGUAGE_BARRIER = "language_barrier"
    UNABLE_TO_PARTICIPATE = "unable_to_participate"
    REPORTED_DECEASED = "reported_deceased"
    REPORTED_READMITTED = "reported_readmitted"
    INELIGIBLE = "ineligible"
    PROXY_ONLY = "proxy_only"


ANSWERED = frozenset({Connection.ANSWERED_PATIENT, Connection.ANSWERED_PROXY, Connection.ANSWERED_UNKNOWN})
REACHED = frozenset({Connection.ANSWERED_PATIENT, Connection.ANSWERED_PROXY})
RETIRES_NUMBER = frozenset({Connection.NOT_IN_SERVICE, Connection.WRONG_NUMBER})
SUSPENDED_WAIT = timedelta(days=3)


class AttemptInvalid(ValueError):
    """Connection and disposition do not go together; ``code`` names the problem."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One attempt as the rules see it."""

    connection: Connection
    disposition: Disposition | None
    started_at: datetime
    contact_point_id: int | None = None
    callback_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Consequence:
    """What an attempt does to its task, and what is proposed next.

    ``status`` and ``reason`` are what the task becomes; ``callback_at`` is when to try again while it stays open,
    ``next_contact_point_id`` the number to try. ``patient_deceased`` and ``opts_out`` go beyond the task.
    """

    status: TaskStatus
    reason: TaskReason | None = None
    business_status: BusinessStatus | None = None
    callback_at: datetime | None = None
    next_contact_point_id: int | None = None
    retires_number: bool = False
    patient_deceased: bool = False
    opts_out: bool = False


@dataclass(frozen=True, slots=True)
class AttemptContext:
    """What the rules know beside the attempt: the earlier ones, and the contact points still in use, preferred first.

    A number that this attempt retires is not among ``numbers``. ``answered_at``: when the patient answered calls
    before, also those of other plans.
    """

    earlier: tuple[AttemptRecord, ...]
    numbers: tuple[int, ...]
    due_at: datetime
    zone: tzinfo
    calling_hours: tuple[tuple[time, time], ...]
    max_attempts: int = 3
    answered_at: tuple[datetime, ...] = ()


def check_callback(callback_at: datetime | None, started_at: datetime, latest: datetime) -> None:
    """Refuse a time that is over, or at which the task would no longer be on the list. Raises ``AttemptInvalid``."""
    if callback_at is not None and callback_at <= started_at:
        raise AttemptInvalid("callback_time_over")
    if callback_at is not None and callback_at > latest:
        raise AttemptInvalid("callback_time_too_late")


def check_attempt(connection: Connection, disposition: Disposition | None, callback_at: datetime | None) -> None:
    """Refuse what cannot be: a result without an answer, an answer without a result, a call-back without a time.

    Raises ``AttemptInvalid``.
    """
    if connection is Connection.ANSWERED_UNKNOWN or connection not in ANSWERED:
        if disposition is Disposition.COMPLETED or (disposition is not None and connection not in ANSWERED):
            raise AttemptInvalid("disposition_without_answer")
    elif disposition is None:
        raise AttemptInvalid("disposition_missing")
    if disposition is Disposition.CALLBACK_REQUESTED and callback_at is None:
        raise AttemptInvalid("callback_time_missing")


_ENDS: dict[Disposition, tuple[TaskStatus, TaskReason | None]] = {
    Disposition.COMPLETED: (TaskStatus.COMPLETED, None),
    Disposition.OPTED_OUT: (TaskStatus.CANCELLED, TaskReason.OPTED_OUT),
    Disposition.REFUSED_THIS_CONTACT: (TaskStatus.FAILED, TaskReason.REFUSED),
    Disposition.UNABLE_TO_PARTICIPATE: (TaskStatus.FAILED, TaskReason.UNABLE_TO_PARTICIPATE),
    Disposition.REPORTED_DECEASED: (TaskStatus.ON_HOLD, TaskReason.DECEASED),
    Disposition.REPORTED_READMITTED: (TaskStatus.CANCELLED, TaskReason.READMITTED),
    Disposition.INELIGIBLE: (TaskStatus.CANCELLED, TaskReason.INELIGIBLE),
}


def consequence(attempt: AttemptRecord, context: AttemptContext) -> Consequence:
    """What follows from an attempt (domain of follow-up plans, call attempts).

    The patient's or relative's own words end the task at once. Otherwise it is tried again: at the time they asked for,
    three days later when the number is suspended, else at another time of day on another day and, where there is one,
    on another number. After ``max_attempts`` attempts on as many different days it fails: unable to contact.
    """
    if attempt.disposition in _ENDS:
        status, reason = _ENDS[attempt.disposition]
        return Consequence(
            status=status,
            reason=reason,
            patient_deceased=attempt.disposition is Disposition.REPORTED_DECEASED,
            opts_out=attempt.disposition is Disposition.OPTED_OUT,
        )
    if attempt.disposition is Disposition.CALLBACK_REQUESTED:
        return Consequence(
            status=TaskStatus.OPEN,
            business_status=BusinessStatus.CALLBACK_SCHEDULED,
            callback_at=attempt.callback_at,
            next_contact_point_id=attempt.contact_point_id,
        )
    retires = attempt.connection in RETIRES_NUMBER
    if _is_exhausted(attempt, context) or (retires and not context.numbers):
        return _given_up(attempt, retires=retires)
    return Consequence(
        status=TaskStatus.OPEN,
        callback_at=attempt.callback_at or propose_retry(attempt, context),
        next_contact_point_id=_next_number(attempt, context),
        retires_number=retires,
    )


def _given_up(attempt: AttemptRecord, *, retires: bool) -> Consequence:
    """Failed: unable to contact, unless somebody did answer and the call could only not be finished."""
    if attempt.disposition is Disposition.LANGUAGE_BARRIER:
        return Consequence(status=TaskStatus.FAILED, reason=TaskReason.UNABLE_TO_PARTICIPATE)
    if attempt.disposition in (Disposition.PARTIAL, Disposition.PROXY_ONLY):
        return Consequence(status=TaskStatus.FAILED, reason=TaskReason.INCOMPLETE)
    return Consequence(
        status=TaskStatus.FAILED,
        reason=TaskReason.UNABLE_TO_CONTACT,
        business_status=BusinessStatus.UNABLE_TO_CONTACT,
        retires_number=retires,
    )


def _is_exhausted(attempt: AttemptRecord, context: AttemptContext) -> bool:
    """Enough attempts, on enough different local days; technical failures of ours do not count."""
    counted = [item for item in (*context.earlier, attempt) if item.connection is not Connection.TECHNICAL_FAILURE]
    days = {item.started_at.astimezone(context.zone).date() for item in counted}
    return len(days) >= context.max_attempts


def tried_half_days(attempts: Iterable[AttemptRecord], zone: tzinfo) -> int:
    """In how many different half-days (before and after noon) somebody tried; technical failures do not count."""
    local = [each.started_at.astimezone(zone) for each in attempts if each.connection not in _NOT_COUNTED]
    return len({(each.date(), each.hour < _NOON) for each in local})


_NOON = 12
_NOT_COUNTED = frozenset({Connection.TECHNICAL_FAILURE})


def propose_retry(attempt: AttemptRecord, context: AttemptContext) -> datetime:
    """When to try next, in UTC: after a retired number at once on another one, three days after a suspended one, else
    tomorrow in the part of the calling hours that was tried least, the ones in which the patient has answered before
    others, else the one after the part just tried.

    When the window ends before that, it is later today, if the calling hours allow.
    """
    local = attempt.started_at.astimezone(context.zone)
    if attempt.connection in RETIRES_NUMBER:
        return attempt.started_at
    hours = context.calling_hours
    opening = hours[_next_slot(attempt, context)][0]
    if attempt.connection is Connection.SUSPENDED:
        return _at((local + SUSPENDED_WAIT).date(), opening, context.zone)
    tomorrow = _at((local + timedelta(days=1)).date(), opening, context.zone)
    later_today = _at(local.date(), opening, context.zone)
    if tomorrow > context.due_at and attempt.started_at < later_today <= context.due_at:
        return later_today
    return tomorrow


def _next_slot(attempt: AttemptRecord, context: AttemptContext) -> int:
    """The part of the calling hours to try next, from what came of the earlier ones."""
    hours = context.calling_hours

    def slot(at: datetime) -> int:
        return _slot_of(at.astimezone(context.zone).time(), hours)

    here = slot(attempt.started_at)
    fruitless = [slot(each.started_at) for each in (*context.earlier, attempt) if each.connection not in REACHED]
    answered = {slot(each) for each in context.answered_at}
    in_turn = [(here + step) % len(hours) for step in range(1, len(hours) + 1)]
    return min(in_turn, key=lambda each: (fruitless.count(each), each not in answered, in_turn.index(each)))


def number_to_dial(numbers: tuple[int, ...], earlier: tuple[AttemptRecord, ...]) -> int | None:
    """The number to dial first: the one on which a call-back was agreed last, else the one tried least often, the
    preferred first; None without a number.
    """
    if (
        earlier
        and earlier[-1].disposition is Disposition.CALLBACK_REQUESTED
        and earlier[-1].contact_point_id in numbers
    ):
        return earlier[-1].contact_point_id
    tried = [each.contact_point_id for each in earlier if each.connection not in REACHED]
    return min(numbers, key=lambda number: (tried.count(number), numbers.index(number)), default=None)


def _at(day: date, at: time, zone: tzinfo) -> datetime:
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def _slot_of(at: time, hours: tuple[tuple[time, time], ...]) -> int:
    """Which part of the calling hours a time belongs to: the last one that has begun, else the first."""
    begun = [index for index, (start, _) in enumerate(hours) if start <= at]
    return begun[-1] if begun else 0


def _next_number(attempt: AttemptRecord, context: AttemptContext) -> int | None:
    """The number after the one just dialled; numbers rotate, so the least often tried comes first."""
    if not context.numbers:
        return None
    tried = [item.contact_point_id for item in (*context.earlier, attempt)]
    return min(context.numbers, key=lambda number: (tried.count(number), context.numbers.index(number)))
