"""Messages of interfaces: applied once, in whatever order they come; what cannot be applied yet waits and is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from hcrm.followup.service.plans import install_default_plan
from hcrm.intake.domain import MessageStatus, Profile
from hcrm.intake.readers.hl7v2 import Incoming, Reading, read_message
from hcrm.intake.service import Applied, Place, apply_messages
from tests.conftest import NOW
from tests.hl7_messages import adt, pid, pv1

READING = Reading.of(Profile(), "Asia/Shanghai", "CN")
Send = Callable[..., list[str]]


def incoming(message: str) -> Incoming:
    return read_message(message.encode(), READING, NOW)


def apply_texts(session: Session, facility: int, messages: Sequence[str], now: datetime = NOW) -> Applied:
    return apply_messages(session, Place(facility, "Asia/Shanghai"), [incoming(each) for each in messages], now=now)


@pytest.fixture
def send(session: Session, facility: int) -> Send:
    """Applies messages one run after the other and tells what became of each."""

    def apply(*messages: str) -> list[str]:
        outcomes = [outcome for each in messages for outcome in apply_texts(session, facility, [each]).outcomes]
        return [each.code or each.status.value for each in outcomes]

    return apply


def rows(session: Session, query: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in session.execute(text(query))]


def stays(session: Session) -> list[tuple[object, ...]]:
    return rows(
        session,
        "SELECT i.value, e.visit_number, e.status, e.discharged_at FROM encounter e"
        " JOIN patient_identifier i ON i.patient_id = e.patient_id AND i.system = 'mrn' ORDER BY 1, 2",
    )


class TestStays:
    def test_a_stay_from_admission_to_discharge(self, session: Session, send: Send) -> None:
        done = send(
            adt("A01", pid(), pv1("20260301080000"), sent="20260301080500"),
            adt("A02", pid(), pv1(f3="SUR^1"), sent="20260302080000", control="2"),
            adt(
                "A03", pid(), pv1(discharged="20260305100000", f3="SUR^1", f36="1"), sent="20260305100100", control="3"
            ),
        )
        assert done == ["applied"] * 3
        assert stays(session) == [("1001", "V1", "finished", datetime(2026, 3, 5, 2, 0, tzinfo=UTC))]
        wards = "SELECT d.code FROM encounter_location l JOIN department d ON d.id = l.department_id"
        assert rows(session, wards) == [("MED",)]

    def test_what_is_sent_twice_counts_once(self, session: Session, facility: int, send: Send) -> None:
        message = adt("A01", pid(), pv1("20260301"))
        assert send(message, message) == ["applied", "applied"]
        done = apply_texts(session, facility, [message, message.replace("|20260305100000||ADT", "|20260306||ADT")])
        assert [each.repeated for each in done.outcomes] == [True, True]
        assert rows(session, "SELECT count(*) FROM interface_message") == [(1,)]

    def test_a_control_id_used_anew_hides_nothing(self, session: Session, send: Send) -> None:
        send(adt("A01", pid(), pv1("20260301")), adt("A01", pid("1002"), pv1("20260301", visit="V2")))
        assert [row[:2] for row in stays(session)] == [("1001", "V1"), ("1002", "V2")]

    def test_an_older_update_that_comes_later_changes_nothing_that_is_newer(self, session: Session, send: Send) -> None:
        send(
            adt("A08", pid(name="New^Name"), pv1("20260301"), sent="20260304"),
            adt("A01", pid(name="Old^Name", f11="1 Main St"), pv1("20260301"), sent="20260301", control="2"),
        )
        assert rows(session, "SELECT full_name, address FROM patient") == [("Name New", "1 Main St")]

    def test_a_discharge_and_a_visit_are_taken_back(self, session: Session, send: Send) -> None:
        send(
            adt("A01", pid(), pv1("20260301"), sent="20260301"),
            adt("A03", pid(), pv1("20260301", "20260305"), sent="20260305", control="2"),
            adt("A13", pid(), pv1("20260301", "20260305"), sent="20260305110000", control="3"),
        )
        assert stays(session)[0][2:] == ("in_progress", None)
        send(adt("A11", pid(), pv1("20260301"), sent="20260306", control="4"))
        assert stays(session)[0][2] == "cancelled"

    def test_a_visit_moves_to_another_patient(self, session: Session, send: Send) -> None:
        send(adt("A01", pid(), pv1("20260301"), sent="20260301"), adt("A28", pid("1002"), sent="20260301"))
        send(adt("A45", pid("1002"), "MRG|1001^^^HOSP^MR||||V1", pv1(), sent="20260302"))
        assert [row[:2] for row in stays(session)] == [("1002", "V1")]

    def test_a_row_that_the_database_refuses_holds_nothing_up(self, session: Session, facility: int) -> None:
        good = adt("A01", pid(), pv1("20260301"))
        bad = incoming(adt("A01", pid("1002"), pv1("20260301", visit="V2"), control="2"))
        assert bad.instruction is not None
        row = bad.instruction.stays[0]._replace(contact_relationship="x" * 100)
        bad = bad._replace(instruction=bad.instruction._replace(stays=(row,)))
        done = apply_messages(session, Place(facility, "Asia/Shanghai"), [bad, incoming(good)], now=NOW)
        assert [each.status for each in done.outcomes] == [MessageStatus.REFUSED, MessageStatus.APPLIED]
        assert [each.code for each in done.outcomes] == ["database_refused", ""]
        assert [row[1] for row in stays(session)] == ["V1"]


class TestPatients:
    def test_a_patient_without_a_visit(self, session: Session, send: Send) -> None:
        assert send(adt("A28", pid(f13="13800138000"))) == ["applied"]
        assert rows(session, "SELECT full_name, birth_date FROM patient") == [("San Zhang", date(1960, 2, 3))]
        assert rows(session, "SELECT number FROM contact_point") == [("+8613800138000",)]

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
    def test_news_of_a_patient_and_of_stays_stand_in_one_order(
        self, session: Session, send: Send, order: tuple[int, ...]
    ) -> None:
        messages = [
            adt("A01", pid(name="First^Name", f11="Old street"), pv1("20260301"), sent="20260301"),
            adt("A31", pid(name="Second^Name"), sent="20260302", control="2"),
            adt("A08", pid(name="", f11='""'), pv1("20260301"), sent="20260303", control="3"),
        ]
        send(*(messages[at] for at in order))
        assert rows(session, "SELECT full_name, address FROM patient") == [("Name Second", "")]

    def test_numbers_of_other_systems_are_kept_and_join_nobody(self, session: Session, send: Send) -> None:
        shared = "^^^HOSP^MR~999^^^NHS^NH"
        send(adt("A28", pid(f3=f"1{shared}")), adt("A28", pid(f3=f"2{shared}"), control="2"))
        assert rows(session, "SELECT count(*) FROM patient") == [(2,)]
        assert rows(session, "SELECT value FROM patient_identifier WHERE system = 'NHS'") == [("999",)]

    @pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
    def test_numbers_end_with_two_quotes_unless_a_later_record_names_them(
        self, session: Session, send: Send, order: tuple[int, ...]
    ) -> None:
        kin = "NK1|1|Li^Si|SPO||13700137000"
        messages = [
            adt("A31", pid(f13="13800138000~13900139000"), sent="20260301", control="1"),
            adt("A31", pid(f13='""'), kin, sent="20260302", control="2"),
            adt("A31", pid(f13="13900139000"), sent="20260303", control="3"),
            adt("A31", pid(f13="13500135000"), sent="20260301", control="4"),
        ]
        send(*(messages[at] for at in order))
        live = "SELECT number FROM contact_point WHERE retired_at IS NULL ORDER BY 1"
        assert rows(session, live) == [("+8613700137000",), ("+8613900139000",)]

    def test_a_death_is_known_at_once(self, session: Session, send: Send) -> None:
        send(adt("A01", pid(), pv1("20260301")), adt("A31", pid(f29="20260305", f30="Y"), control="2"))
        assert rows(session, "SELECT deceased_state, deceased_on FROM patient") == [("confirmed", date(2026, 3, 5))]


class TestMerging:
    def test_two_records_become_one_person_and_the_ledger_knows(self, session: Session, send: Send) -> None:
        send(adt("A28", pid("1")), adt("A28", pid("2"), control="2"))
        assert send(adt("A40", pid("1"), "MRG|2^^^HOSP^MR", control="3")) == ["applied"]
        assert rows(session, "SELECT count(DISTINCT person_id) FROM patient") == [(1,)]
        assert rows(session, "SELECT reason, merged_by FROM patient_merge") == [("hl7", None)]

    def test_a_merge_taken_back_by_a_person_is_not_done_again(self, session: Session, send: Send) -> None:
        merge = adt("A34", pid("1"), "MRG|2^^^HOSP^MR", control="3")
        send(adt("A28", pid("1")), adt("A28", pid("2"), control="2"), merge)
        session.execute(text("UPDATE patient_merge SET undone_at = merged_at"))
        session.execute(text("UPDATE patient SET person_id = id"))
        send(merge)
        assert rows(session, "SELECT count(DISTINCT person_id) FROM patient") == [(2,)]


class TestWaiting:
    def test_a_merge_of_an_unknown_patient_waits_for_both(self, session: Session, send: Send) -> None:
        merge = adt("A40", pid("1"), "MRG|2^^^HOSP^MR")
        assert send(merge, merge) == ["unknown_patient", "unknown_patient"]
        assert rows(session, "SELECT count(*) FROM patient") == [(0,)]
        send(adt("A28", pid("2"), control="2"))
        assert rows(session, "SELECT waits_on FROM interface_message WHERE status = 'waiting'") == [("mrn:1",)]
        send(adt("A28", pid("1"), control="3"))
        assert rows(session, "SELECT count(DISTINCT person_id), count(*) FROM patient") == [(1, 2)]
        assert rows(session, "SELECT count(*) FROM interface_message WHERE status = 'waiting'") == [(0,)]

    def test_a_discharge_waits_for_its_admission(self, session: Session, send: Send) -> None:
        assert send(adt("A03", pid(), pv1(discharged="20260305"), sent="20260305")) == ["unknown_visit"]
        assert stays(session) == []
        assert send(adt("A01", pid(), pv1("20260301"), sent="20260301", control="2")) == ["applied"]
        assert stays(session)[0][2] == "finished"

    def test_a_discharge_that_tells_the_admission_too_waits_for_nothing(self, send: Send) -> None:
        assert send(adt("A03", pid(), pv1("20260301", "20260305"))) == ["applied"]

    def test_in_one_run_the_order_does_not_matter(self, session: Session, facility: int) -> None:
        messages = [
            adt("A40", pid("1"), "MRG|2^^^HOSP^MR"),
            adt("A03", pid("1"), pv1(discharged="20260305"), sent="20260305"),
            adt("A01", pid("1"), pv1("20260301"), sent="20260301", control="2"),
            adt("A28", pid("2"), control="3"),
        ]
        done = apply_texts(session, facility, messages)
        assert {each.status for each in done.outcomes} == {MessageStatus.APPLIED}
        assert (done.counts.created, done.counts.merged) == (1, 1)


class TestRefusedAndIgnored:
    def test_a_refused_message_is_kept_and_looked_at_anew(self, session: Session, send: Send) -> None:
        message = adt("A01", "PID|1||||Doe^Jane", pv1("20260301"))
        assert send(message, message) == ["missing_mrn", "missing_mrn"]
        assert rows(session, "SELECT status, code, field, raw FROM interface_message") == [
            ("refused", "missing_mrn", "mrn", message)
        ]

    def test_an_unknown_event_is_counted(self, session: Session, send: Send) -> None:
        assert send(adt("A60", pid())) == ["ignored"]
        assert rows(session, "SELECT event, status FROM interface_message") == [("A60", "ignored")]


class TestPlans:
    @pytest.fixture(autouse=True)
    def discharged(self, session: Session, send: Send) -> None:
        """A patient who went home the day before, with a plan."""
        install_default_plan(session, NOW)
        stay = pv1("20260301080000", "20260309100000", f36="1")
        send(adt("A03", pid(f13="13800138000"), stay, sent="20260309100100", control="0"))
        assert open_steps(session) > 0

    def test_a_new_admission_ends_what_is_open_of_the_old_plan(self, session: Session, send: Send) -> None:
        send(adt("A01", pid(), pv1("20260310080000", visit="V2"), sent="20260310080000"))
        assert (open_steps(session), ended_because(session)) == (0, {"readmitted"})

    def test_a_discharge_taken_back_ends_the_plan(self, session: Session, send: Send) -> None:
        send(adt("A13", pid(), pv1("20260301080000"), sent="20260309110000"))
        assert (open_steps(session), ended_because(session)) == (0, {"entered_in_error"})

    def test_a_death_ends_everything(self, session: Session, send: Send) -> None:
        send(adt("A31", pid(f30="Y"), sent="20260310080000"))
        assert (open_steps(session), ended_because(session)) == (0, {"deceased"})


def open_steps(session: Session) -> int:
    return int(session.scalar(text("SELECT count(*) FROM task WHERE status = 'open'")) or 0)


def ended_because(session: Session) -> set[object]:
    return {reason for (reason,) in rows(session, "SELECT DISTINCT reason FROM task")}
