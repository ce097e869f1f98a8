"""The listener: acknowledged after the commit, many at once, and nothing that a sender does can hold it up."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from hcrm.intake.domain import Profile
from hcrm.intake.mllp import END, START, GroupWriter, Limits, Listener
from hcrm.intake.readers.hl7v2 import Reading, read_message
from hcrm.intake.service import Place
from hcrm.unit_of_work import Runtime
from tests.conftest import NOW
from tests.hl7_messages import adt, feed, pid, pv1
from tests.interface_engine import InterfaceEngine, run_apart

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def run(
    runtime: Runtime,
    facility: int,
    scene: Callable[[Listener, int], Awaitable[Any]],
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
) -> Any:
    """Play ``scene`` with a listener on a free port."""

    async def play() -> Any:
        reading = Reading.of(Profile(), "Asia/Shanghai", "CN")
        async with Listener(runtime, Place(facility, "Asia/Shanghai"), reading, limits=limits) as listener:
            port = await listener.listen("127.0.0.1", 0, tls)
            async with asyncio.timeout(30):
                return await scene(listener, port)

    return run_apart(play())


async def ask(port: int, *frames: bytes) -> list[str]:
    """Send frames over one connection; the first two fields of each answer's MSA."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for each in frames:
        writer.write(START + each + END)
    answers = [await reader.readuntil(END) for _ in frames]
    writer.close()
    return ["|".join(each.decode("latin-1").split("\r")[1].split("|")[1:3]) for each in answers]


def rows(runtime: Runtime, query: str) -> list[tuple[Any, ...]]:
    with runtime.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_what_is_acknowledged_is_stored(runtime: Runtime, facility: int) -> None:
    async def scene(_: Listener, port: int) -> tuple[list[str], list[tuple[Any, ...]]]:
        told = await ask(
            port,
            adt("A01", pid(), pv1("20260301"), control="1").encode(),
            adt("A60", pid(), control="2").encode(),
            adt("A01", "PID|1||", pv1("20260301"), control="3").encode(),
            adt("A40", pid("9"), "MRG|8", control="4").encode(),
            b"hello",
        )
        return told, rows(runtime, "SELECT control_id, status FROM interface_message ORDER BY control_id")

    told, stored = run(runtime, facility, scene)
    assert told == ["AA|1", "AA|2", "AE|3", "AA|4", "AR|"]
    assert stored == [("", "refused"), ("1", "applied"), ("2", "ignored"), ("3", "refused"), ("4", "waiting")]


def test_names_in_any_encoding(runtime: Runtime, facility: int) -> None:
    written = [
        ("1", "UNICODE UTF-8", "utf-8"),
        ("2", "GB 18030-2000", "gb18030"),
        ("3", "", "gb18030"),
        ("4", "8859/1", "utf-8"),
        ("5", "", "utf-16"),
    ]

    async def scene(_: Listener, port: int) -> list[str]:
        messages = [
            adt("A28", pid(mrn, "东方^不败"), control=mrn, charset=charset).encode(encoding)
            for mrn, charset, encoding in written
        ]
        return await ask(port, *messages)

    run(runtime, facility, scene)
    assert rows(runtime, "SELECT DISTINCT full_name, count(*) FROM patient GROUP BY 1") == [("东方不败", 5)]


def test_many_connections_and_every_message_once(runtime: Runtime, facility: int) -> None:
    messages = feed(160, NOW - timedelta(days=20))

    async def scene(listener: Listener, port: int) -> tuple[InterfaceEngine, dict[Any, int]]:
        engine = InterfaceEngine(port, connections=16, ahead=4)
        await engine.send_all(messages)
        await engine.send_all(messages[:20])
        return engine, listener.counts

    engine, counts = run(runtime, facility, scene)
    assert {code for codes in engine.ledger.values() for code in codes} == {"AA"}
    assert (counts["repeated"], len(engine.ledger)) == (20, 160)
    assert rows(runtime, "SELECT count(*) FROM encounter WHERE status = 'finished'") == [(40,)]
    assert rows(runtime, "SELECT count(*) FROM interface_message") == [(160,)]


