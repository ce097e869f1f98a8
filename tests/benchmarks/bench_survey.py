"""How fast the patient's survey pages are, and the scores over many answers.

Pages: gunicorn with two processes on this machine, its database beside it, thousands of open surveys; each request is a
page of a survey that nobody has asked for lately or an answer saved on it, sent at a steady 200 a second from a process
of its own. Told are the requests answered in a second, the median and the 99th percentile.

Scores: 500,000 answers in the database, added up by day as the worker does; every question × department × month of
three months, counted by the database and scored with their intervals.

``python -m tests.benchmarks.bench_survey [SECONDS]``.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from socket import create_server
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import text
from sqlalchemy.orm import Session

from hcrm import schema
from hcrm.clock import SystemClock, pause, stopwatch
from hcrm.db import make_engine
from hcrm.ids import patient_token, token_hash
from hcrm.organization.service import ensure_facility
from hcrm.reporting.jobs import add_up_days
from hcrm.settings import Settings
from hcrm.survey.domain import QuestionKind
from hcrm.survey.domain.scoring import csat, top_box
from hcrm.survey.queries import questionnaire
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults, make_runtime
from tests.benchmarks.many_discharges import DEPARTMENTS, analyse, fill
from tests.databases import begin_run, end_run, open_server, servers_to_test

PER_SECOND, SECONDS, WORKERS = 200, 10, 2
AIM_P99_MS, AIM_SCORES_MS = 150, 300
SURVEYS, ANSWERS = 4_000, 500_000
SECRET = "k" * 32
ZONE = "Asia/Shanghai"
_SERVED = """
import sys
from hcrm.app import create_app
from hcrm.settings import Settings
from pathlib import Path
app = create_app(Settings(instance_dir=Path(sys.argv[1]), database_url=sys.argv[2], secret_key=sys.argv[3],
                          hospital_timezone=sys.argv[4]))
from gunicorn.app.base import BaseApplication
class Server(BaseApplication):
    def load_config(self):
        for name, value in {"bind": "127.0.0.1:" + sys.argv[5], "workers": int(sys.argv[6]), "threads": 4,
                            "worker_class": "gthread", "keepalive": 30, "preload_app": False}.items():
            self.cfg.set(name, value)
    def load(self):
        return app
Server().run()
"""
_RESPONSES = """
INSERT INTO survey_response (facility_id, questionnaire_version_id, patient_id, encounter_id, department_id, state,
                             token_generation, respondent, invited_at, delivered_at, expires_at, help_sent)
SELECT e.facility_id, :version, e.patient_id, e.id, e.department_id, 'delivered', 0, 'patient', :now, :now,
       CAST(:now AS timestamptz) + INTERVAL '7 days', false
FROM encounter AS e WHERE e.source = 'bench' ORDER BY e.id LIMIT :surveys
RETURNING id
"""
_ANSWERED = """
INSERT INTO survey_response (id, facility_id, questionnaire_version_id, patient_id, department_id, state,
                             token_generation, respondent, invited_at, delivered_at, started_at, expires_at, help_sent)
OVERRIDING SYSTEM VALUE
SELECT 10000000 + i, :facility, :version, 1 + i % 1000, d.id, 'completed', 0, 'patient', at, at, at, at, false
FROM (SELECT i, CAST(:now AS timestamptz) - i * INTERVAL '90 days' / :responses AS at
      FROM generate_series(1, :responses) AS i) AS g
JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM department WHERE facility_id = :facility) AS d
  ON d.n = 1 + g.i % :departments
"""
_ANSWERS = """
INSERT INTO survey_answer (facility_id, response_id, question_code, value, mode, respondent, answered_at, late)
SELECT :facility, 10000000 + i, q.code, to_jsonb(CASE WHEN q.code = 'recommend' THEN (i * 7 + q.n) % 11
                                                      ELSE 1 + (i * 7 + q.n) % 5 END), 'web', 'patient',
       CAST(:now AS timestamptz) - i * INTERVAL '90 days' / :responses, false
