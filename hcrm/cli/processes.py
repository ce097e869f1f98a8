"""``hcrm serve`` and ``hcrm worker``: the processes that run all day."""

from __future__ import annotations

from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from hcrm.app import create_app
from hcrm.app.health import write_counts
from hcrm.cli.runtime import open_runtime, read_settings
from hcrm.settings import Settings
from hcrm.worker.runner import run

TIMEOUT = 120
"""Seconds after which a web worker that gives no sign of life is replaced."""


@click.command("serve")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on (default: HCRM_PORT, else 8000).")
def serve(port: int | None) -> None:
    """Serve the web pages until stopped (Ctrl-C)."""
    settings = read_settings()
    with open_runtime(settings):
        pass  # a database that is not ready stops the start here, with a sentence
    click.echo(f"HCRM is at {settings.public_base_url} (Ctrl-C stops it).")
    WebServer(settings, port or settings.port).run()


class QuietLogger(Logger):  # type: ignore[misc]
    """Sends gunicorn's messages through the program's own logs; requests are not listed, their paths hold tokens."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class WebServer(BaseApplication):  # type: ignore[misc]
    """gunicorn, told by our settings instead of a file of its own."""

    def __init__(self, settings: Settings, port: int) -> None:
        self._settings = settings
        self._port = port
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": f"{self._settings.host}:{self._port}",
            "workers": self._settings.web_workers,
            "threads": self._settings.web_threads,
            "worker_class": "gthread",
            "timeout": TIMEOUT,
            "graceful_timeout": 20,
            "max_requests": 20_000,
            "max_requests_jitter": 2_000,
            "logger_class": QuietLogger,
            "loglevel": "warning",
            "control_socket_disable": True,
            "proc_name": "hcrm",
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return write_counts(create_app(self._settings))


@click.command("worker")
def worker() -> None:
    """Do what is due in the background: plan, send, receive, seal; until stopped (Ctrl-C)."""
    with open_runtime() as runtime:
        run(runtime)
