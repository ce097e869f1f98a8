"""The connections to a provider: kept open, with a timeout, through the proxy that the system names.

A vendor's library asks with the names that it is used to; nothing that is sent or answered is written to a log.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi
import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError, SSLError

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered."""

    status_code: int
    text: str
    headers: Mapping[str, str]

    @property
    def content(self) -> str:
        return self.text


class KeptConnections:
    """Speaks HTTP to one address with up to ``most`` connections at once; never tries twice by itself."""

    is_async = False

    def __init__(self, address: str, timeout: float, most: int) -> None:
        self._timeout = urllib3.Timeout(timeout)
        self._pool = _pool(address, most)

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **_more: Any,
    ) -> Answer:
        """The answer, whatever its status. Raises ``urllib3``'s ``HTTPError`` when there is none."""
        sent = {**(headers or {}), **(_basic(*auth) if auth else {})}
        answer = self._pool.request(
            method,
            f"{url}?{urlencode(params, doseq=True)}" if params else url,
            body=urlencode(data, doseq=True) if data else None,
            headers=sent | ({"Content-Type": FORM} if data else {}),
            timeout=self._timeout,
            retries=False,
            redirect=False,
        )
        return Answer(answer.status, answer.data.decode("utf-8", "replace"), dict(answer.headers))


def _pool(address: str, most: int) -> urllib3.PoolManager:
    parts = urlsplit(address)
    trusted = ssl.create_default_context(cafile=certifi.where())
    proxy = getproxies().get(parts.scheme)
    near = parts.hostname in {"127.0.0.1", "localhost", "::1"}  # no proxy stands between a machine and itself
    if proxy and not near and not proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy, maxsize=most, ssl_context=trusted)
    return urllib3.PoolManager(maxsize=most, ssl_context=trusted)


@lru_cache(maxsize=4)
def _basic(user: str, password: str) -> dict[str, str]:
    return dict(urllib3.util.make_headers(basic_auth=f"{user}:{password}"))


def never_connected(problem: HTTPError) -> bool:
    """Whether not even a connection came about, so that nothing can have been taken."""
    if isinstance(problem, ProxyError):
        return isinstance(problem.original_error, ConnectTimeoutError | NewConnectionError)
    if isinstance(problem, SSLError):
        return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in (*problem.args, problem.__cause__))
    return isinstance(problem, ConnectTimeoutError | NewConnectionError)
