"""The bridge behind a plain WebSocket server: what a browser would meet, without the relay's HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from relay.bridge import Bridge, Outcome
from relay.client import ClientGone
from relay.closes import Closing
from relay.limits import BridgeLimits
from relay.message_log import LogLevel, MessageLog
from relay.order import LiveOrder
from relay.tap import Tap
from relay.timings import Timings
from speech.ports import Breaker
from tests.fakes.raw_realtime import PATIENCE, RawRealtime
from tests.fakes.simulator import MODEL
from xai.alone import OwnBreaker, OwnSeats
from xai.live import LiveUpstream
from xai.live_seats import LiveSeats
from xai.tokens import KeyBearer

ORDER = LiveOrder(session_id="a-session", voice="ara", instructions="Answer briefly.")
HELLO: Mapping[str, Any] = {"type": "relay.session", "session_id": "a-session"}
_SEATS = 100

_logger = logging.getLogger("tests.wire")
_logger.setLevel(logging.CRITICAL)


class ServerClient:
    """Implements relay.client.Client over a connection of websockets' server."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection

    async def receive(self) -> str | bytes:
        try:
            return await self._connection.recv()
        except ConnectionClosed as closed:
            raise ClientGone(closed.rcvd.code if closed.rcvd else None) from None

    async def send(self, frame: str | bytes) -> None:
        try:
            await self._connection.send(frame)
        except ConnectionClosed as closed:
            raise ClientGone(closed.rcvd.code if closed.rcvd else None) from None

    async def close(self, code: int, reason: str) -> None:
        try:
            await self._connection.close(code, reason)
        except asyncio.CancelledError:
            self._connection.transport.abort()
            raise


@dataclass
class RunningRelay:
    """What the bridges are made of, for those to come, and what became of those that ended."""

    upstream_url: str
    order: LiveOrder = ORDER
    limits: BridgeLimits = field(default_factory=BridgeLimits)
    breaker: Breaker = field(default_factory=OwnBreaker)
    timings: Timings = field(default_factory=Timings)
    log: LogLevel = "types"
    tap: Tap | None = None
    conversation_id: str | None = None
    seats: LiveSeats = field(default_factory=lambda: LiveSeats(OwnSeats(_SEATS), most_live=_SEATS))
    key: str = "a-key"
    ends_with: Closing | None = None
    url: str = ""
    bridges: list[Bridge] = field(default_factory=list)
    tasks: list[asyncio.Task[Any] | None] = field(default_factory=list)
    outcomes: asyncio.Queue[Outcome] = field(default_factory=asyncio.Queue)

    def limit(self, **limits: Any) -> None:
        """Changes limits."""
        self.limits = replace(self.limits, **limits)

    def allow(self, *fields: str) -> None:
        """What clients may change from now on."""
        self.order = replace(self.order, may_change=frozenset(fields))

    async def outcome(self) -> Outcome:
        """How the next session ended."""
        async with asyncio.timeout(PATIENCE):
            return await self.outcomes.get()

    async def serve_one(self, connection: ServerConnection) -> None:
        """Runs a bridge over one connection."""
        upstream = LiveUpstream(self.upstream_url, model=MODEL, bearers=KeyBearer(self.key), breaker=self.breaker)
        bridge = Bridge(
            self.order,
            upstream=upstream,
            limits=self.limits,
            seats=self.seats,
            log=MessageLog(self.log),
            timings=self.timings,
            tap=self.tap,
            conversation_id=self.conversation_id,
        )
        self.bridges.append(bridge)
        self.tasks.append(asyncio.current_task())
        if self.ends_with:
            bridge.end(self.ends_with)
        outcome = await bridge.run(ServerClient(connection), hello=HELLO)
        self.outcomes.put_nowait(outcome)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[RunningRelay]:
        """Serves on a free port of the loopback interface."""
        async with (
            self.seats,
            serve(
                self.serve_one,
                "127.0.0.1",
                0,
                compression=None,
                max_size=64 * 1024 * 1024,
                close_timeout=1,
                logger=_logger,
            ) as server,
        ):
            self.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/ws/a-session"
            yield self


class Browser(RawRealtime):
    """A page's socket."""

    async def closing(self) -> tuple[dict[str, Any], int, str]:
        """The relay's last words, the close code and the reason."""
        events, code = await self.until_closed()
        assert events, "closed without a word"
        return events[-1], code, self.connection.close_reason or ""

    async def ready(self) -> None:
        """Returns once the upstream confirmed the relay's settings."""
        await self.until("session.updated")

    async def append(self, pcm_base64: str) -> None:
        """Sends audio."""
        await self.send("input_audio_buffer.append", audio=pcm_base64)


@asynccontextmanager
async def browser(relay: RunningRelay, **options: Any) -> AsyncIterator[Browser]:
    """A page that connects to the relay."""
    async with connect(relay.url, compression=None, max_size=None, **options) as connection:
        yield Browser(connection)


@asynccontextmanager
async def page_of(relay: RunningRelay, **limits: Any) -> AsyncIterator[Browser]:
    """A relay with these limits that serves, and a page."""
    relay.limit(**limits)
    relay.allow("force_message")
    async with relay.running(), browser(relay) as page:
        yield page


async def check(page: Browser, relay: RunningRelay, expected: Closing, *, resumable: bool = False) -> dict[str, Any]:
    """The page hears of this end, the bridge tells it, and nothing is left open upstream."""
    told, code, reason = await page.closing()
    assert (code, reason) == (expected.code, expected.reason)
    assert told["type"] == "relay.closing"
    assert (told["code"], told["reason"], told["resumable"]) == (code, reason, resumable)
    assert len(told["message"]) > 10
    outcome = await relay.outcome()
    assert (outcome.closing.reason, outcome.resumable) == (expected.reason, resumable)
    return told
