"""One live session: frames between a client and the upstream, until either side, a limit or the operator ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from relay import closes, events
from relay.client import Client, ClientGone
from relay.closes import Closing
from relay.limits import BridgeLimits
from relay.message_log import MessageLog
from relay.order import LiveOrder
from relay.tap import Tap
from relay.timings import Timings
from speech.errors import UpstreamError
from xai.live import LiveSocket, LiveUpstream, UpstreamClosed
from xai.live_seats import LiveSeats


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How it ended. `conversation_id`: with which the upstream could go on; `resumable`: the client may come back."""

    closing: Closing
    conversation_id: str | None
    resumable: bool


class Bridge:
    """Runs once. `conversation_id`: the conversation that it goes on with."""

    def __init__(
        self,
        order: LiveOrder,
        *,
        upstream: LiveUpstream,
        limits: BridgeLimits,
        seats: LiveSeats,
        log: MessageLog,
        timings: Timings,
        tap: Tap | None = None,
        conversation_id: str | None = None,
    ) -> None:
        self._order, self._upstream, self._seats = order, upstream, seats
        self._conversation_id = conversation_id
        self._client: Client | None = None
        self._end: asyncio.Future[Closing] | None = None
        self._counts = dict.fromkeys(("messages_in", "messages_out", "bytes_in", "bytes_out", "dropped"), 0)

    async def run(self, client: Client, *, hello: Mapping[str, Any]) -> Outcome:
        """Says `hello`, opens the upstream and passes frames on until an end; both sockets are closed then."""
        self._client = client
        self._end = asyncio.get_running_loop().create_future()
        pumping = asyncio.create_task(self._pump(client, hello))
        pumping.add_done_callback(lambda _: self.end(closes.INTERNAL))
        await asyncio.wait([self._end])
        pumping.cancel()
        await asyncio.wait([pumping])
        closing = self._end.result()
        resumable = closing in (closes.CLIENT_LOST, closes.UPSTREAM_LOST)
        try:
            await self.say(events.closing(closing, resumable=resumable))
            await client.close(closing.code, closing.reason)
        except ClientGone:
            pass
        return Outcome(closing=closing, conversation_id=self._conversation_id, resumable=resumable)

    def end(self, closing: Closing) -> None:
        """Ends it from outside; the first end counts."""
        if self._end and not self._end.done():
            self._end.set_result(closing)

    async def say(self, event: Mapping[str, Any]) -> None:
        """Tells the client something of the relay's own."""
        if self._client:
            await self._client.send(orjson.dumps(event).decode())

    @property
    def conversation_id(self) -> str | None:
        """With which the upstream could go on, as far as it is known."""
        return self._conversation_id

    def figures(self) -> dict[str, int]:
        """messages_in, bytes_in (from the client), messages_out, bytes_out (to it), dropped."""
        return dict(self._counts)

    async def _pump(self, client: Client, hello: Mapping[str, Any]) -> None:
        try:
            await self.say(hello)
            async with self._seats.sit():
                socket = await self._upstream.open(conversation_id=self._conversation_id)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._to_upstream(client, socket))
                    tasks.create_task(self._to_client(client, socket))
        except ClientGone:
            self.end(closes.CLIENT_LOST)
        except UpstreamError:
            self.end(closes.UPSTREAM_UNAVAILABLE)

    async def _to_upstream(self, client: Client, socket: LiveSocket) -> None:
        try:
            while True:
                await socket.send(await client.receive())
        except ClientGone:
            self.end(closes.CLIENT_LOST)

    async def _to_client(self, client: Client, socket: LiveSocket) -> None:
        try:
            while True:
                await client.send(await socket.receive())
        except UpstreamClosed:
            self.end(closes.UPSTREAM_LOST)
