"""Structured logs: one JSON object per line, with ids and counts only.

Whatever key is not on the list below is dropped before a line is written, so that a careless call cannot put a name, a
number or an answer into a log. Values are kept short for the same reason. Errors are logged by their type, the database
by SQLSTATE and the name of the constraint; messages of exceptions may quote data and are left out.

The filter holds from the moment that anything of this program is imported: a script that never calls ``configure``
logs through it too. ``configure`` only sets level and format.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any

import structlog

from hcrm.settings import LogFormat, Settings

ALLOWED_KEYS = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "logger",
        "action",
        "alert_id",
        "attempt_id",
        "batch_id",
        "code",
        "component",
        "constraint",
        "count",
        "created",
        "departments",
        "due",
        "encounter_id",
        "endpoint",
        "error",
        "facility_id",
        "failed",
        "frames",
        "inbound_id",
        "job",
        "line",
        "message_id",
        "method",
        "patient_id",
        "pid",
        "port",
        "provider",
        "reason",
        "request_id",
        "response_id",
        "revision",
        "rows",
        "seconds",
        "sent",
        "sqlstate",
        "status",
        "task_id",
        "updated",
        "user_id",
        "version",
        "worker",
    }
)
"""What a line may carry. Add a key only if its values can never be personal data."""

WORD = re.compile(r"[\w.:/<>+-]{1,100}", re.ASCII)
"""Values that are texts must look like a code: no spaces, no Chinese, not long."""

NOT_PLAIN = re.compile(r"[^\w .:/'%#-]", re.ASCII)
"""What the text of an event is not made of; it is written as a question mark."""

LONG_DIGITS = re.compile(r"\d{7,}")
"""Seven digits in a row could be a phone number; in free text they are masked. Ids are numbers, not texts."""

OURS = "hcrm"
"""Loggers of this name tell what goes on; libraries are heard from warnings upwards."""


def configure(settings: Settings) -> None:
    """Send the logs of this process, those of libraries included, through the filter to standard error."""
    root = logging.getLogger()
    root.handlers[:] = [_handler(settings.log_format)]
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[settings.log_level]))
    logging.getLogger(OURS).setLevel(settings.log_level)
    _filter_everything()


def protect() -> None:
    """What holds until ``configure`` is called: warnings and errors go through the filter, crashes tell no values.

    A program that has handlers of its own keeps them.
    """
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(_handler("json"))
    _filter_everything()


def _shared() -> list[Any]:
    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_the_error,
        keep_allowed_keys,
    ]


def _filter_everything() -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.raiseExceptions = False  # a line that cannot be written must not print what it was about
    sys.excepthook = _tell_of_a_crash
    threading.excepthook = _tell_of_a_thread


def _handler(log_format: LogFormat) -> logging.Handler:
    renderer: Any = (
        structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[drop_foreign_text, *_shared()],
            pass_foreign_args=True,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    return handler


def _tell_of_a_crash(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """The traceback that Python would print ends with the error's message, which may quote a patient."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
    else:
        get_logger(OURS).critical("the program stopped unexpectedly", exc_info=error)


def _tell_of_a_thread(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_value is not None and not isinstance(crash.exc_value, SystemExit):
        get_logger(OURS).critical("a thread stopped unexpectedly", exc_info=crash.exc_value)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger: ``get_logger(__name__).info("batch imported", batch_id=7, rows=200)``."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def name_the_error(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception by its type, where it came from in our code, SQLSTATE and constraint; never its message."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()[1]
    elif isinstance(found, tuple):
        found = found[1]
    if isinstance(found, BaseException):
        event.update(error_facts(found))
    return event


def error_facts(error: BaseException) -> dict[str, str]:
    """What may be told about an error outside: type, SQLSTATE, constraint, and the lines of code it went through."""
    facts = {"error": type(error).__name__, "frames": _frames(error.__traceback__)}
    cause = getattr(error, "orig", None) or error
    diagnosis = getattr(cause, "diag", None)
    sqlstate = getattr(cause, "sqlstate", None)
    if sqlstate:
        facts["sqlstate"] = str(sqlstate)
    if diagnosis is not None and diagnosis.constraint_name:
        facts["constraint"] = str(diagnosis.constraint_name)
    return facts


def _frames(traceback: TracebackType | None) -> str:
    """``module:line`` of our own code, outermost first, the last six."""
    places = []
    while traceback is not None:
        module = traceback.tb_frame.f_globals.get("__name__", "")
        if module.split(".")[0] == OURS:
            places.append(f"{module}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return ">".join(places[-6:])


def drop_foreign_text(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A line of a library: what it says may quote anything, so only the template of its message stays."""
    record = event["_record"]
    is_template = bool(event.pop("positional_args", None)) and isinstance(record.msg, str)
    event["event"] = record.msg if is_template else "library message"
    return event


def keep_allowed_keys(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop keys that are not on the list and values that do not look like an id, a count or a code."""
    kept: dict[str, Any] = {}
    for key, value in event.items():
        if key in {"_record", "_from_structlog"}:
            kept[key] = value
        elif key == "event":
            kept[key] = _event(value)
        elif key in ALLOWED_KEYS:
            kept[key] = _value(key, value)
    return kept


def _event(value: object) -> str:
    return NOT_PLAIN.sub("?", LONG_DIGITS.sub("#", str(value)))[:120]


def _value(key: str, value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return len(value)
    text = str(value)
    if key in {"timestamp", "frames"}:
        return text
    return text if WORD.fullmatch(text) and not LONG_DIGITS.search(text) else "?"
