"""``hcrm fake-twilio``: a stand-in for Twilio on this machine, for trials and tests."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from hcrm.cli.runtime import CouldNot
from hcrm.fake_twilio import Behaviour, FakeTwilio

ACCOUNT = f"AC{'0' * 32}"


@click.command("fake-twilio")
@click.option("--port", type=click.IntRange(1, 65535), default=8089, show_default=True, help="Port on 127.0.0.1.")
@click.option("--account-sid", default=ACCOUNT, show_default=True, help="The account that callers name.")
@click.option("--auth-token", default="fake", show_default=True, help="The secret that callers and signatures use.")
@click.option("--ledger", type=click.Path(path_type=Path, dir_okay=False), help="File that keeps what phones got.")
@click.option("--inbound-url", default="", help="Address told when a phone writes: …/webhooks/twilio/sms")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="NAME=VALUE",
    help="How it behaves, such as delay=0.15, throttled=0.1, lost=0.2, undelivered=0.05, list_lag=3; also while it "
    "runs: POST NAME=VALUE to /fake/behaviour.",
)
def fake_twilio(
    *, port: int, account_sid: str, auth_token: str, ledger: Path | None, inbound_url: str, changes: tuple[str, ...]
) -> None:
    """Stand in for Twilio on this machine until stopped (Ctrl-C).

    GET /fake/ledger shows what phones got; POST From, To and Body to /fake/inbound to write as a phone.
    """
    try:
        behaviour = Behaviour().changed(dict(change.split("=", 1) for change in changes))
        twilio = FakeTwilio(
            account_sid=account_sid, auth_token=auth_token, port=port, ledger=ledger, inbound_url=inbound_url,
            behaviour=behaviour,
        )  # fmt: skip
    except ValueError as problem:
        raise CouldNot(f"--set cannot be used: {problem}.") from problem
    except OSError as problem:
        raise CouldNot(f"Port {port} or the ledger cannot be used: {problem.strerror}.") from problem
    click.echo(
        f"Standing in for Twilio at {twilio.address}. In another terminal: SMS_PROVIDER=twilio "
        f"TWILIO_API_BASE_URL={twilio.address} TWILIO_ACCOUNT_SID={account_sid} TWILIO_AUTH_TOKEN={auth_token} "
        "PUBLIC_BASE_URL=http://127.0.0.1:8000 hcrm worker"
    )
    with contextlib.suppress(KeyboardInterrupt):
        twilio.serve()
