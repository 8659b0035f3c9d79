"""What the routes work with: opened by the app's lifespan, handed to each request, closed at its end."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import TypedDict
from uuid import uuid4

from starlette.requests import HTTPConnection

from front.access import caller_of
from relay import events
from relay.billing import Billing
from relay.bridge import Bridge
from relay.hub import Hub
from relay.limits import BridgeLimits
from relay.message_log import MessageLog
from relay.order import LiveOrder
from relay.orders import order_of, recorded
from relay.schemas import iso
from relay.tap import Tap
from relay.timings import Timings
from settings import Settings
from speech.addresses import line_of
from speech.client_ports import Clients
from speech.errors import GoingAway
from speech.live_ports import LiveSessions
from speech.live_session import LiveSession, LiveState
from speech.ports import ANYBODY
from speech.upstream_key import UpstreamKeys
from xai.live_line import LiveLine
from xai.per_key import PerKey

log = logging.getLogger(__name__)

_TOKEN_BYTES = 32
# Who comes back at the last moment is told that it was the last.
_SHORTEST_SECONDS = 1.0


# What listens to a connection until the block is left; None where nothing is to be recorded.
Recording = Callable[[LiveOrder], AbstractAsyncContextManager[Tap | None]]


class State(TypedDict):
    """The lifespan's state, as `request.state` shows it."""

    services: Services


@dataclass(frozen=True, kw_only=True)
class Services:
    """The wired ports of this process, and the few things that need more than one of them."""

    settings: Settings
    sessions: LiveSessions
    hub: Hub
    lines: PerKey[LiveLine]
    upstream_keys: UpstreamKeys
    log: MessageLog
    timings: Timings
    recording: Recording
    clients: Clients
    billing: Billing

    @staticmethod
    def of(connection: HTTPConnection) -> Services:
        """The services of the app that serves this request or this socket."""
        services: Services = connection.state.services
        return services

    @property
    def needs_token(self) -> bool:
        """Whether nobody connects without one."""
        return bool(self.settings.server.api_keys)

    async def create(self, order: LiveOrder, connection: HTTPConnection, *, token: str | None) -> LiveSession:
        """A session for whoever calls.

        Raises TooManySessions, SpendLimit, or GoingAway when this process stops.
        """
        if self.hub.is_draining:
            raise GoingAway(retry_after=1)
        await self.billing.check(order.client_id)
        now, seconds = time.time(), self.settings.relay.unused.total_seconds()
        # Whoever has a key is a server: neither its address nor its key is that of one who will talk.
        is_server = "key_id" in connection.scope
        session = LiveSession(
            id=order.session_id,
            state=LiveState.CREATED,
            caller=caller_of(connection, order.client_id) if order.client_id else ANYBODY,
            address=line_of(connection.client.host) if connection.client and not is_server else "",
            created_at=now,
            expires_at=now + seconds,
            order=recorded(order),
            client_id=order.client_id,
        )
        made = await self.sessions.create(session, token=token, seconds=seconds)
        log.info("[X.AI LIVE] %s made for client %s", made.id, made.client_id or "-")
        return made

    def bridge(self, session: LiveSession, order: LiveOrder, *, line: LiveLine, tap: Tap | None) -> Bridge:
        """The bridge for a connected session, going on where it was, over the line of its client's key."""
        return Bridge(
            order,
            upstream=line.upstream,
            limits=self._limits(session),
            seats=line.seats,
            log=self.log,
            timings=self.timings,
            tap=tap,
            conversation_id=session.conversation_id,
            counted=partial(self.billing.counted, session.client_id),
        )

    def hello(self, session: LiveSession, *, resume_token: str | None) -> events.Event:
        """What its client hears first; `resumed`: the conversation goes on where it was."""
        order, limits = order_of(session), self._limits(session)
        return events.session(
            session.id,
            resume_token=resume_token,
            resumed=session.conversation_id is not None,
            expires_at=iso(time.time() + limits.session_seconds),
            voice=order.voice,
            sample_rate=order.sample_rate,
            recording=order.record,
            limits={
                "idle_seconds": limits.idle_seconds,
                "session_seconds": limits.session_seconds,
                "message_bytes": limits.message_bytes,
                "messages_per_second": limits.messages_per_second,
                "grace_seconds": self.settings.relay.grace.total_seconds(),
            },
        )

    def _limits(self, session: LiveSession) -> BridgeLimits:
        """Its length counts from its first connection on."""
        relay = self.settings.relay
        used = max(0.0, time.time() - session.opened_at) if session.opened_at else 0.0
        return BridgeLimits(
            idle_seconds=relay.idle.total_seconds(),
            session_seconds=round(max(_SHORTEST_SECONDS, relay.longest.total_seconds() - used), 1),
            message_bytes=relay.message_bytes,
            messages_per_second=relay.messages_per_second,
        )


def new_id() -> str:
    """A session's id: nobody guesses it."""
    return str(uuid4())


def new_token() -> str:
    """A secret that goes into a URL."""
    return secrets.token_urlsafe(_TOKEN_BYTES)
