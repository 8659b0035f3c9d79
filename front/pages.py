"""Which pages may use this service: its own, those of ALLOWED_ORIGINS, and each client's for that client."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Scope

from speech.addresses import is_loopback
from speech.client import Client
from speech.client_ports import Clients
from speech.errors import ForeignPage, Unavailable

log = logging.getLogger(__name__)


class Pages:
    """`clients` finds the clients' store of the app that serves a call."""

    def __init__(self, *, origins: Iterable[str], public_url: str | None, clients: Callable[[Scope], Clients]) -> None:
        self.listed = frozenset(origins)
        self.public_host = urlsplit(public_url).hostname if public_url else None
        self._public_origin = _origin(public_url) if public_url else None
        self._clients = clients

    def clients(self, scope: Scope) -> Clients:
        """The clients' store."""
        return self._clients(scope)

    def is_own(self, headers: Headers, origin: str) -> bool:
        """Whether the page came from this service."""
        return origin == self._public_origin or _is_at(headers.get("host", ""), origin)

    async def of_clients(self, scope: Scope) -> frozenset[str]:
        """The pages of all clients; none while they can't be read."""
        try:
            return await self._clients(scope).origins()
        except Unavailable as error:
            log.warning("the clients' origins can't be read: %s", error.detail)
            return frozenset()

    def check(self, scope: Scope, client: Client | None) -> None:
        """Raises ForeignPage for a page that may not ask for this client (None: for none); programs are no pages."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        allowed = client.allowed_origins if client and client.allowed_origins else self.listed
        if origin is not None and origin not in allowed and not self.is_own(headers, origin):
            raise ForeignPage


async def check_page(connection: HTTPConnection, client_id: str | None) -> None:
    """Raises ForeignPage, for a route that learns from the body which client is asked for.

    Our own pages may ask for every client; for others the client is looked up.
    """
    pages: Pages = connection.scope["pages"]
    origin = connection.headers.get("origin")
    if origin is not None and not pages.is_own(connection.headers, origin):
        client = await pages.clients(connection.scope).get(client_id) if client_id else None
        pages.check(connection.scope, client)


@lru_cache(maxsize=256)
def is_local_name(host: str, *, public_host: str | None) -> bool:
    """Whether a Host header names this machine by a name of its own."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return is_loopback(name) or (name is not None and name == public_host)


def _is_at(host: str, origin: str) -> bool:
    try:
        return urlsplit(origin).netloc == host
    except ValueError:
        return False


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
