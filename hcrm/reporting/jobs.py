"""Background work of the figures."""

from __future__ import annotations

from hcrm.reporting.providers.smtp import MailServer, NotSent, send
from hcrm.reporting.service.kept import work_out_again
from hcrm.reporting.service.kept_figures import KEPT
from hcrm.reporting.service.letters import Letter, note_failed, note_sent, take_letters
from hcrm.reporting.service.rollup import work_off
from hcrm.unit_of_work import Runtime, unit_of_work

AT_ONCE = 20
"""So many transactions at most before other jobs have their turn."""


def add_up_days(runtime: Runtime) -> int:
    """Add up the days that have changed since, then work out again what people look at; returns how many days."""
    total = 0
    for _ in range(AT_ONCE):
        with unit_of_work(runtime.sessions) as session:
            done = work_off(session, runtime.clock.now())
        total += done
        if done == 0:
            break
    with unit_of_work(runtime.sessions) as session:
        work_out_again(session, KEPT, runtime.clock.now())
    return total


def send_letters(runtime: Runtime) -> int:
    """Send last month's letter to everybody who ordered one; returns how many went out.

    Each is taken in a transaction of its own before the mail server is asked, so that nobody gets one twice. One that
    the server refused is offered again; one of which nobody knows what became of it is not.
    """
    settings = runtime.settings
    if not settings.smtp_host:
        return 0
    server = MailServer(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_security,
        settings.smtp_user,
        settings.smtp_password,
        settings.mail_from,
    )
    with unit_of_work(runtime.sessions) as session:
        letters = take_letters(session, now=runtime.clock.now(), base_url=settings.public_base_url)
    return sum(_sent(runtime, server, letter) for letter in letters)


def _sent(runtime: Runtime, server: MailServer, letter: Letter) -> bool:
    try:
        send(server, to=letter.email, subject=letter.subject, text=letter.text)
    except NotSent as problem:
        with unit_of_work(runtime.sessions) as session:
            note_failed(session, letter.subscription_id, code=problem.code, again=problem.again)
        return False
    with unit_of_work(runtime.sessions) as session:
        note_sent(session, letter, now=runtime.clock.now())
    return True
