"""How much may be sent by whom: large files by people who import, and by nobody else."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

Login = Callable[..., int]

LARGE = 5 * 1024 * 1024


class Sent(io.BytesIO):
    """A body that counts how much of it was read."""

    taken = 0

    def read(self, *size: int | None) -> bytes:
        found = super().read(*size)
        self.taken += len(found)
        return found

    def readinto(self, into: Any) -> int:
        count = super().readinto(into)
        self.taken += count
        return count


def send(client: Any, address: str) -> tuple[int, int]:
    """The status, and how many bytes of the body were read."""
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    body = Sent(head + b"a" * LARGE + b"\r\n--x--\r\n")
    length = len(body.getvalue())
    answer = client.post(
        address, input_stream=body, content_length=length, content_type="multipart/form-data; boundary=x"
    )
    return answer.status_code, body.taken


@pytest.mark.parametrize("address", ["/login", "/imports", "/s/AAAAAAAAAAAA", "/language/en", "/nowhere"])
def test_stranger_sends_no_large_body(client: Any, address: str) -> None:
    status, taken = send(client, address)

    assert status in {302, 404, 405, 413}
    assert taken == 0


def test_who_may_not_import_sends_no_large_file(client: Any, login: Login) -> None:
    login("nurse")
    status, taken = send(client, "/imports")

    assert status in {403, 413}
    assert taken == 0


def test_who_imports_sends_a_large_file_where_files_are_taken_only(client: Any, login: Login) -> None:
    login("administrator")

    assert send(client, "/imports")[1] > LARGE
    assert send(client, "/users/new") == (413, 0)
