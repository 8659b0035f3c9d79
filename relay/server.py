"""The relay's server: told to stop, it lets the sessions end before their sockets are closed."""

from __future__ import annotations

import asyncio
import logging
import socket
from types import FrameType

import uvicorn

from relay import closes
from relay.services import Services

log = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """One app whose lifespan keeps its Services in its state. A second signal ends everything at once."""

    def __init__(self, config: uvicorn.Config, *, grace_seconds: float) -> None:
        super().__init__(config)
        self._grace_seconds = grace_seconds
        self._drain: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Says where it listens, once it does."""
        await super().startup(sockets)
        log.info("live voice on %s port %d", self.config.host, self.config.port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answers on, but begins nothing new, until the sessions have ended; then stops as usual."""
        services: Services | None = self.lifespan.state.get("services")
        if services is not None:
            if not self.force_exit:
                self._drain = asyncio.create_task(services.hub.drain(seconds=self._grace_seconds))
                await asyncio.wait([self._drain])
            services.hub.end_all(closes.GOING_AWAY)
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal asks to stop, the second one to stop now."""
        if self.should_exit:
            self.force_exit = True
            if self._drain:
                self._drain.get_loop().call_soon_threadsafe(self._drain.cancel)
        super().handle_exit(sig, frame)
