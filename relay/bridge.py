"""One live session: frames between a client and the upstream, until either side, a limit or the operator ends it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext, suppress
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

from relay import closes, events
from relay.client import Client, ClientGone
from relay.clock import Clock
from relay.closes import Closing, Ended
from relay.figures import Figures
from relay.hearing import Hearing
from relay.inbox import Inbox
from relay.intake import Intake
from relay.limits import BridgeLimits
from relay.message_log import MessageLog
from relay.order import LiveOrder
from relay.outbox import Outbox
from relay.policy import Policy
from relay.tap import Tap
from relay.timings import Timings
from relay.watch import Watch
from speech.errors import UpstreamBusy, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from storage.cancelling import cancel
from xai.live import LiveSocket, LiveUpstream, UpstreamClosed
from xai.live_seats import LiveSeats

# Finer than uvloop's own time, and the same clock.
_now = time.monotonic
# The upstream gets that long for its goodbye.
_INSIST_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How it ended. `conversation_id`: with which the upstream could go on; `resumable`: the client may come back."""

    closing: Closing
    conversation_id: str | None
    resumable: bool


class Bridge:
    """Runs once, in the loop in which it was made. `conversation_id`: the conversation that it goes on with.

    `counted` is entered for as long as the upstream is open.
    """

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
        counted: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> None:
        self._order, self._upstream, self._limits, self._seats, self._timings = order, upstream, limits, seats, timings
        self._counted = counted
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[Closing] = self._loop.create_future()
        self._log = log.of(order.session_id)
        self._figures = Figures()
        self._clock = Clock(limits, now=_now())
        self._inbox, self._outbox = Inbox(limits), Outbox(limits.waiting_for_client_bytes)
        self._hearing = Hearing(
            inbox=self._inbox, clock=self._clock, log=self._log, tap=tap, conversation_id=conversation_id
        )
        self._intake = Intake(
            Policy(order),
            inbox=self._inbox,
            limits=limits,
            clock=self._clock,
            log=self._log,
            figures=self._figures,
            say=self._say,
            tap=tap,
            now=_now(),
        )
        self._watch = Watch(
            limits=limits,
            clock=self._clock,
            inbox=self._inbox,
            outbox=self._outbox,
            log=self._log,
            figures=self._figures,
            say=self._say,
        )

    async def run(self, client: Client, *, hello: Mapping[str, Any], may_return: bool = True) -> Outcome:
        """Says `hello`, opens the upstream and passes frames on until an end; both sockets are closed then.

        `may_return`: its client could come back with what `hello` tells it.
        """
        self._say(hello)
        telling = self._begin(self._tell, client)
        others = [self._begin(self._serve), self._begin(self._listen, client), self._begin(self._watch.run)]
        try:
            closing = await asyncio.shield(self._ended)
            resumable = may_return and closing in closes.RESUMABLE
            self._log.news("ends: %d %s, %s", closing.code, closing.reason, self._figures.to_json())
            parting = self._loop.create_task(cancel(*others, insist_seconds=_INSIST_SECONDS))
            if closing not in (closes.CLIENT_GONE, closes.CLIENT_LOST):
                await self._part_from(client, telling, closing, resumable=resumable)
            await parting
        finally:
            await cancel(telling, *others)
            self._log.flush()
        return Outcome(closing=closing, conversation_id=self._hearing.conversation_id, resumable=resumable)

    def end(self, closing: Closing) -> None:
        """Ends it from outside; the first end counts."""
        if not self._ended.done():
            self._ended.set_result(closing)

    async def say(self, event: Mapping[str, Any]) -> None:
        """Tells the client something of the relay's own, after what waits for it already."""
        self._say(event)

    @property
    def conversation_id(self) -> str | None:
        """With which the upstream could go on, as far as it is known."""
        return self._hearing.conversation_id

    def figures(self) -> dict[str, int]:
        """messages_in, bytes_in (from the client), messages_out, bytes_out (to it), dropped."""
        return self._figures.to_json()

    def _say(self, event: Mapping[str, Any]) -> None:
        self._outbox.say(orjson.dumps(event).decode())
        if self._outbox.is_ignored:
            self.end(closes.CLIENT_TOO_SLOW)

    def _begin(self, part: Callable[..., Awaitable[None]], *arguments: object) -> asyncio.Task[None]:
        return self._loop.create_task(self._guarded(part, *arguments))

    async def _guarded(self, part: Callable[..., Awaitable[None]], *arguments: object) -> None:
        """Whatever a part fails with is an end of the session."""
        try:
            await part(*arguments)
        except Ended as ended:
            self.end(ended.closing)
        except ClientGone as gone:
            self.end(closes.of_client(gone.code))
        except UpstreamError as error:
            self._log.trouble("does not get ready: %s", error.detail)
            self.end(closes.of_failure(error))
        except Exception:
            self._log.failure("fails")
            self.end(closes.INTERNAL)

    async def _part_from(
        self, client: Client, telling: asyncio.Task[None], closing: Closing, *, resumable: bool
    ) -> None:
        """The client hears what waits for it and why it ends, if it takes that soon."""
        seconds = self._limits.farewell_seconds
        if closing is not closes.CLIENT_TOO_SLOW:
            self._outbox.finish(orjson.dumps(events.closing(closing, resumable=resumable)).decode())
            await asyncio.wait([telling], timeout=seconds)
        _cancel([telling])
        await asyncio.wait([telling])
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await client.close(closing.code, closing.reason)

    async def _tell(self, client: Client) -> None:
        observe = self._timings.upstream_to_client.observe
        try:
            while taken := await self._outbox.take():
                frame, at = taken
                await client.send(frame)
                self._figures.sent(len(frame))
                if at is not None:
                    observe(_now() - at)
        except ClientGone:
            # Whoever listens to it hears how it went.
            await asyncio.sleep(self._limits.farewell_seconds)
            raise

    async def _listen(self, client: Client) -> None:
        while True:
            frame = await client.receive()
            self._intake.take(frame, at=_now())

    async def _serve(self) -> None:
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._limits.seat_seconds):
                    await stack.enter_async_context(self._seats.sit(on_waiting=lambda: self._say(events.waiting())))
            except TimeoutError:
                raise UpstreamBusy("No seat came free") from None
            socket = await self._upstream.open(conversation_id=self._hearing.conversation_id)
            stack.push_async_callback(socket.close)
            await stack.enter_async_context(self._counted())
            if self._ended.done():
                # A cancellation that meets redis-py while it connects is lost.
                return
            receiving = self._begin(self._receive, socket)
            try:
                await self._send(socket)
            except UpstreamClosed:
                # What it said before it closed is yet to be read.
                await asyncio.wait([receiving])
            finally:
                _cancel([receiving])
                await asyncio.wait([receiving])

    async def _receive(self, socket: LiveSocket) -> None:
        try:
            while True:
                frame = await socket.receive()
                at = _now()
                self._outbox.add(frame, at=at)
                self._hearing.hear(frame, at=at)
                if self._outbox.is_full:
                    await self._outbox.room()
        except UpstreamClosed as closed:
            if self._hearing.ready.is_set():
                raise Ended(closes.of_upstream(closed.code, announced=self._hearing.is_ending)) from None
            await self._fail(UpstreamUnreachable("It closed the socket"))
        except UpstreamError as error:
            await self._fail(error)

    async def _send(self, socket: LiveSocket) -> None:
        await socket.send(orjson.dumps(self._order.update_event()).decode())
        try:
            async with asyncio.timeout(self._limits.ready_seconds):
                await self._hearing.ready.wait()
        except TimeoutError:
            await self._fail(UpstreamTimeout("The settings were not confirmed in time"))
        self._inbox.open()
        observe = self._timings.client_to_upstream.observe
        while True:
            waiting = await self._inbox.take()
            await socket.send(waiting.frame)
            if not waiting.held:
                observe(_now() - waiting.at)

    async def _fail(self, error: UpstreamError) -> NoReturn:
        await self._upstream.not_ready(error)
        raise error


def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
