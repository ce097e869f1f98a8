"""How fast visits are found, shown and booked, with a million future slots in the database.

The next free slot is searched in a department and with a clinician; the week's calendar is asked for as a page; eight
clients in processes of their own book visits over 10,000 places until all are asked for, and it is counted that none is
booked twice. ``python -m tests.benchmarks.bench_appointments [SLOTS]``.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from hcrm import schema
from hcrm.accounts.domain import MembershipSnapshot, Role
from hcrm.accounts.service import create_user
from hcrm.app import create_app
from hcrm.appointments import queries, service
from hcrm.appointments.domain.refusals import Refused
from hcrm.appointments.domain.search import ReturnRule
from hcrm.appointments.domain.states import Via
from hcrm.clock import FixedClock, stopwatch
from hcrm.db import make_engine
from hcrm.organization.service import ensure_clinicians, ensure_departments, ensure_facility
from hcrm.settings import Settings
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults, make_runtime
from tests.databases import begin_run, end_run, open_server, servers_to_test

SLOTS = 1_000_000
DEPARTMENTS = 40
BOOKINGS = 3_000
PLACES = 10_000
CLIENTS = 8
SEARCH_AIM_MS, CALENDAR_AIM_MS, BOOKING_AIM = 50, 150, 300
NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
ZONE = "Asia/Shanghai"
PASSWORD = "a password for measuring only"

FILL = """
INSERT INTO clinic_session (facility_id, department_id, clinician_id, room, first_on, last_on, weekdays, every_weeks,
    starts, slot_minutes, slots, capacity, on_holidays, created_at)
SELECT :facility, d.id, c.id, '2F-' || c.id, DATE '2026-03-11', DATE '2026-12-31', '{0,1,2,3,4,5,6}', 1, TIME '08:00',
    10, 48, 1, false, :now
FROM department d JOIN clinician c ON c.code = 'C' || d.code || right(c.code, 2) WHERE d.facility_id = :facility;
INSERT INTO sitting (session_id, facility_id, department_id, clinician_id, room, day, starts_at, ends_at, closed_reason)
SELECT s.id, facility_id, department_id, clinician_id, room, day, (CAST(day AS date) + TIME '00:00') AT TIME ZONE 'UTC',
    (CAST(day AS date) + TIME '08:00') AT TIME ZONE 'UTC', ''
FROM clinic_session s,
    generate_series(DATE '2026-03-11', DATE '2026-03-11' + CAST(:days AS int), interval '1 day') AS day;
INSERT INTO slot (sitting_id, facility_id, department_id, clinician_id, starts_at, ends_at, seat, free)
SELECT t.id, facility_id, department_id, clinician_id, starts_at + n * interval '10 minutes',
    starts_at + (n + 1) * interval '10 minutes', 1, NOT (day < DATE '2026-03-25' AND n < 46)
FROM sitting t, generate_series(0, 47) AS n;
"""
PEOPLE = """
INSERT INTO patient (facility_id, person_id, family_name, given_name, full_name, name_sort_key, sex, language,
    deceased_state, diagnosis_not_told, open_dispute, loss_of_baby, address, created_at, updated_at)
SELECT :facility, n, '', '', 'P' || n, 'p' || n, 'unknown', 'en', 'none', false, false, false, '', :now, :now
FROM generate_series(1, :count) AS n
"""
WEEK = """
INSERT INTO appointment (facility_id, patient_id, department_id, clinician_id, slot_id, room, starts_at, ends_at, state,
    booked_at, booked_via, outcome, note, generation, declined, wrong_dates)
SELECT s.facility_id, 1 + row_number() OVER () % 20000, s.department_id, s.clinician_id, s.id, '', s.starts_at,
    s.ends_at, 'booked', :now, 'staff', '', '', 0, '{}', 0
