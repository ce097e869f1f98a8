"""Nothing personal reaches a log: an import, the worker's first ticks and a walk over pages, with everything said."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest
from sqlalchemy.orm import Session

from hcrm.accounts.domain import Language, MembershipSnapshot, Role
from hcrm.accounts.service import create_user
from hcrm.clock import SystemClock, pause, stopwatch
from hcrm.db import make_engine
from hcrm.embedded import ADMIN_LOGIN, RUNTIME_LOGIN, EmbeddedServer
from hcrm.organization.service import ensure_facility
from hcrm.schema import upgrade
from hcrm.unit_of_work import unit_of_work
from hcrm.wiring import install_defaults

NAMES = ("Quillfeather", "欧阳清风")
NUMBERS = ("13812345678", "13887654321")
PERSONAL = (*NAMES, *NUMBERS, "Hidden Lane 7", "MRN-SECRET-1")
PASSWORD = "Kestrel-Password-77"
"""As secret in logs as any patient."""

ROWS = f"""\
mrn,visit_number,name,sex,birth_date,phone,class,department,admitted_at,discharged_at,disposition,address
MRN-SECRET-1,V1,{NAMES[0]},female,1960-02-03,{NUMBERS[0]},inpatient,ICU,2026-03-01 10:00,2026-03-05,home,Hidden Lane 7
MRN-SECRET-2,V2,{NAMES[1]},male,1950-01-01,{NUMBERS[1]},inpatient,Medicine,2026-03-02 10:00,2026-03-06 11:00,home,x
MRN-SECRET-3,V3,{NAMES[1]},male,1950-01-01,no phone at all,inpatient,Medicine,2026-03-09 10:00,2026-03-06 11:00,home,x
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """An embedded database of its own, with the newest schema, a facility, and a nurse and an administrator."""
    server = EmbeddedServer(tmp_path / "instance", durable=False)
    server.join(create=True)
    upgrade(server.url(ADMIN_LOGIN))
    engine = make_engine(server.url(RUNTIME_LOGIN))
    with unit_of_work(lambda: Session(engine)) as session:
        prepare(session)
    engine.dispose()
    yield server
    server.leave()
    server.remove()


def prepare(session: Session) -> None:
    now = SystemClock().now()
    install_defaults(session, now)
    facility = ensure_facility(
        session, code="MAIN", name="Main hospital", timezone="Asia/Shanghai", country="CN", now=now
    )
    for role in (Role.NURSE, Role.ADMINISTRATOR):
        create_user(
            session,
            username=role.value,
            password=PASSWORD,
            display_name=role.value,
            language=Language.EN,
            memberships=[MembershipSnapshot(facility, role)],
            now=now,
        )


