"""Sealing below the oldest running transaction, and what verification finds."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from hcrm.audit import jobs, queries, service
from hcrm.audit.domain import ProblemKind
from hcrm.unit_of_work import Runtime, unit_of_work


def append(runtime: Runtime, count: int = 1) -> None:
    with unit_of_work(runtime.sessions) as session:
        for number in range(count):
            service.record(
                session, now=runtime.clock.now(), action="patient.viewed", actor_user_id=None, object_id=number
            )


def problems(runtime: Runtime, head: str | None = None) -> list[ProblemKind]:
    with unit_of_work(runtime.sessions) as session:
        return [problem.kind for problem in service.verify(session, expected_head=head)]


@pytest.fixture
def tamper(administrator: Engine) -> Callable[[str], None]:
    """Changes the database as somebody with more rights than the program would."""

    def run(statement: str) -> None:
        with administrator.begin() as connection:
            connection.execute(text(statement))

    return run


def test_sealed_entries_verify(runtime: Runtime) -> None:
    append(runtime, 3)
    assert jobs.seal(runtime) == 3
    append(runtime, 2)
    assert jobs.seal(runtime) == 2

    assert problems(runtime) == []


def test_sealing_again_without_new_entries_does_nothing(runtime: Runtime) -> None:
    append(runtime)
    jobs.seal(runtime)

    assert jobs.seal(runtime) == 0


def test_entry_committed_late_with_a_smaller_id_is_not_skipped(runtime: Runtime) -> None:
    """Ids are drawn in no order of commit: the sealer waits for whoever drew an id before it looked."""
    with closing(runtime.sessions()) as slow:
        service.record(slow, now=runtime.clock.now(), action="slow", actor_user_id=None)
        append(runtime)
        with unit_of_work(runtime.sessions) as session:
            assert service.seal(session, now=runtime.clock.now(), patience_seconds=0.1) == 0
        slow.commit()

    assert jobs.seal(runtime) == 2
    assert problems(runtime) == []


def test_transaction_that_rolled_back_leaves_a_gap_that_is_no_problem(runtime: Runtime) -> None:
    append(runtime)
    with closing(runtime.sessions()) as session:
        service.record(session, now=runtime.clock.now(), action="undone", actor_user_id=None)
        session.rollback()
    append(runtime)

    assert jobs.seal(runtime) == 2
    assert problems(runtime) == []


def test_two_sealers_at_once_seal_once(runtime: Runtime) -> None:
    append(runtime, 4)
    with closing(runtime.sessions()) as first:
        assert service.seal(first, now=runtime.clock.now()) == 4
        with unit_of_work(runtime.sessions) as second:
            assert service.seal(second, now=runtime.clock.now()) == 0
        first.commit()

    assert problems(runtime) == []


def test_sealing_while_many_append_skips_nothing(runtime: Runtime) -> None:
    def work(number: int) -> None:
        for step in range(20):
            with closing(runtime.sessions()) as session:
                service.record(session, now=runtime.clock.now(), action="busy", actor_user_id=number)
                session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": (number * step % 7) / 500})
                if step % 5:
                    session.commit()

    with ThreadPoolExecutor(6) as pool:
        workers = [pool.submit(work, number) for number in range(6)]
        sealed = 0
        while not all(worker.done() for worker in workers):
            sealed += jobs.seal(runtime)
        for worker in workers:
            worker.result()
    sealed += jobs.seal(runtime)

    assert sealed == 6 * 16
    assert problems(runtime) == []


def test_changed_entry_is_found(runtime: Runtime, tamper: Callable[[str], None]) -> None:
    append(runtime, 3)
    jobs.seal(runtime)
    tamper("UPDATE audit_entry SET object_id = 99 WHERE id = (SELECT min(id) FROM audit_entry)")

    assert problems(runtime) == [ProblemKind.ENTRIES_CHANGED]


def test_removed_entry_is_found(runtime: Runtime, tamper: Callable[[str], None]) -> None:
    append(runtime, 3)
    jobs.seal(runtime)
    tamper("DELETE FROM audit_entry WHERE id = (SELECT min(id) + 1 FROM audit_entry)")

    assert problems(runtime) == [ProblemKind.ENTRIES_MISSING]


def test_entry_slipped_in_later_is_found(runtime: Runtime, tamper: Callable[[str], None]) -> None:
    append(runtime, 3)
    with closing(runtime.sessions()) as session:
        service.record(session, now=runtime.clock.now(), action="undone", actor_user_id=None)
        session.rollback()
    append(runtime)
    jobs.seal(runtime)
    columns = "at, actor_kind, action, object_kind, outcome, details"
    tamper(
        f"INSERT INTO audit_entry (id, {columns}) OVERRIDING SYSTEM VALUE "
        f"SELECT max(id) - 1, max(at), 'system', 'slipped', '', 'done', '{{}}' FROM audit_entry"
    )

    assert problems(runtime) == [ProblemKind.ENTRIES_ADDED]


def test_removed_seal_is_found(runtime: Runtime, tamper: Callable[[str], None]) -> None:
    for _ in range(3):
        append(runtime)
        jobs.seal(runtime)
    tamper("DELETE FROM audit_seal WHERE id = (SELECT min(id) + 1 FROM audit_seal)")

    assert ProblemKind.CHAIN_BROKEN in problems(runtime)


def test_end_cut_off_is_found_with_a_hash_kept_elsewhere(runtime: Runtime, tamper: Callable[[str], None]) -> None:
    append(runtime)
    jobs.seal(runtime)
    append(runtime)
    jobs.seal(runtime)
    with unit_of_work(runtime.sessions) as session:
        kept = queries.head(session)
    tamper("DELETE FROM audit_entry WHERE id = (SELECT max(id) FROM audit_entry)")
    tamper("DELETE FROM audit_seal WHERE id = (SELECT max(id) FROM audit_seal)")

    assert problems(runtime) == []
    assert problems(runtime, head=kept) == [ProblemKind.HEAD_MISSING]


@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("table", ["audit_entry", "audit_seal"])
def test_program_itself_cannot_change_the_audit(runtime: Runtime, statement: str, table: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), runtime.engine.begin() as connection:
        connection.execute(text(statement.format(table)))


def test_entry_is_gone_when_its_transaction_is(runtime: Runtime) -> None:
    with closing(runtime.sessions()) as session:
        service.record(session, now=runtime.clock.now(), action="patient.viewed", actor_user_id=None)
        session.rollback()

    with unit_of_work(runtime.sessions) as session:
        assert queries.unsealed_count(session) == 0
