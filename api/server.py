"""The HTTP server: told to stop, it lets go whoever waits before it waits for them."""

from __future__ import annotations

import socket

import uvicorn

from api.services import Services


class Server(uvicorn.Server):
    """One app whose lifespan keeps its Services in its state."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends what waits for jobs to change: it could last until they end."""
        services: Services | None = self.lifespan.state.get("services")
        if services is not None:
            await services.watch.close()
        await super().shutdown(sockets)