FROM slot s WHERE NOT free AND department_id = :department AND starts_at < TIMESTAMPTZ '2026-03-18Z'
"""


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")


def main() -> int:
    """Measure, tell, and return 1 when an aim was missed."""
    slots = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else SLOTS
    begin_run()
    server = open_server(servers_to_test()[-1])
    name = server.create()
    try:
        schema.upgrade(server.admin_url(name))
        with tempfile.TemporaryDirectory() as folder:
            return _measure(Path(folder), server.url(name), server.admin_url(name), slots)
    finally:
        server.drop(name)
        end_run()


def _runtime(folder: Path, url: str) -> Runtime:
    settings = Settings(instance_dir=folder, database_url=url, secret_key="only for measuring", hospital_timezone=ZONE)
    return make_runtime(settings, FixedClock(NOW))


def _measure(folder: Path, url: str, admin_url: str, slots: int) -> int:
    runtime = _runtime(folder, url)
    facility, departments = _fill(runtime, admin_url, slots)
    missed = [
        _search(runtime, departments),
        _calendar(runtime, facility, departments),
        _book(folder, url, runtime),
    ]
    runtime.engine.dispose()
    return int(any(missed))


def _fill(runtime: Runtime, admin_url: str, slots: int) -> tuple[int, list[int]]:
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, NOW)
        facility = ensure_facility(
            session, code="BENCH", name="Bench", name_zh="", timezone=ZONE, country="CN", phone="021", now=NOW
        )
        codes = [f"{number:02}" for number in range(DEPARTMENTS)]
        found = ensure_departments(
            session, facility_id=facility, names={code: f"Department {code}" for code in codes}, now=NOW
        )
        ensure_clinicians(
            session,
            facility_id=facility,
            names={f"C{code}{seat:02}": f"Dr {code}" for code in codes for seat in range(3)},
        )
        departments = sorted(found.values())
    engine = make_engine(admin_url, role=None)
    days = max(10, slots // (48 * DEPARTMENTS * 3))
    began = stopwatch()
    with engine.begin() as connection:
        values = {"facility": facility, "now": NOW, "days": days, "count": 20_000, "department": departments[0]}
        for statement in (*filter(str.strip, FILL.split(";")), PEOPLE, WEEK):
            connection.execute(text(statement), values)
        total = connection.scalar(text("SELECT count(*) FROM slot"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()
    _say(f"Filled {total:,} slots of {DEPARTMENTS} departments in {stopwatch() - began:.0f} s.")
    return facility, departments


def _search(runtime: Runtime, departments: list[int]) -> bool:
    times = []
    for number in range(60):
        department = departments[number % DEPARTMENTS]
        with unit_of_work(runtime.sessions) as session:
            clinician = session.scalar(
                text("SELECT clinician_id FROM sitting WHERE department_id = :id LIMIT 1"), {"id": department}
            )
            began = stopwatch()
            _window, found = queries.free_for_discharge(
                session,
                department_id=department,
                clinician_id=clinician,
                discharged_on=NOW.date(),
                now=NOW,
                zone=UTC,
                rule=ReturnRule(),
            )
            times.append((stopwatch() - began) * 1000)
        assert found
    return _told("Next free slots by the rule of a discharge", times, SEARCH_AIM_MS)


def _calendar(runtime: Runtime, facility: int, departments: list[int]) -> bool:
    with unit_of_work(runtime.sessions) as session:
        create_user(
            session,
            username="head",
            password=PASSWORD,
            display_name="Head",
            language="en",
            memberships=[MembershipSnapshot(facility, Role.SERVICE_AGENT)],
            now=NOW,
        )
    app = create_app(runtime.settings, runtime)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    client = app.test_client()
    client.post("/login", data={"username": "head", "password": PASSWORD})
    times, size = [], 0
    for _ask in range(12):
        began = stopwatch()
        answer = client.get(f"/visits?view=week&on=2026-03-11&department={departments[0]}")
        times.append((stopwatch() - began) * 1000)
        assert answer.status_code == 200
        size = answer.text.count("/visits/")
    return _told(f"Week calendar of a department ({size:,} links)", times[2:], CALENDAR_AIM_MS)


def _told(what: str, times: list[float], aim: int) -> bool:
    middle, slowest = statistics.median(times), max(times)
    _say(f"{what}: {middle:.1f} ms, slowest {slowest:.1f} ms (aim {aim} ms).")
    if middle > aim:
        _say(f"{what} needs longer than {aim} ms.")
    return middle > aim


def _book(folder: Path, url: str, runtime: Runtime) -> bool:
    """Eight clients book at once, each its own share of the bookings, all out of the same places."""
    with unit_of_work(runtime.sessions) as session:
        places = session.scalars(
            text("SELECT id FROM slot WHERE free ORDER BY starts_at, id LIMIT :n"), {"n": PLACES}
        ).all()
    shares = [(folder, url, places, number) for number in range(CLIENTS)]
    with ProcessPoolExecutor(CLIENTS) as clients:
        list(clients.map(_warm, [(folder, url)] * CLIENTS))
        began = stopwatch()
        booked = sum(clients.map(_client, shares))
        seconds = stopwatch() - began
    with unit_of_work(runtime.sessions) as session:
        double = session.scalar(
            text(
                "SELECT count(*) FROM (SELECT slot_id FROM appointment WHERE state = 'booked' GROUP BY 1"
                " HAVING count(*) > 1) AS twice"
            )
        )
    rate = booked / seconds
    _say(
        f"Bookings by {CLIENTS} clients over {PLACES:,} places: {rate:.0f} a second ({booked:,} in {seconds:.1f} s),"
        f" {double} double (aim {BOOKING_AIM})."
    )
    if rate < BOOKING_AIM:
        _say(f"Booking is slower than {BOOKING_AIM} a second.")
    return rate < BOOKING_AIM or bool(double)


def _warm(where: tuple[Path, str]) -> None:
    runtime = _runtime(*where)
    with runtime.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    runtime.engine.dispose()


def _client(share: tuple[Path, str, list[int], int]) -> int:
    folder, url, places, number = share
    runtime = _runtime(folder, url)
    chance = random.Random(number)
    booked = 0
    for turn in range(BOOKINGS // CLIENTS):
        with suppress(Refused), unit_of_work(runtime.sessions) as session:
            service.book(
                session,
                patient_id=1 + (number * BOOKINGS + turn) % 20_000,
                slot_id=chance.choice(places),
                via=Via.STAFF,
                now=NOW + timedelta(seconds=turn),
            )
            booked += 1
    runtime.engine.dispose()
    return booked


if __name__ == "__main__":
    sys.exit(main())
