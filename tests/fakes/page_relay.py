"""As much of a relay as the page at /live needs: its files, POST /sessions, and a socket pumped to the simulator."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
import uvicorn
import websockets
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection

_PAGES = Path(__file__).parents[2] / "web" / "live"


class PageRelay:
    def __init__(self, upstream_url: str, *, key: str | None = None) -> None:
        self._upstream_url, self._key = upstream_url, key
        self.orders: dict[str, Mapping[str, Any]] = {}
        self.conversations: dict[str, str] = {}
        self.app = Starlette(
            routes=[
                Route("/sessions", self._create, methods=["POST"]),
                WebSocketRoute("/ws/{id}", self._serve),
                Mount("/live", StaticFiles(directory=_PAGES, html=True)),
            ]
        )

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            config = uvicorn.Config(self.app, ws="websockets-sansio", log_config=None, log_level="warning")
            config.load()
            server = uvicorn.Server(config)
            server.lifespan = config.lifespan_class(config)
            await server.startup(sockets=[listener])
            try:
                yield listener.getsockname()[1]
            finally:
                await server.shutdown(sockets=[listener])

    async def _create(self, request: Request) -> Response:
        if self._key and request.headers.get("authorization") != f"Bearer {self._key}":
            return JSONResponse({"code": "unauthorized"}, 401)
        id = secrets.token_hex(8)
        self.orders[id] = await request.json()
        return JSONResponse({"session_id": id, "websocket_url": f"/ws/{id}", "expires_at": ""})

    async def _serve(self, browser: WebSocket) -> None:
        id = browser.path_params["id"]
        order = self.orders[id]
        await browser.accept()
        await browser.send_text(
            orjson.dumps(
                {"type": "relay.session", "resume_token": "t", "resumed": False, "limits": {"grace_seconds": 30}}
            ).decode()
        )
        query = f"&conversation_id={self.conversations[id]}" if id in self.conversations else ""
        url = f"{self._upstream_url}?model=grok-voice-latest{query}"
        async with websockets.connect(url, additional_headers={"Authorization": "Bearer good"}) as upstream:
            form = {"format": {"type": "audio/pcm", "rate": order["sample_rate"]}, "transport": "json"}
            session = {
                "voice": order.get("voice", "ara"),
                "instructions": "Answer.",
                "turn_detection": {"type": "server_vad"},
                "audio": {"input": form, "output": form},
                "resumption": {"enabled": True},
            }
            await upstream.send(orjson.dumps({"type": "session.update", "session": session}).decode())
            back = asyncio.create_task(self._back(id, upstream, browser))
            with suppress(WebSocketDisconnect):
                while True:
                    await upstream.send(await browser.receive_text())
            back.cancel()
            await asyncio.wait([back])

    async def _back(self, id: str, upstream: ClientConnection, browser: WebSocket) -> None:
        async for frame in upstream:
            text = frame if isinstance(frame, str) else ""
            event = orjson.loads(text)
            if event["type"] == "conversation.created":
                self.conversations[id] = event["conversation"]["id"]
            await browser.send_text(text)
