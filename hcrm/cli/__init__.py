"""The command ``hcrm``: one module per group of commands."""

from __future__ import annotations

import click

from hcrm.cli.audit import audit
from hcrm.cli.database import database
from hcrm.cli.demo import demo
from hcrm.cli.doctor import doctor
from hcrm.cli.fake_twilio import fake_twilio
from hcrm.cli.generate import generate
from hcrm.cli.importing import import_command
from hcrm.cli.listening import listen_mllp
from hcrm.cli.processes import serve, worker
from hcrm.cli.reports import report
from hcrm.cli.runtime import Commands
from hcrm.cli.simulate import simulate_command
from hcrm.cli.users import user
from hcrm.cli.watching import watch


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="hcrm")
def main() -> None:
    """HCRM: follow-up of hospital patients after they have gone home."""


main.add_command(audit)
main.add_command(database)
main.add_command(demo)
main.add_command(doctor)
main.add_command(fake_twilio)
main.add_command(generate)
main.add_command(import_command)
main.add_command(listen_mllp)
main.add_command(report)
main.add_command(serve)
main.add_command(simulate_command)
main.add_command(worker)
main.add_command(user)
main.add_command(watch)
