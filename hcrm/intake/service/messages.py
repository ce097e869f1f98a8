"""Applying messages of interfaces: each once, in any order; what cannot be applied yet waits for what it refers to.

A run of messages is one transaction. Whoever commits it may acknowledge all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import insert, text, update
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from hcrm.appointments.domain.records import AppointmentRecord
from hcrm.appointments.service import apply_records
from hcrm.audit.service import record
from hcrm.intake.domain import MessageStatus, Outcome
from hcrm.intake.models import InterfaceMessage
from hcrm.intake.readers.hl7v2 import Action, Incoming, Instruction
from hcrm.intake.readers.hl7v2.incoming import KEPT
from hcrm.intake.service.contents import content_of, instruction_from, visit_key
from hcrm.intake.service.refusals import DATA_CLASSES, blame
from hcrm.patients.domain import AlreadyOnePerson, ApplyCounts
from hcrm.patients.queries import known_visits, patients_by_mrn
from hcrm.patients.service import (
    BulkWriteFailed,
    apply_patients,
    apply_stays,
    lock_facility,
    merge_patients,
    note_identifiers,
    settle_emptied_numbers,
)

SOURCE_RANK: Final = 20
"""Of records with the same event time, those of interfaces come before those from files."""
MERGE_REASON: Final = "hl7"
DISCHARGE_WAITS: Final = timedelta(hours=24)
"""How long a discharge waits for its admission; then it is taken as it is, for the patient has to be called."""

LOOKED_AT: Final = 1_000
"""Waiting messages that are looked at in one transaction."""

Key = tuple[str, str, bytes]
"""What tells a message from another: sender, control id, digest."""
_NO_KEY: Final[Key] = ("", "", b"")


class MessageSettled(Exception):
    """The message neither waits nor was it refused; nothing is to be decided."""


class Place(NamedTuple):
    """Where messages go: the facility, the zone of its days, and the batch they came in (none for a connection)."""

    facility_id: int
    timezone: str
    batch_id: int | None = None
    with_plans: bool = True


class Applied(NamedTuple):
    """What became of a run of messages, in their order, and what the records gained."""

    outcomes: list[Outcome]
    counts: ApplyCounts


class Earlier(NamedTuple):
    """What became of a message when it came before."""

    message_id: int
    status: MessageStatus
    code: str


class _Open(NamedTuple):
    """A message that has not been applied yet; ``message_id`` is 0 unless it has waited before."""

    key: Key
    message_id: int
    instruction: Instruction
    waits_on: str = ""


def apply_messages(session: Session, place: Place, messages: Sequence[Incoming], *, now: datetime) -> Applied:
    """Apply ``messages`` and those that have waited for them; keep what came of each.

    A message that was applied, or waits, is not applied again however often it comes; one that was refused is looked
    at anew.
    """
    lock_facility(session, place.facility_id)
    known = _known(session, place.facility_id, messages)
    distinct = {key_of(message): message for message in messages}
    outcomes: dict[Key, Outcome] = {}
    fresh: list[_Open] = []
    for key, message in distinct.items():
        outcome = _at_once(message, known.get(key))
        if outcome is not None:
            outcomes[key] = outcome
        elif message.instruction is not None:
            fresh.append(_Open(key, 0, message.instruction))
    run = _Run(session, place, now)
    run.apply(fresh)
    outcomes |= run.outcomes
    values = {key: _values(each, outcomes[key], run.waits_on.get(key), now) for key, each in distinct.items()}
    _keep(session, place, [(values[key], known.get(key)) for key in distinct if not outcomes[key].repeated])
    return Applied(_in_turn(messages, outcomes), run.counts)


def _at_once(message: Incoming, earlier: Earlier | None) -> Outcome | None:
    """What becomes of a message that need not be applied; None for one that has to be."""
    if earlier is not None and earlier.status is not MessageStatus.REFUSED:
        return Outcome(earlier.status, earlier.code, repeated=True)
    if message.refusal is not None:
        return Outcome(MessageStatus.REFUSED, *message.refusal)
    if message.instruction is None or message.instruction.action is Action.IGNORE:
        return Outcome(MessageStatus.IGNORED)
    return None


def _in_turn(messages: Sequence[Incoming], outcomes: Mapping[Key, Outcome]) -> list[Outcome]:
    """An outcome for each message; a message that stands in the run twice counts once."""
    seen: set[Key] = set()
    found = []
    for message in messages:
        key = key_of(message)
        found.append(outcomes[key]._replace(repeated=True) if key in seen else outcomes[key])
        seen.add(key)
    return found


def apply_waiting(session: Session, place: Place, *, after_id: int, now: datetime) -> tuple[int, int]:
    """Look again at messages that wait, ``LOOKED_AT`` at a time, those behind ``after_id``.

    Applies what can be applied since, and discharges that have waited for their admission for ``DISCHARGE_WAITS``.
    Returns the id to go on behind (0 at the end) and how many were applied.
    """
    lock_facility(session, place.facility_id)
    values = {"facility": place.facility_id, "before": now - DISCHARGE_WAITS, "after": after_id, "limit": LOOKED_AT}
    rows = session.execute(_WAITING, values).all()
    run = _Run(session, place, now)
    run.apply([_waiting(*row) for row in rows])
    return (rows[-1].id if len(rows) == LOOKED_AT else 0), run.settled


def _waiting(message_id: int, content: Mapping[str, Any], waits_on: str, is_overdue: bool) -> _Open:  # noqa: FBT001 - a row
    instruction = instruction_from(content)
    if is_overdue:
        instruction = instruction._replace(needs_visit="")
    return _Open(_NO_KEY, message_id, instruction, waits_on)


def leave_out(session: Session, *, message_id: int, now: datetime, actor_user_id: int) -> None:
    """Put a message aside that waits or was refused: a person has decided. Raises ``MessageSettled``."""
    message = session.get_one(InterfaceMessage, message_id, with_for_update=True)
    if message.status not in {MessageStatus.WAITING, MessageStatus.REFUSED}:
        raise MessageSettled(message_id)
    message.status, message.settled_at = MessageStatus.LEFT_OUT, now
    message.content = message.raw = message.waits_on = None
    session.flush()
    record(
        session,
        now=now,
        action="message.left_out",
        actor_user_id=actor_user_id,
        facility_id=message.facility_id,
        object_kind="interface_message",
        object_id=message_id,
    )


def key_of(message: Incoming) -> Key:
    """What tells this message from others."""
    return message.sender, message.control_id, message.digest


def _known(session: Session, facility_id: int, messages: Sequence[Incoming]) -> dict[Key, Earlier]:
    """What became of those that came before."""
    rows = session.execute(
        _KNOWN,
        {
            "facility": facility_id,
            "controls": [each.control_id for each in messages],
            "digests": [each.digest for each in messages],
        },
    )
    return {
        (sender, control_id, bytes(digest)): Earlier(message_id, MessageStatus(status), code)
        for sender, control_id, digest, message_id, status, code in rows
    }


_KNOWN: Final = text(
    "SELECT m.sender, m.control_id, m.digest, m.id, m.status, m.code"
    " FROM unnest(CAST(:controls AS text[]), CAST(:digests AS bytea[])) AS wanted(control_id, digest)"
    " JOIN interface_message m USING (control_id, digest) WHERE m.facility_id = :facility"
)
_WOKEN: Final = text(
    "SELECT id, content, waits_on FROM interface_message"
    " WHERE facility_id = :facility AND status = 'waiting' AND waits_on = ANY(:keys)"
)
_WAITING: Final = text(
    "SELECT id, content, waits_on, event = 'A03' AND received_at <= :before FROM interface_message"
    " WHERE facility_id = :facility AND status = 'waiting' AND id > :after ORDER BY id LIMIT :limit"
)
_INSERTED: Final = insert(InterfaceMessage.__table__)  # type: ignore[arg-type]


class _Run:
    """Applies what can be applied until nothing more can."""

    def __init__(self, session: Session, place: Place, now: datetime) -> None:
        self.session = session
        self.place = place
        self.now = now
        self.outcomes: dict[Key, Outcome] = {}
        self.waits_on: dict[Key, str] = {}
        self.counts = ApplyCounts()
        self.settled = 0

    def apply(self, fresh: Sequence[_Open]) -> None:
        """Apply ``fresh`` and what has waited for it; what has to wait gets that outcome."""
        ready, waiting = self._sorted(fresh)
        seen = {each.message_id for each in fresh}
        while ready:
            self._write(ready)
            touched = {key for each in ready for key in known_by(each.instruction)}
            woken = [each for each in self._stored(touched) if each.message_id not in seen]
            seen.update(each.message_id for each in woken)
            ready, waiting = self._sorted([*waiting, *woken])
        self._leave_waiting(waiting)

    def _leave_waiting(self, messages: Sequence[_Open]) -> None:
        """What was woken by one of the patients whom it needs goes on waiting for the other."""
        needs = missing_of(self.session, self.place.facility_id, [each.instruction for each in messages])
        for each, waits_on in zip(messages, needs, strict=True):
            if each.message_id and waits_on != each.waits_on:
                self._change(each.message_id, waits_on=waits_on)
            elif not each.message_id:
                code = "unknown_patient" if each.instruction.needs_patients else "unknown_visit"
                self.outcomes[each.key] = Outcome(MessageStatus.WAITING, code)
                self.waits_on[each.key] = waits_on

    def _sorted(self, messages: Sequence[_Open]) -> tuple[list[_Open], list[_Open]]:
        """Those that can be applied, and those that need something that is not known."""
        missing = missing_of(self.session, self.place.facility_id, [each.instruction for each in messages])
        pairs = list(zip(messages, missing, strict=True))
        return [each for each, needed in pairs if not needed], [each for each, needed in pairs if needed]

    def _stored(self, keys: Iterable[str]) -> list[_Open]:
        """Messages that wait for one of these visits or patients."""
        rows = self.session.execute(_WOKEN, {"facility": self.place.facility_id, "keys": list(keys)})
        return [_Open(_NO_KEY, each.id, instruction_from(each.content), each.waits_on) for each in rows]

    def _write(self, messages: Sequence[_Open]) -> None:
        """Write all at once; where the database refuses, halve until the one to blame is alone."""
        try:
            with self.session.begin_nested():
                counts = write_instructions(
                    self.session, self.place, [each.instruction for each in messages], now=self.now
                )
        except (BulkWriteFailed, DataError, IntegrityError) as error:
            code, constraint = blame(error)
            if code[:2] not in DATA_CLASSES:
                raise
        else:
            self.counts = self.counts.plus(counts)
            for each in messages:
                self._settle(each, Outcome(MessageStatus.APPLIED))
            return
        if len(messages) == 1:
            params = {"sqlstate": code, "constraint": constraint}
            self._settle(messages[0], Outcome(MessageStatus.REFUSED, "database_refused", "", params))
            return
        middle = len(messages) // 2
        self._write(messages[:middle])
        self._write(messages[middle:])

    def _settle(self, message: _Open, outcome: Outcome) -> None:
        if not message.message_id:
            self.outcomes[message.key] = outcome
            return
        self.settled += 1
        values = {"status": outcome.status, "code": outcome.code, "waits_on": None, "content": None}
        self._change(message.message_id, **values, settled_at=self.now)

    def _change(self, message_id: int, **values: Any) -> None:
        self.session.execute(update(InterfaceMessage).where(InterfaceMessage.id == message_id).values(**values))


def write_instructions(
    session: Session, place: Place, instructions: Sequence[Instruction], *, now: datetime
) -> ApplyCounts:
    """Bring what messages say into the records: stays, patients, further numbers, merges."""
    common: dict[str, Any] = {
        "facility_id": place.facility_id,
        "timezone": place.timezone,
        "batch_id": place.batch_id,
        "source_rank": SOURCE_RANK,
        "stated_at": now,
        "now": now,
    }
    stays = [row for each in instructions for row in each.stays]
    patients = [row for each in instructions for row in each.patients]
    counts = apply_stays(session, **common, rows=stays, with_plans=place.with_plans)
    counts = counts.plus(apply_patients(session, **common, rows=patients))
    told = [row.mrn for row in (*stays, *patients) if row.phones]
    settle_emptied_numbers(session, facility_id=place.facility_id, mrns=told)
    note_identifiers(
        session, facility_id=place.facility_id, identifiers=[each for one in instructions for each in one.identifiers]
    )
    merged = _merge(session, place, [pair for each in instructions for pair in each.merges], now)
    _apply_appointments(session, place, [record for each in instructions for record in each.appointments], now)
    return counts.plus(ApplyCounts(merged=merged))


def _merge(session: Session, place: Place, pairs: Sequence[tuple[str, str]], now: datetime) -> int:
    """Merge the records of these MRNs, (from, into); how many were not one person before."""
    records = patients_by_mrn(session, place.facility_id, {mrn for pair in pairs for mrn in pair})
    merged = 0
    for leaving, staying in pairs:
        try:
            merge_patients(
                session,
                from_patient_id=records[leaving],
                into_patient_id=records[staying],
                reason=MERGE_REASON,
                now=now,
                actor_user_id=None,
            )
            merged += 1
        except AlreadyOnePerson:
            continue
    return merged


def _apply_appointments(session: Session, place: Place, records: Sequence[AppointmentRecord], now: datetime) -> None:
    if records:
        known = patients_by_mrn(session, place.facility_id, {each.mrn for each in records})
        apply_records(session, facility_id=place.facility_id, records=records, patients=known, now=now)


def known_by(instruction: Instruction) -> set[str]:
    """The visits and patients that are known once this has been applied, as messages wait for them."""
    visits = {visit_key(row.source, row.visit_number) for row in instruction.stays}
    return visits | {f"mrn:{row.mrn}" for row in (*instruction.stays, *instruction.patients)}


def missing_of(session: Session, facility_id: int, instructions: Sequence[Instruction]) -> list[str]:
    """For each what it needs first and nobody knows yet, empty when it can be applied."""
    visits = {(row.source, each.needs_visit) for each in instructions if each.needs_visit for row in each.stays}
    known = known_visits(session, facility_id, visits)
    records = patients_by_mrn(session, facility_id, {mrn for each in instructions for mrn in each.needs_patients})
    return [_missing(each, known, records) for each in instructions]


def _missing(instruction: Instruction, known: set[tuple[str, str]], records: Mapping[str, int]) -> str:
    for row in instruction.stays:
        if instruction.needs_visit and (row.source, instruction.needs_visit) not in known:
            return visit_key(row.source, instruction.needs_visit)
    return next((f"mrn:{mrn}" for mrn in instruction.needs_patients if mrn not in records), "")


def _keep(session: Session, place: Place, settled: Sequence[tuple[dict[str, Any], Earlier | None]]) -> None:
    """Store what became of each message; one that was refused before is overwritten."""
    common = {"facility_id": place.facility_id, "batch_id": place.batch_id}
    new = [{**values, **common} for values, earlier in settled if earlier is None]
    for values, earlier in settled:
        if earlier is not None:
            session.execute(update(InterfaceMessage).where(InterfaceMessage.id == earlier.message_id).values(**values))
    if new:
        session.execute(_INSERTED, new)


def _values(message: Incoming, outcome: Outcome, waits_on: str | None, now: datetime) -> dict[str, Any]:
    waiting = message.instruction if outcome.status is MessageStatus.WAITING else None
    return {
        "sender": message.sender,
        "control_id": message.control_id,
        "digest": message.digest,
        "event": message.event,
        "status": outcome.status,
        "code": outcome.code,
        "field": outcome.field,
        "params": dict(outcome.params) or None,
        "waits_on": waits_on,
        "content": None if waiting is None else content_of(waiting),
        "raw": message.text.replace("\0", "")[:KEPT] if outcome.status is MessageStatus.REFUSED else None,
        "event_at": message.event_at,
        "received_at": now,
        "settled_at": None,
    }
