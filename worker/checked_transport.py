"""Connections to addresses that strangers name: resolved once, checked, and opened to the very address that was."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

# A resolver that hangs holds a thread of its own; beyond so many addresses of a name nobody tries.
_THREADS, _MOST_TRIED = 16, 4


class ForbiddenAddress(httpx.TransportError):
    """The name leads, among others at least, where nobody may be sent to."""


class Resolver:
    """The system's own, in threads that nothing else waits for."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolve")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The numeric addresses of a host; raises OSError."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._look_up, host, port)

    def close(self) -> None:
        """Ends the threads, without waiting for what hangs."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _look_up(self, host: str, port: int) -> list[str]:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(address[0]) for *_, address in found))


class CheckedTransport(httpx.AsyncBaseTransport):
    """An httpx transport whose every request, redirected ones included, passes `is_allowed` for all its addresses.

    The URL's host becomes the address, so that nobody resolves it again; name and certificate stay the host's.
    """

    def __init__(
        self, *, resolve: Resolve, is_allowed: Callable[[str], bool], verify: ssl.SSLContext | None = None
    ) -> None:
        self._resolve = resolve
        self._is_allowed = is_allowed
        # A kept connection would be taken for any name at its address.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._inner = httpx.AsyncHTTPTransport(verify=verify or True, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of the first address that takes the connection; raises ForbiddenAddress or what httpx does."""
        *others, last = await self._addresses(request)
        for address in others:
            try:
                return await self._inner.handle_async_request(_at(address, request))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._inner.handle_async_request(_at(last, request))

    async def aclose(self) -> None:
        """Closes what is open."""
        await self._inner.aclose()

    async def _addresses(self, request: httpx.Request) -> Sequence[str]:
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            found = await self._resolve(_host(request), port)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError("the name has no address") from error
        if not found:
            raise httpx.ConnectError("the name has no address")
        if not all(self._is_allowed(address) for address in found):
            raise ForbiddenAddress("the name leads where nobody may be sent to")
        return found[:_MOST_TRIED]


def _at(address: str, request: httpx.Request) -> httpx.Request:
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": _host(request)},
    )


def _host(request: httpx.Request) -> str:
    return request.url.raw_host.decode("ascii")
