"""``hcrm demo``: a small made-up hospital, running: database, web and worker as one command."""

from __future__ import annotations

import multiprocessing
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from types import FrameType

import click

from hcrm.cli.database import demo_mark
from hcrm.cli.processes import WebServer
from hcrm.cli.runtime import CouldNot, read_settings
from hcrm.cli.simulate import make_ready, refuse_real_phones
from hcrm.clock import SystemClock, pause
from hcrm.settings import Settings
from hcrm.simulation.day_report import DayReport
from hcrm.simulation.days import NotASimulation
from hcrm.simulation.demo import HISTORY_DAYS, LOGINS, PASSWORD, prepare
from hcrm.simulation.live import live
from hcrm.wiring import make_runtime
from hcrm.worker.runner import run

GRACE_SECONDS = 20
START_SECONDS = 30
TELL_EVERY = 10
"""Days of history between two lines of progress, where there is no terminal to show each of them."""


@click.command("demo")
@click.option("--prepare-only", is_flag=True, help="Make the hospital and its history, and start nothing.")
@click.option(
    "--live/--no-live",
    "goes_on",
    default=True,
    show_default=True,
    help="Patients answer and discharges come in while it runs.",
)
@click.option(
    "--days",
    default=HISTORY_DAYS,
    show_default=True,
    type=click.IntRange(1, 365),
    help="Days of history, when there is none yet.",
)
def demo(*, prepare_only: bool, goes_on: bool, days: int) -> None:
    """Run a made-up hospital on this machine, with one login per role. Its data is kept between starts."""
    settings = read_settings()
    _refuse_real_ones(settings)
    try:
        make_ready(settings)
        demo_mark(settings).touch()
        click.echo("Preparing the hospital: the first start plays three months of its life (a few minutes) …")
        prepare(settings, SystemClock().now(), _Progress(), history_days=days)
    except NotASimulation as refusal:
        raise CouldNot(f"{refusal} `make clean-demo` starts the demo over.") from None
    if prepare_only:
        return
    _refuse_taken_port(settings)
    _run_until_stopped(settings, (_work, _serve, _go_on) if goes_on else (_work, _serve))


def _refuse_real_ones(settings: Settings) -> None:
    """The demo never touches a database or a provider that could be real."""
    if not settings.demo:
        raise CouldNot("The demo runs with HCRM_DEMO=1 and a folder of its own: use `make demo`.")
    if settings.database_url is not None:
        raise CouldNot("DATABASE_URL is set: the demo runs on a database of its own, so that it can never fill yours.")
    refuse_real_phones(settings)


def _refuse_taken_port(settings: Settings) -> None:
    with socket.socket() as probe:
        if probe.connect_ex((settings.host, settings.port)) == 0:
            raise CouldNot(f"Port {settings.port} is taken by another program: set HCRM_PORT to a free one.")


class _Progress:
    """Tells of the days that are played: each of them on a terminal, one in ten elsewhere."""

    def __init__(self) -> None:
        self._days = 0

    def __call__(self, report: DayReport) -> None:
        self._days += 1
        line = f"  {report.day:%d %b}: {report.discharges} discharges, {report.texts_sent} texts, {report.calls} calls"
        if sys.stdout.isatty():
            click.echo(f"\r{line}   ", nl=False)
        elif self._days % TELL_EVERY == 1:
            click.echo(line)


def _work(settings: Settings) -> None:
    run(make_runtime(settings))


def _serve(settings: Settings) -> None:
    WebServer(settings, settings.port).run()


def _go_on(settings: Settings) -> None:
    live(make_runtime(settings))


def _run_until_stopped(settings: Settings, parts: Sequence[Callable[[Settings], None]]) -> None:
    """Run the parts as processes of their own, which share what is loaded already."""
    forking = multiprocessing.get_context("fork")
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    children = [forking.Process(target=_part, args=(part, settings), name=part.__name__) for part in parts]
    for child in children:
        child.start()
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        _tell_when_up(settings, children)
        while not stopping and all(child.is_alive() for child in children):
            pause(0.3)
    finally:
        _end(children)
    if not stopping:
        raise CouldNot("One of the demo's processes ended; the messages above say why.")


def _part(part: Callable[[Settings], None], settings: Settings) -> None:
    """Begin a part with signals as in a program started by itself."""
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    part(settings)


def _tell_when_up(settings: Settings, children: Sequence[BaseProcess]) -> None:
    for _ in range(START_SECONDS * 10):
        with socket.socket() as probe:
            if probe.connect_ex((settings.host, settings.port)) == 0:
                break
        if not all(child.is_alive() for child in children):
            return
        pause(0.1)
    click.echo(f"\nHCRM is at {settings.public_base_url}\nLog in with the password {PASSWORD} as:")
    for login in LOGINS:
        click.echo(f"  {login.username:<14} {login.name}, {login.role.value.replace('_', ' ')}")
    click.echo("Stop with Ctrl-C; the data is kept. `make clean-demo` starts over.")


def _end(children: Sequence[BaseProcess]) -> None:
    for child in children:
        if child.is_alive():
            child.terminate()
    for child in children:
        child.join(GRACE_SECONDS)
        if child.is_alive():
            child.kill()
