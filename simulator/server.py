"""The simulator as a server: its routes on one port, run by uvicorn or inside a test's own event loop."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from simulator import chat, control, door, rest
from simulator.options import Options
from simulator.upstream import Upstream
from simulator.voice import speak


class Simulator:
    """A stand-in xAI. `upstream` has its options, counters and planned faults, for whoever runs it in-process.

    `clock` gives Unix seconds and decides when tokens expire.
    """

    def __init__(self, options: Options | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self.upstream = Upstream(options or Options(), clock=clock)
        self.app = Starlette(
            routes=[
                WebSocketRoute("/v1/realtime", self._realtime),
                Route("/v1/realtime/client_secrets", rest.create_client_secret, methods=["POST"]),
                Route("/v1/tts/voices", rest.list_voices, methods=["GET"]),
                Route("/v1/chat/completions", chat.complete, methods=["POST"]),
                Route("/v1/models", chat.list_models, methods=["GET"]),
                Route("/health", _health, methods=["GET"]),
                *control.ROUTES,
            ],
            exception_handlers={ValueError: control.refuse_input},
            lifespan=self._lifespan,
        )
        self.app.state.upstream = self.upstream

    def config(self, *, host: str, port: int) -> uvicorn.Config:
        """How uvicorn serves it: no compression, as xAI, and large frames."""
        logging.getLogger("uvicorn.error").addFilter(_is_news)
        return uvicorn.Config(
            self.app,
            host=host,
            port=port,
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            access_log=False,
            log_config=None,
            log_level="warning",
            timeout_graceful_shutdown=2,
        )

    @asynccontextmanager
    async def serving(self, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
        """Serves in the running loop for as long as the block runs; the port (0: a free one)."""
        with socket.create_server((host, port)) as listener:
            config = self.config(host=host, port=port)
            config.load()
            server = uvicorn.Server(config)
            server.lifespan = config.lifespan_class(config)
            await server.startup(sockets=[listener])
            try:
                yield listener.getsockname()[1]
            finally:
                await server.shutdown(sockets=[listener])

    async def _realtime(self, websocket: WebSocket) -> None:
        await door.serve(websocket, self.upstream)

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        # The first sentence loads eSpeak, its dictionary and the resampler; nobody should wait for that.
        await asyncio.get_running_loop().run_in_executor(self.upstream.voices, _warm_up)
        yield
        self.upstream.voices.shutdown()


def _is_news(record: logging.LogRecord) -> bool:
    # uvicorn says the first of every refused handshake, although it sent the refusal, and the other of a chat cut off
    return record.msg not in (
        "ASGI callable returned without completing handshake.",
        "ASGI callable returned without completing response.",
    )


def _warm_up() -> None:
    speak("Ready.", voice="ara")


async def _health(_request: Request) -> JSONResponse:
    return JSONResponse({"status": "healthy"})
