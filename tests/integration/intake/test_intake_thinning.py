"""Applied messages are dropped after a time, counted; nothing that they said is lost or done twice."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from hcrm.clock import FixedClock
from hcrm.intake import queries
from hcrm.intake.domain import MessageStatus, Profile
from hcrm.intake.jobs import thin_messages
from hcrm.intake.readers.hl7v2 import Reading, read_message
from hcrm.intake.service import Place, apply_messages
from hcrm.intake.service.thinning import MESSAGES_KEPT
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.hl7_messages import adt, pid, pv1
from tests.stored_records import stored

MESSAGES = (
    adt("A01", pid(), pv1("20260301")),
    adt("A03", pid(), pv1("20260301", discharged="20260305"), control="2"),
    adt("Q01", pid(), control="3"),
    adt("A13", pid("9"), pv1(visit="V9"), control="4"),
)


def send(runtime: Runtime, facility: int) -> None:
    reading = Reading.of(Profile(), "Asia/Shanghai", "CN")
    messages = [read_message(each.encode(), reading, runtime.clock.now()) for each in MESSAGES]
    with unit_of_work(runtime.sessions) as session:
        apply_messages(session, Place(facility, "Asia/Shanghai"), messages, now=runtime.clock.now())


def test_old_messages_are_counted_and_dropped(runtime: Runtime, facility: int, clock: FixedClock) -> None:
    send(runtime, facility)
    before = stored(runtime, facility)
    clock.advance(MESSAGES_KEPT)
    assert thin_messages(runtime) == 0
    clock.advance(timedelta(seconds=1))
    assert thin_messages(runtime) == 3
    with unit_of_work(runtime.sessions) as session:
        kept = session.execute(text("SELECT event, status FROM interface_message")).all()
        counted = session.execute(text("SELECT event, status, count FROM interface_message_day ORDER BY 1")).all()
    assert [tuple(each) for each in kept] == [("A13", "waiting")]
    assert [tuple(each) for each in counted] == [("A01", "applied", 1), ("A03", "applied", 1), ("Q01", "ignored", 1)]
    send(runtime, facility)
    assert stored(runtime, facility) == before
    clock.advance(MESSAGES_KEPT + timedelta(seconds=1))
    assert thin_messages(runtime) == 3
    assert thin_messages(runtime) == 0


def test_what_is_counted_alone_is_told(runtime: Runtime, facility: int, clock: FixedClock) -> None:
    send(runtime, facility)
    clock.advance(MESSAGES_KEPT + timedelta(seconds=1))
    thin_messages(runtime)
    with unit_of_work(runtime.sessions) as session:
        told = queries.thinned_messages(session, frozenset({facility}))
        assert queries.thinned_messages(session, frozenset()) == {}
    assert told == {MessageStatus.APPLIED: 2, MessageStatus.IGNORED: 1}
