"""Bearers for the upstream: the key itself, or ephemeral tokens got with it; neither shows in a repr, error or log."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
import orjson

from speech.addresses import is_loopback
from speech.errors import KeyRejected, UpstreamTimeout, UpstreamUnreachable
from speech.ports import TokenCache
from xai.http_failures import status_failure

logger = logging.getLogger(__name__)

# A token that dies in the middle of a handshake is no use.
_MARGIN_SECONDS = 30.0


class Bearers(TokenCache, Protocol):
    """A TokenCache that can be told that a bearer was turned down."""

    def rejected(self, bearer: str) -> bool:
        """Whether `bearer()` may give another one now."""

    async def aclose(self) -> None:
        """Ends what is under way."""


class KeyBearer:
    """The API key as it is."""

    def __init__(self, key: str) -> None:
        self._key = key.strip()

    async def bearer(self) -> str:
        """The key; raises KeyRejected for one that no header can carry."""
        return _sendable(self._key)

    def rejected(self, bearer: str) -> bool:
        """There is only one key."""
        return False

    async def aclose(self) -> None:
        """There is nothing under way."""


def open_bearers(key: str, *, auth: str, rest_url: str) -> Bearers:
    """The bearers of a key, by the way that is set: `key` or `ephemeral`."""
    return KeyBearer(key) if auth == "key" else EphemeralTokens(key, rest_url=rest_url)


@dataclass(slots=True, repr=False)
class _Token:
    value: str
    good_until: float
    handed_out: int = 0


class EphemeralTokens:
    """Short-lived tokens from `<rest_url>/realtime/client_secrets`, each reused until shortly before it ends.

    `clock` counts seconds and never goes back, `now` is Unix time; `transport` replaces the network in tests.
    """

    def __init__(
        self,
        key: str,
        *,
        rest_url: str,
        seconds: int = 300,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._key = key.strip()
        self._url = f"{rest_url.rstrip('/')}/realtime/client_secrets"
        self._seconds = seconds
        self._clock = clock
        self._now = now
        self._transport = transport
        self._http: httpx.AsyncClient | None = None
        self._token: _Token | None = None
        self._fetch: asyncio.Task[_Token] | None = None
        self._single_use = False
        # A handshake with the one before may end after the next is fetched.
        self._shared = deque[str](maxlen=2)

    async def bearer(self) -> str:
        """A token that is good for a while; raises KeyRejected, UpstreamBusy, -Timeout or -Unreachable."""
        if self._single_use:
            token = await self._request()
        elif self._token and self._clock() < self._token.good_until:
            token = self._token
        else:
            if self._fetch is None:
                self._fetch = asyncio.create_task(self._fetched())
            # Shielded: whoever stops waiting leaves the fetch to the others.
            token = await asyncio.shield(self._fetch)
        token.handed_out += 1
        return token.value

    def rejected(self, bearer: str) -> bool:
        """Forgets the token; whether another may do better: not where nobody else had used this one.

        Whether a token opens several sockets is not documented. Once a shared one is turned down, each opens one.
        """
        token = self._token
        if token and token.value == bearer:
            self._token = None
            if token.handed_out == 1:
                return False
            self._single_use = True
            return True
        return self._single_use and bearer in self._shared

    async def aclose(self) -> None:
        """Ends what is under way."""
        if self._fetch:
            self._fetch.cancel()
            await asyncio.wait([self._fetch])
        if self._http:
            await self._http.aclose()

    async def _fetched(self) -> _Token:
        try:
            self._token = await self._request()
            self._shared.append(self._token.value)
            return self._token
        finally:
            self._fetch = None

    async def _request(self) -> _Token:
        headers = {"Authorization": f"Bearer {_sendable(self._key)}"}
        if self._http is None:
            direct = is_loopback(urlsplit(self._url).hostname)
            self._http = httpx.AsyncClient(transport=self._transport, timeout=10, trust_env=not direct)
        asked_at = self._clock()
        try:
            answer = await self._http.post(
                self._url, headers=headers, json={"expires_after": {"seconds": self._seconds}}
            )
        except httpx.TimeoutException:
            raise UpstreamTimeout("No ephemeral token came in time") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UpstreamUnreachable(f"No ephemeral token could be fetched ({type(error).__name__})") from None
        if answer.status_code // 100 != 2:
            retry_after = answer.headers.get("Retry-After")
            raise status_failure(answer.status_code, retry_after=retry_after, body=answer.content)
        token = self._read(answer.content, asked_at=asked_at)
        logger.info("[X.AI TTS] ephemeral token fetched, good for %.0f s", token.good_until - asked_at)
        return token

    def _read(self, body: bytes, *, asked_at: float) -> _Token:
        try:
            fields: Any = orjson.loads(body)
            value, expires_at = str(fields["value"]), fields.get("expires_at")
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise UpstreamUnreachable("The answer held no ephemeral token") from None
        lifetime = float(self._seconds)
        if isinstance(expires_at, int | float):
            lifetime = min(lifetime, expires_at - self._now())
        return _Token(_sendable(value), asked_at + lifetime - _MARGIN_SECONDS)


def _sendable(bearer: str) -> str:
    if not bearer or not bearer.isascii() or not bearer.isprintable() or " " in bearer:
        raise KeyRejected("The API key is empty or holds characters that no key has")
    return bearer
