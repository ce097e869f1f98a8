"""``hcrm listen-mllp``: the process that takes HL7 v2 messages of the hospital's interface engine."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from hcrm.cli.importing import choose_facility, named_profile, sentences
from hcrm.cli.runtime import CouldNot, open_runtime
from hcrm.intake.domain import FileRefused, Profile
from hcrm.intake.mllp import Limits, Listener
from hcrm.intake.readers.hl7v2 import Reading
from hcrm.intake.readers.profiles import check_zone
from hcrm.intake.service import Place
from hcrm.organization.queries import facility
from hcrm.unit_of_work import Runtime, unit_of_work

PORT = 2575
"""What IANA gives to HL7."""
MEGABYTE = 1 << 20


@click.command("listen-mllp")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="Port to listen on.")
@click.option("--facility", "facility_code", default="", help="Code of the facility; needed when there are several.")
@click.option("--timezone", default="", help="Time zone of times without one (default: the facility's).")
@click.option(
    "--profile", "profile_name", default="", help="The hospital's own words: a profile's name or a TOML file."
)
@click.option("--encoding", default="", help="Encoding of messages that name none in MSH-18.")
@click.option("--authority", default="", help="Assigning authority (PID-3.4) whose numbers are the MRNs.")
@click.option("--max-size", type=click.IntRange(1, 256), default=8, show_default=True, help="Megabytes of one message.")
@click.option(
    "--read-timeout", type=click.FloatRange(0.1), default=30.0, show_default=True, help="Seconds for one message."
)
@click.option(
    "--idle-timeout", type=click.FloatRange(0.1), default=3600.0, show_default=True, help="Seconds between messages."
)
@click.option(
    "--connections", type=click.IntRange(1, 10_000), default=256, show_default=True, help="Connections at once."
)
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Certificate (PEM); with it only TLS is spoken.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="Key of the certificate (PEM).")
@click.option(
    "--tls-client-ca", type=click.Path(path_type=Path), help="Take only senders with a certificate of this CA."
)
def listen_mllp(
    host: str,
    port: int,
    facility_code: str,
    timezone: str,
    profile_name: str,
    encoding: str,
    authority: str,
    max_size: int,
    read_timeout: float,
    idle_timeout: float,
    connections: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_client_ca: Path | None,
) -> None:
    """Take HL7 v2 messages over MLLP until stopped (Ctrl-C).

    Every message is acknowledged after it is stored for good: AA, or AE and AR with the reason.
    """
    with open_runtime() as runtime, sentences():
        profile = named_profile(runtime, profile_name, facility_code)
        profile = profile.with_changes(encoding=known_encoding(encoding))
        place, reading = reading_of(runtime, profile, facility_code, timezone, authority)
        limits = Limits(max_size * MEGABYTE, read_timeout, idle_timeout, connections)
        listener = Listener(runtime, place, reading, limits=limits, encoding=profile.encoding)
        tls = tls_context(tls_cert, tls_key, tls_client_ca)
        asyncio.run(_listen(listener, host, port, tls))


def reading_of(
    runtime: Runtime, profile: Profile, facility_code: str, timezone: str, authority: str
) -> tuple[Place, Reading]:
    """Where messages go and how they are read. Raises ``FileRefused``."""
    facility_id, _ = choose_facility(runtime, facility_code or profile.facility, timezone or profile.timezone)
    with unit_of_work(runtime.sessions) as session:
        hospital = facility(session, facility_id)
    zone = check_zone(timezone or profile.timezone or hospital.timezone).key
    reading = Reading.of(profile.with_changes(timezone=zone), zone, hospital.country, authority)
    return Place(facility_id, hospital.timezone), reading


def known_encoding(name: str) -> str:
    """``name`` if it is an encoding. Raises ``FileRefused`` (``bad_encoding_name``)."""
    try:
        "".encode(name or "utf-8")
    except LookupError:
        raise FileRefused("bad_encoding_name", encoding=name) from None
    return name


def tls_context(certificate: Path | None, key: Path | None, client_ca: Path | None) -> ssl.SSLContext | None:
    """What TLS needs, None without a certificate. Raises ``CouldNot`` when the files cannot be used."""
    if certificate is None:
        if key is not None or client_ca is not None:
            raise CouldNot("TLS needs a certificate: name it with --tls-cert.")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
        if client_ca is not None:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise CouldNot("The certificate, its key or the CA cannot be used: check the files.") from error
    return context


async def _listen(listener: Listener, host: str, port: int, tls: ssl.SSLContext | None) -> None:
    stopped = asyncio.Event()
    with _stopping(stopped):
        async with listener:
            try:
                bound = await listener.listen(host, port, tls)
            except OSError as error:
                raise CouldNot(f"The port {port} cannot be opened on {host}: is it in use?") from error
            click.echo(f"Listening for HL7 v2 (MLLP{', TLS' if tls else ''}) on {host}:{bound} (Ctrl-C stops it).")
            await stopped.wait()


@contextmanager
def _stopping(stopped: asyncio.Event) -> Iterator[None]:
    """Ask for an end in order at SIGTERM, SIGINT and SIGHUP."""
    loop = asyncio.get_running_loop()
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    for each in before:
        loop.add_signal_handler(each, stopped.set)
    try:
        yield
    finally:
        for each, handler in before.items():
            loop.remove_signal_handler(each)
            signal.signal(each, handler)