@pytest.fixture
def environment(server: EmbeddedServer, tmp_path: Path) -> dict[str, str]:
    """What the program is told: everything is to be logged."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return {
        "PATH": "/usr/bin:/bin",
        "HCRM_INSTANCE_DIR": str(tmp_path / "instance"),
        "HCRM_LOG_LEVEL": "DEBUG",
        "HCRM_WEB_WORKERS": "1",
        "HOSPITAL_TIMEZONE": "Asia/Shanghai",
        "HCRM_PORT": str(port),
    }


def hcrm(environment: dict[str, str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("hcrm")
    return subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, check=False)


def test_neither_our_logs_nor_the_databases_name_a_patient(server, environment, tmp_path):
    file = tmp_path / "discharges.csv"
    file.write_text(ROWS)
    with running(environment, "worker", tmp_path) as worker, running(environment, "serve", tmp_path) as web:
        # While the two start; each process takes its time to load.
        answer = hcrm(environment, "import", file, "--timezone", "Asia/Shanghai", "--json")
        assert answer.returncode == 1, answer.stderr
        assert json.loads(answer.stdout)["created"] == 2
        wait_until(lambda: answers(environment))
        walk(environment, file)
        wait_until(lambda: "worker started" in worker.read_text())
    databases = [path.read_text(errors="replace") for path in (server.data / "log").iterdir()]
    assert any("ready to accept connections" in log for log in databases)
    for log in (answer.stderr, worker.read_text(), web.read_text(), *databases):
        assert [secret for secret in (*PERSONAL, PASSWORD) if secret in log] == []


def walk(environment: dict[str, str], file: Path) -> None:
    """What people do on the pages, and what they do wrong, with names and numbers wherever one can be typed."""
    browser = Browser(f"http://127.0.0.1:{environment['HCRM_PORT']}")
    browser.post("/login", username=NAMES[0], password=PASSWORD)
    browser.post("/login", username="nurse", password=PASSWORD)
    for text in (NAMES[0], NAMES[1], NUMBERS[0][-4:], "MRN-SECRET-1", NAMES[0] * 99):
        found = browser.post("/patients", q=text)
    page = browser.post("/patients", q="MRN-SECRET-1")
    (patient,) = set(re.findall(r"/patients/(\d+)", page)) or [page]
    assert NAMES[0] in browser.get(f"/patients/{patient}")
    browser.post(f"/patients/{patient}/numbers", number=NUMBERS[1], owner_kind="relative", owner_name=NAMES[1])
    browser.post(f"/patients/{patient}/numbers", number="not " + NUMBERS[1], owner_kind="patient")
    browser.post(f"/patients/{patient}/death")
    for path in (
        "/",
        f"/{quote(NAMES[1])}",
        f"/s/{NUMBERS[0]}",
        f"/patients/9{NUMBERS[0]}99999999",
        "/today",
        "/metrics",
    ):
        browser.get(path)
    browser = Browser(browser.base)
    browser.post("/login", username="administrator", password=PASSWORD)
    browser.upload("/imports", file, f"{NAMES[0]}.csv")
    assert found


class Browser:
    """Keeps cookies and sends the form's token, as a browser does."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._known_token = ""
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> str:
        return self._open(
            Request(  # noqa: S310 - our own server
                self.base + path
            )
        )

    def post(self, path: str, **fields: str) -> str:
        page = self._open(
            Request(  # noqa: S310 - our own server
                self.base + path, urlencode(fields | {"csrf_token": self._token()}).encode()
            )
        )
        if path == "/login":
            self._known_token = ""
        return page

    def upload(self, path: str, file: Path, name: str) -> str:
        parts = [("csrf_token", "", self._token().encode()), ("file", f'; filename="{name}"', file.read_bytes())]
        body = b"".join(
            f'--cut\r\nContent-Disposition: form-data; name="{field}"{more}\r\n\r\n'.encode() + content + b"\r\n"
            for field, more, content in parts
        )
        kind = {"Content-Type": "multipart/form-data; boundary=cut"}
        return self._open(
            Request(  # noqa: S310 - our own server
                self.base + path, body + b"--cut--\r\n", kind
            )
        )

    def _token(self) -> str:
        """The token of the session; a log-in begins another one."""
        if not self._known_token:
            found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/account"))
            assert found
            self._known_token = found[1]
        return self._known_token

    def _open(self, request: Request) -> str:
        try:
            with self._opener.open(request, timeout=60) as answer:
                return str(answer.read().decode())
        except HTTPError as refusal:
            return str(refusal.read().decode())


@contextmanager
def running(environment: dict[str, str], command: str, folder: Path) -> Iterator[Path]:
    """A process of the program while it runs; what it says is kept in the file."""
    said = folder / f"{command}.log"
    program = Path(sys.executable).with_name("hcrm")
    with said.open("w") as output, subprocess.Popen([program, command], env=environment, stderr=output) as process:
        try:
            yield said
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def answers(environment: dict[str, str]) -> bool:
    try:
        return bool(Browser(f"http://127.0.0.1:{environment['HCRM_PORT']}").get("/healthz"))
    except URLError:
        return False


def wait_until(true: Callable[[], bool]) -> None:
    began = stopwatch()
    while not true():
        assert stopwatch() - began < 60
        pause(0.2)
