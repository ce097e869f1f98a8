import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import structlog

from hcrm import logs
from hcrm.settings import Settings


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the process logs, as it would stand on standard error."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.getLogger("hcrm").level
    logs.configure(Settings(instance_dir=Path("unused"), secret_key="x"))
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    stream = io.StringIO()
    handler.setStream(stream)
    yield stream
    root.handlers[:], level, ours = before[0], before[1], before[2]
    root.setLevel(level)
    logging.getLogger("hcrm").setLevel(ours)
    structlog.reset_defaults()


def written(lines: io.StringIO) -> dict[str, object]:
    content: dict[str, object] = json.loads(lines.getvalue())
    return content


def test_ids_and_counts_are_written(lines):
    logs.get_logger("hcrm.test").info("batch imported", batch_id=7, rows=200, code="A1")
    found = written(lines)
    assert found.pop("timestamp")
    assert found == {
        "event": "batch imported",
        "level": "info",
        "logger": "hcrm.test",
        "batch_id": 7,
        "rows": 200,
        "code": "A1",
    }


def test_keys_that_are_not_on_the_list_are_dropped(lines):
    logs.get_logger("hcrm.test").info("call recorded", name="张伟", note="fever", task_id=3)
    assert set(written(lines)) == {"event", "level", "logger", "timestamp", "task_id"}


@pytest.mark.parametrize("value", ["Zhang Wei", "张伟", "+8613800138000", "a" * 101])
def test_values_that_are_not_codes_are_hidden(lines, value):
    logs.get_logger("hcrm.test").info("call recorded", code=value)
    assert written(lines)["code"] == "?"


def test_numbers_of_people_in_the_text_itself_are_masked(lines):
    logs.get_logger("hcrm.test").info("calling 13800138000 for 张伟")
    assert written(lines)["event"] == "calling # for ??"


def test_collections_become_their_size(lines):
    logs.get_logger("hcrm.test").info("planned", created=["Zhang Wei", "Li Na"])
    assert written(lines)["created"] == 2


def test_an_error_is_told_by_its_type_and_place_never_by_its_message(lines):
    try:
        int("Zhang Wei has fever")
    except ValueError:
        logs.get_logger("hcrm.test").exception("job failed", job="send")
    found = written(lines)
    assert found["error"] == "ValueError"
    assert "Zhang" not in lines.getvalue()


def test_a_database_error_is_told_by_its_sqlstate(lines):
    logs.get_logger("hcrm.test").error("job failed", exc_info=psycopg.errors.UniqueViolation("Key (name)=(Zhang Wei)"))
    found = written(lines)
    assert (found["error"], found["sqlstate"]) == ("UniqueViolation", "23505")
    assert "Zhang" not in lines.getvalue()


def test_what_libraries_say_is_reduced_to_the_template_of_their_message(lines):
    logging.getLogger("gunicorn.error").warning("Error handling request %s", "/s/secret-token")
    assert written(lines)["event"] == "Error handling request %s"


def test_a_message_that_a_library_put_together_itself_is_left_out(lines):
    logging.getLogger("some.library").warning("Zhang Wei has fever")
    assert written(lines)["event"] == "library message"


def test_libraries_are_heard_from_warnings_upwards(lines):
    logging.getLogger("some.library").info("starting")
    assert not lines.getvalue()


SECRET = "Quillfeather 13812345678"
CARELESS = f"""\
import logging, sys, threading
import hcrm.db
import structlog
from flask import Flask
from sqlalchemy import text

secret = {SECRET!r}
structlog.get_logger("hcrm.careless").error("structlog", name=secret)
try:
    raise ValueError(secret)
except ValueError:
    structlog.get_logger().exception("an error with locals")
    logging.getLogger("some.library").exception("it failed for " + secret)
    logging.getLogger("some.library").warning("it failed for %s", secret)

app = Flask("careless")
@app.get("/")
def page():
    raise ValueError(secret)
app.test_client().get("/")

engine = hcrm.db.make_engine(sys.argv[1], role=None)
engine.echo = True
for statement in ("SELECT 1 / 0, CAST(:secret AS text)", "SELECT CAST(:secret AS int)"):
    try:
        with engine.connect() as connection:
            connection.execute(text(statement), {{"secret": secret}})
    except Exception:
        structlog.get_logger().exception("the database refused")
        logging.getLogger().exception("the database refused")

def fail():
    raise RuntimeError(secret)
thread = threading.Thread(target=fail)
thread.start()
thread.join()
fail()
"""


def test_a_process_that_configures_nothing_logs_no_values(database_server):
    url = database_server.admin_url("postgres")
    answer = subprocess.run([sys.executable, "-c", CARELESS, url], capture_output=True, text=True, check=False)
    said = answer.stdout + answer.stderr
    assert answer.returncode == 1
    assert "ValueError" in said
    assert '"sqlstate": "22012"' in said
    assert '"event": "a thread stopped unexpectedly"' in said
    assert said.rstrip().splitlines()[-1].startswith('{"event": "the program stopped unexpectedly"')
    assert "Quillfeather" not in said
    assert "13812345678" not in said