FROM generate_series(1, :responses) AS i
CROSS JOIN unnest(CAST(:codes AS text[])) WITH ORDINALITY AS q (code, n)
"""
_COUNTED = """
SELECT question_code, department_id, to_char(day, 'YYYY-MM') AS month, value, sum(answers)
FROM report_answer_day
WHERE facility_id = :facility AND questionnaire_version_id = :version
GROUP BY 1, 2, 3, 4
"""


@dataclass(frozen=True, slots=True)
class Pages:
    """Requests answered in a second, how many failed, and how long they took, in milliseconds."""

    per_second: float
    failed: int
    median: float
    p99: float


@dataclass(frozen=True, slots=True)
class Scores:
    """How many answers and groups, and the milliseconds of counting and scoring them."""

    answers: int
    groups: int
    counting: float
    scoring: float

    @property
    def whole(self) -> float:
        return self.counting + self.scoring


def measure(seconds: int = SECONDS) -> tuple[Pages, Scores]:
    """Fill a database of its own, measure, and drop it."""
    server = open_server(servers_to_test()[-1])
    name = server.create()
    try:
        with tempfile.TemporaryDirectory() as folder:
            schema.upgrade(server.admin_url(name))
            settings = Settings(
                instance_dir=Path(folder), database_url=server.url(name), secret_key=SECRET, hospital_timezone=ZONE
            )
            runtime = make_runtime(settings)
            facility_id, tokens = _fill(runtime)
            owner = make_engine(server.admin_url(name), role=None)
            with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                analyse(connection)
            owner.dispose()
            while add_up_days(runtime):
                pass
            scored = _scores(runtime, facility_id)
            runtime.engine.dispose()
            return _pages(settings, tokens, seconds), scored
    finally:
        server.drop(name)


def _fill(runtime: Runtime) -> tuple[int, list[str]]:
    now = SystemClock().now()
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, now)
        facility_id = ensure_facility(
            session, code="BENCH", name="Bench Hospital", timezone=ZONE, country="CN", now=now
        )
        fill(session.connection(), facility_id=facility_id, zone=ZONE, now=now, discharges=SURVEYS)
        version = _version(session)
        ids = list(session.scalars(text(_RESPONSES), {"version": version, "now": now, "surveys": SURVEYS}))
        tokens = [patient_token(SECRET, "survey", each) for each in ids]
        session.execute(
            text("UPDATE survey_response SET token_hash = :hash WHERE id = :id"),
            [{"id": each, "hash": token_hash(token)} for each, token in zip(ids, tokens, strict=True)],
        )
        codes = [
            question.code
            for question in questionnaire(session, "SAT_IP").questions
            if question.kind in (QuestionKind.SCALE5, QuestionKind.NPS)
        ]
        values = {"facility": facility_id, "version": version, "now": now, "responses": ANSWERS // len(codes)}
        session.execute(text(_ANSWERED), {**values, "departments": DEPARTMENTS})
        session.execute(text(_ANSWERS), {**values, "codes": codes})
    return facility_id, tokens


def _version(session: Session) -> int:
    found = session.scalar(
        text(
            "SELECT v.id FROM questionnaire_version AS v JOIN questionnaire AS q ON q.id = v.questionnaire_id"
            " WHERE q.code = 'SAT_IP' AND v.status = 'published'"
        )
    )
    assert found is not None
    return int(found)


def _scores(runtime: Runtime, facility_id: int) -> Scores:
    """The median of five, after one to warm up."""
    taken = [_score_once(runtime, facility_id) for _ in range(6)][1:]
    return sorted(taken, key=lambda each: each.whole)[len(taken) // 2]


def _score_once(runtime: Runtime, facility_id: int) -> Scores:
    with unit_of_work(runtime.sessions) as session:
        form, version = questionnaire(session, "SAT_IP"), _version(session)
        started = stopwatch()
        rows = session.execute(text(_COUNTED), {"facility": facility_id, "version": version}).all()
        counted = stopwatch()
    groups: dict[tuple[str, int, str], Counter[Any]] = defaultdict(Counter)
    for code, department, month, value, number in rows:
        groups[code, department, month][value] += int(number)
    for (code, _, _), values in groups.items():
        question = form.question(code)
        csat(values) if question.kind is QuestionKind.SCALE5 else top_box(question, values)
    done = stopwatch()
    answers = sum(values.total() for values in groups.values())
    return Scores(answers, len(groups), 1000 * (counted - started), 1000 * (done - counted))


def _pages(settings: Settings, tokens: Sequence[str], seconds: int) -> Pages:
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = [str(settings.instance_dir), str(settings.database_url), SECRET, ZONE, str(port), str(WORKERS)]
    with subprocess.Popen([sys.executable, "-c", _SERVED, *arguments], stderr=subprocess.DEVNULL) as served:
        try:
            _wait_for(port)
            patients = _Patients(port, tokens)
            patients.visit(2 * PER_SECOND, PER_SECOND)  # warms up
            patients.taken.clear()
            return patients.visit(PER_SECOND * seconds, PER_SECOND)
        finally:
            served.terminate()
            served.wait(20)


def _wait_for(port: int) -> None:
    for _ in range(300):
        try:
            HTTPConnection("127.0.0.1", port, timeout=5).request("GET", "/healthz")
        except OSError:
            pause(0.1)
        else:
            return
    raise RuntimeError("the server does not answer")


class _Patients:
    """Phones that open a survey, answer its first questions and are not hurried by anybody."""

    def __init__(self, port: int, tokens: Sequence[str]) -> None:
        self.port = port
        self.tokens = list(tokens)
        self.forms: dict[str, tuple[str, dict[str, str]]] = {}
        self.taken: list[float] = []
        self.failed = 0
        self.asked = 0
        self.kept = threading.local()
        self.lock = threading.Lock()

    def visit(self, requests: int, per_second: int) -> Pages:
        """Send ``requests`` at a steady speed; the time of each counts from when it should have been sent."""
        begun = stopwatch()
        with ThreadPoolExecutor(32) as phones:
            for number in range(requests):
                due = begun + number / per_second
                early = due - stopwatch()
                if early > 0:
                    pause(early)
                phones.submit(self._one, due)
        whole = stopwatch() - begun
        taken = sorted(self.taken)
        return Pages(len(taken) / whole, self.failed, taken[len(taken) // 2], taken[int(0.99 * len(taken))])

    def _one(self, due: float) -> None:
        with self.lock:
            token = self.tokens[self.asked % len(self.tokens)]
            self.asked += 1
            form = self.forms.pop(token, None)
        status, body = self._send(token, form)
        with self.lock:
            self.taken.append(1000 * (stopwatch() - due))
            self.failed += status not in (200, 303)
            self._keep_form(token, body)

    def _send(self, token: str, form: tuple[str, dict[str, str]] | None) -> tuple[int, str]:
        connection: HTTPConnection | None = getattr(self.kept, "connection", None)
        if connection is None:
            connection = self.kept.connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            if form is None:
                connection.request("GET", f"/s/{token}/q/nurse_comm")
            else:
                kind = {"Content-Type": "application/x-www-form-urlencoded"}
                connection.request("POST", form[0], urlencode(form[1]), kind)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            self.kept.connection = None
            return 0, ""

    def _keep_form(self, token: str, body: str) -> None:
        """Every second request answers the page that the one before it has shown."""
        action = re.search(r'<form method="post" action="([^"]+)"', body)
        seal = re.search(r'name="seal" value="([^"]+)"', body)
        if action is not None and seal is not None:
            self.forms[token] = action[1].replace("&amp;", "&"), {"seal": seal[1], "answer": "4"}
            self.tokens.insert((self.asked + 64) % len(self.tokens), token)


def report_of(pages: Pages, scored: Scores) -> str:
    """The result as lines of text, with a sentence for each aim that was missed."""
    speed = f"{pages.per_second:.0f} answered in a second, median {pages.median:.0f} ms, p99 {pages.p99:.0f} ms"
    parts = f"counting {scored.counting:.0f}, scoring {scored.scoring:.0f}"
    scores = f"Scores of {scored.answers:,} answers in {scored.groups:,} groups: {scored.whole:.0f} ms"
    lines = [
        f"Survey pages at {PER_SECOND} requests/s: {speed} (aim {AIM_P99_MS} ms), {pages.failed} failed",
        f"{scores} (aim {AIM_SCORES_MS} ms; {parts})",
    ]
    if pages.p99 > AIM_P99_MS or pages.per_second < 0.95 * PER_SECOND or pages.failed:
        lines.append("The survey pages miss their aim.")
    if scored.whole > AIM_SCORES_MS:
        lines.append("The scores miss their aim.")
    return "\n".join(lines)


def main(seconds: int = SECONDS) -> int:
    """Measure, print, and fail when an aim is missed."""
    begin_run()
    try:
        pages, scored = measure(seconds)
    finally:
        end_run()
    report = report_of(pages, scored)
    sys.stdout.write(report + "\n")
    return int("miss" in report)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
