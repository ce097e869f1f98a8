"""Rows that are stored while the next are made: the same rows, in one transaction, and refused as before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from hcrm.followup.models import TaskRow
from hcrm.patients.domain import StayRow
from hcrm.patients.models import Encounter, EncounterFact, Patient
from hcrm.patients.service import BulkWriteFailed
from hcrm.patients.service.behind import behind_of, writing_behind
from hcrm.patients.service.stays import WORTH_A_THREAD
from tests.factories_followup import install_content
from tests.factories_patients import STATED_AT, apply_rows, stay_row

COUNT = WORTH_A_THREAD + 200


def new_stays() -> list[StayRow]:
    day = timedelta(days=1)
    began = datetime(2026, 2, 1, 1, 0, tzinfo=UTC)
    return [
        stay_row(f"M{at % 900}", f"V{at}", admitted_at=began + at % 5 * day, discharged_at=began + (6 + at % 3) * day)
        for at in range(COUNT)
    ]


def count(session: Session, table: type) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def test_many_new_stays_are_stored_with_their_plans(session: Session, facility: int) -> None:
    install_content(session, STATED_AT)
    applied = apply_rows(session, facility, new_stays(), with_plans=True)
    assert (applied.created, applied.patients_created) == (COUNT, 900)
    assert count(session, Encounter) == count(session, EncounterFact) == COUNT
    assert count(session, Patient) == 900
    steps = session.scalars(select(func.count()).where(TaskRow.encounter_id == Encounter.id).group_by(Encounter.id))
    assert len(steps.all()) == COUNT
    assert apply_rows(session, facility, new_stays(), with_plans=True).unchanged == COUNT


def test_a_row_that_the_database_refuses_leaves_nothing(session: Session, facility: int) -> None:
    rows = new_stays()
    rows[700] = rows[700]._replace(payer="x" * 300)
    with pytest.raises(BulkWriteFailed) as failed, session.begin_nested():
        apply_rows(session, facility, rows)
    assert failed.value.sqlstate == "22001"
    assert (count(session, Encounter), count(session, Patient)) == (0, 0)
    assert apply_rows(session, facility, new_stays()).created == COUNT


def test_a_statement_waits_for_what_was_handed_over(session: Session) -> None:
    stored: list[bytes] = []

    def store(blocks: Iterable[bytes]) -> None:
        stored.extend(blocks)

    with writing_behind(session):
        behind = behind_of(session)
        assert behind is not None
        for number in range(50):
            behind.store(store, [b"%d" % number])
        session.execute(text("SELECT 1"))
        assert stored == [b"%d" % number for number in range(50)]
    assert behind_of(session) is None


def test_what_cannot_be_stored_is_told_at_the_next_statement_and_nothing_more_is_stored(session: Session) -> None:
    stored: list[bytes] = []

    def refuse(_blocks: Iterable[bytes]) -> None:
        raise BulkWriteFailed("22001", None)

    def work() -> None:
        with writing_behind(session):
            behind = behind_of(session)
            assert behind is not None
            behind.store(refuse, [b"1"])
            behind.store(stored.extend, [b"2"])
            session.execute(text("SELECT 1"))
            stored.append(b"the statement was carried out")

    with pytest.raises(BulkWriteFailed):
        work()
    assert stored == []
    assert session.scalar(text("SELECT 1")) == 1


def test_rows_that_cannot_be_made_end_the_writing(session: Session) -> None:
    stored: list[bytes] = []

    def made() -> Iterator[bytes]:
        yield b"1"
        raise LookupError

    def work() -> None:
        with writing_behind(session):
            behind = behind_of(session)
            assert behind is not None
            behind.store(stored.extend, made())

    with pytest.raises(LookupError):
        work()
    assert session.scalar(text("SELECT 1")) == 1
