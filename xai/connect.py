"""How a socket to the upstream is opened: its address, its bearer, and what a failure means."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from speech.addresses import is_loopback
from speech.errors import KeyRejected
from xai.http_failures import handshake_failure
from xai.tokens import Bearers

Opened = TypeVar("Opened")

# websockets logs headers and frames, so keys, texts and audio, when its logger is at DEBUG.
_wire_logger = logging.getLogger(f"{__name__}.wire")
_wire_logger.setLevel(logging.WARNING)

CLOSE_SECONDS = 1.0
_LARGEST_FRAME = 16 * 1024 * 1024
_PING_SECONDS = 20


def with_query(url: str, **parameters: str) -> str:
    """The ws:// or wss:// URL with these query parameters, in place of those of the same names; others stay."""
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise ValueError("API_URL must be a ws:// or wss:// URL")
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in parameters]
    return urlunsplit(parts._replace(query=urlencode([*query, *parameters.items()]), fragment=""))


async def open_socket(
    url: str, *, bearer: str, pong_seconds: float = 20, frames_ahead: int = 16, wire_bytes: int = 32 * 1024
) -> ClientConnection:
    """A socket after its handshake; raises an UpstreamError, or TimeoutError when the network does.

    No more than about `frames_ahead` frames are read before they are asked for; `wire_bytes` may wait to be sent.
    One that is not read must answer pings within `pong_seconds` all the same, or is lost.
    """
    try:
        return await connect(
            url,
            additional_headers={"Authorization": f"Bearer {bearer}"},
            user_agent_header="recite",
            compression=None,
            open_timeout=None,
            ping_interval=_PING_SECONDS,
            ping_timeout=pong_seconds,
            close_timeout=CLOSE_SECONDS,
            max_size=_LARGEST_FRAME,
            max_queue=frames_ahead,
            write_limit=wire_bytes,
            proxy=None if is_loopback(urlsplit(url).hostname) else True,
            logger=_wire_logger,
        )
    except TimeoutError:
        raise
    except (OSError, WebSocketException, EOFError) as error:
        # The cause may hold the URL and the answer's body: it ends here.
        raise handshake_failure(error) from None


async def with_bearer(bearers: Bearers, attempt: Callable[[str], Awaitable[Opened]]) -> Opened:
    """What `attempt` opens; an ephemeral token that others used before and that is rejected is replaced."""
    while True:
        bearer = await bearers.bearer()
        try:
            return await attempt(bearer)
        except KeyRejected:
            if not bearers.rejected(bearer):
                raise
