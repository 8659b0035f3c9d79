"""Relay processes on one Redis, with the simulator behind them, and a client that reads what they send."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import websockets

from tests.fakes.programs import AT_ONCE, SECRET, Program, Programs
from tests.fakes.raw_realtime import Event, RawRealtime
from tests.fakes.services import LOOPBACK, RedisServer, free_port, redis_server

UPSTREAM_KEY = "testing-key-that-must-not-show"


@dataclass
class Relays(Programs):
    """Running relays; `urls` are their addresses."""

    redis: RedisServer
    urls: list[str]

    def start_relay(self, name: str, **environment: str) -> tuple[Program, str]:
        """Starts one more and waits until it answers; its address."""
        port = free_port()
        program = self.start(name, "relay", PORT=str(port), **environment)
        url = f"http://{LOOPBACK}:{port}"
        self.wait(lambda: httpx.get(f"{url}/health").status_code == 200)
        return program, url

    def client(self, number: int = 0, **options: Any) -> httpx.AsyncClient:
        """A client of one relay's REST calls."""
        return httpx.AsyncClient(**{"base_url": self.urls[number], "timeout": 10, **options})

    def upstream_sessions(self) -> int:
        """How many sessions the simulator has open."""
        stats = self.control("GET", "stats")
        opened: int = stats["open"]
        return opened


@contextmanager
def relays(count: int = 2, **settings: str) -> Iterator[Relays]:
    """So many relays, without delays unless the settings say otherwise."""
    with ExitStack() as exits:
        redis = exits.enter_context(redis_server())
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="recite-testing-")))
        port = free_port()
        running = Relays(
            folder=folder,
            redis=redis,
            urls=[],
            simulator_port=port,
            settings={
                **AT_ONCE,
                "RECITE_SECRET": SECRET,
                "SIMULATOR_PORT": str(port),
                "REDIS_URL": redis.url,
                "API_URL": f"ws://{LOOPBACK}:{port}/v1/realtime",
                "XAI_REST_URL": f"http://{LOOPBACK}:{port}/v1",
                "XAI_API_KEY": UPSTREAM_KEY,
                # Nothing listens there: whoever needs clients gives a bucket.
                "S3_ENDPOINT_URL": f"http://{LOOPBACK}:{free_port()}",
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing-secret",
                **settings,
            },
        )
        exits.callback(running.end)
        running.start_simulator()
        for number in range(count):
            running.urls.append(running.start_relay(f"relay-{number}")[1])
        yield running


class Talk(RawRealtime):
    """A client's connection through a relay."""

    hello: Event

    @property
    def resume_token(self) -> str:
        """By which it can come back."""
        token: str = self.hello["resume_token"]
        return token

    async def ask(self, text: str) -> list[Event]:
        """One turn by text, to its end."""
        await self.say(text)
        await self.send("response.create")
        return await self.until("response.done")


@asynccontextmanager
async def talking(url: str, path: str, **options: Any) -> AsyncIterator[Talk]:
    """Connects and reads what comes first; the upstream need not be there yet."""
    address = f"{url.replace('http', 'ws', 1)}{path}"
    async with websockets.connect(address, compression=None, max_size=4 * 1024 * 1024, **options) as connection:
        talk = Talk(connection)
        talk.hello = await talk.receive()
        yield talk


async def made(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    """A new session."""
    answer = await client.post("/sessions", json=body)
    assert answer.status_code == 200, answer.text
    session: dict[str, Any] = answer.json()
    return session
