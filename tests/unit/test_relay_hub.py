"""Who serves a session when its client has more than one connection, and what strangers bring about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest
from starlette.types import Message

from relay import closes
from relay.bridge import Bridge, Outcome
from relay.client import Client
from relay.closes import Closing
from relay.hub import Hub
from relay.routes.live_socket import LiveSocket
from relay.socket_client import ABORT
from speech.errors import BadToken, Unavailable
from speech.live_ports import Pulse
from speech.live_session import LiveSession, LiveState

pytestmark = pytest.mark.unit


class Records:
    """Implements speech.live_ports.LiveSessions as far as it is used here; `answers` are what connecting meets."""

    def __init__(self, *answers: Exception) -> None:
        self.answers = list(answers)
        self.told: list[tuple[str, str]] = []

    async def create(self, session: LiveSession, *, token: str | None, seconds: float) -> LiveSession:
        return session

    async def connect(self, id: str, *, token: str | None, next_token: str) -> LiveSession:
        raise self.answers.pop(0)

    async def pulse(self, pulses: Sequence[Pulse]) -> set[str]:
        return set()

    async def detach(self, id: str, *, conversation_id: str | None) -> None:
        self.told.append(("detach", id))

    async def end(self, id: str, *, by_owner: bool = False) -> None:
        self.told.append(("end", id))

    async def call(self, id: str) -> None:
        self.told.append(("call", id))

    async def is_alive(self, id: str) -> bool:
        return True

    async def sessions(self) -> list[LiveSession]:
        return []

    async def count(self) -> int:
        return 0

    async def follow(self, on_call: Callable[[str, bool], None]) -> None:
        await asyncio.Event().wait()


class Talk:
    """A bridge that runs until it is ended."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.ended: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()

    async def run(self, client: Client, *, hello: Mapping[str, Any], may_return: bool) -> Outcome:
        self.began.set()
        closing = await self.ended
        return Outcome(closing=closing, conversation_id=None, resumable=closing in closes.RESUMABLE)

    def end(self, closing: Closing) -> None:
        self.ended.set_result(closing)

    def figures(self) -> dict[str, int]:
        return {"messages_in": id(self)}


SESSION = LiveSession(
    id="one", state=LiveState.OPEN, caller="", address="", created_at=0, expires_at=0, order={"voice": "ara"}
)


async def test_the_latest_connection_has_the_session_and_the_one_before_says_nothing_more_of_it() -> None:
    records = Records()
    hub = Hub(records)
    old, new = Talk(), Talk()

    def serve(talk: Talk) -> asyncio.Task[None]:
        bridge, client = cast(Bridge, talk), cast(Client, None)
        return asyncio.create_task(hub.serve(SESSION, bridge, client, hello={}, is_resumable=True))

    first = serve(old)
    await old.began.wait()
    second = serve(new)
    await first
    assert old.ended.result() is closes.IN_USE
    assert records.told == []
    assert hub.figures("one") == new.figures()
    new.end(closes.CLIENT_LOST)
    await second
    assert records.told == [("detach", "one")]
    assert len(hub) == 0


async def test_a_stranger_calls_nobody_away_while_redis_is_away() -> None:
    records = Records(Unavailable("redis"), BadToken())
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        said.append(message)

    scope = {
        "type": "websocket",
        "path_params": {"session_id": "one"},
        "query_string": b"token=guessed",
        "headers": [],
        "extensions": {ABORT: lambda: None},
        "state": {"services": SimpleNamespace(hub=Hub(records), sessions=records)},
    }
    await LiveSocket()(scope, receive, send)
    assert records.answers == []
    assert orjson.loads(said[1]["text"])["reason"] == "bad_token"
    assert records.told == []