def test_a_client_that_never_finishes_is_left_and_others_go_on(runtime: Runtime, facility: int) -> None:
    async def scene(listener: Listener, port: int) -> tuple[bytes, list[str]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(START + b"MSH|^~\\&|")
        told = await ask(port, adt("A28", pid()).encode())
        rest = await reader.read()
        writer.close()
        return rest, told

    assert run(runtime, facility, scene, Limits(read_timeout=0.2)) == (b"", ["AA|1"])
    assert rows(runtime, "SELECT count(*) FROM patient") == [(1,)]


def test_a_trickle_of_bytes_does_not_extend_the_time_of_a_message(runtime: Runtime, facility: int) -> None:
    async def scene(_: Listener, port: int) -> float:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        loop = asyncio.get_running_loop()
        began = loop.time()
        writer.write(START)
        ended = asyncio.create_task(reader.read())
        while not ended.done():
            writer.write(b"x")
            await asyncio.sleep(0.02)
        writer.close()
        return loop.time() - began

    assert run(runtime, facility, scene, Limits(read_timeout=0.3)) < 5


def test_silence_ends_a_connection_and_too_many_are_turned_away(runtime: Runtime, facility: int) -> None:
    async def scene(listener: Listener, port: int) -> tuple[bytes, bytes, int]:
        first, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(START + adt("A28", pid()).encode() + END)
        await first.readuntil(END)
        second, other = await asyncio.open_connection("127.0.0.1", port)
        ends = await second.read(), await first.read()
        writer.close()
        other.close()
        return *ends, listener.counts["turned_away"]

    assert run(runtime, facility, scene, Limits(idle_timeout=0.3, connections=1)) == (b"", b"", 1)


def test_a_message_that_is_too_long_is_rejected_before_it_ends(runtime: Runtime, facility: int) -> None:
    async def scene(_: Listener, port: int) -> list[str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(START + adt("A28", pid(), control="77").encode() + b"\rZZZ|" + b"x" * 5000)
        answer = (await reader.read()).decode().split("\r")
        writer.close()
        return answer[1].split("|")

    assert run(runtime, facility, scene, Limits(longest=2000))[:3] == ["MSA", "AR", "77"]


def test_an_error_while_writing_costs_only_the_message_that_causes_it(runtime: Runtime, facility: int) -> None:
    """A facility that does not exist stands for whatever nobody has thought of."""

    async def scene(_: Listener, port: int) -> list[str]:
        return await ask(port, adt("A01", pid(), pv1("20260301")).encode())

    runtime.engine.dispose()
    assert run(runtime, 999_999, scene) == ["AE|1"]


def test_a_database_that_does_not_answer_means_send_it_again(runtime: Runtime, facility: int) -> None:
    broken = Runtime(runtime.settings, runtime.clock, runtime.engine, _no_sessions)
    writer = GroupWriter(broken, Place(facility, "Asia/Shanghai"), pauses=(0.01,))
    reading = Reading.of(Profile(), "Asia/Shanghai", "CN")
    (outcome,) = writer.write([read_message(adt("A28", pid()).encode(), reading, NOW)])
    writer.close()
    assert outcome.code == "unavailable"


def _no_sessions() -> Any:
    raise OperationalError("SELECT 1", {}, Exception("gone"))


def test_tls_and_certificates_of_senders(runtime: Runtime, facility: int, tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-nodes"]
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
        *subject,
    ]
    subprocess.run(command, check=True, capture_output=True)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate, key)
    client = ssl.create_default_context(cafile=certificate)

    async def scene(_: Listener, port: int) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
        writer.write(START + adt("A28", pid()).encode() + END)
        answer = await reader.readuntil(END)
        writer.close()
        plain, other = await asyncio.open_connection("127.0.0.1", port)
        other.write(START + adt("A28", pid()).encode() + END)
        assert START not in await plain.read()
        other.close()
        return answer.decode().split("\r")[1]

    assert run(runtime, facility, scene, tls=server) == "MSA|AA|1|"


def test_the_clock_of_the_program_tells_when_a_message_came(runtime: Runtime, facility: int) -> None:
    async def scene(_: Listener, port: int) -> list[str]:
        return await ask(port, adt("A28", pid()).encode())

    run(runtime, facility, scene)
    (received,) = rows(runtime, "SELECT received_at FROM interface_message")[0]
    assert isinstance(received, datetime)
    assert received == NOW
