"""What a listener's connection gets: the sound, a break, another answer, or nothing because nobody is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import Response

from api.live.answer import LiveAnswer, Stage
from api.live.tape import Tape
from front.problems import install_problems
from speech.errors import NotFinished, Unavailable

pytestmark = pytest.mark.unit


class Connection:
    """An ASGI server's side of one request; `leave` is the client's."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self._left = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    def leave(self) -> None:
        self._left.set()

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def is_complete(self) -> bool:
        return bool(self.sent) and self.sent[-1].get("more_body") is False


class OneTape:
    """A stage on which one tape is heard, or nothing."""

    def __init__(self, tape: Tape | None) -> None:
        self.listeners = 0
        self._tape = tape

    @asynccontextmanager
    async def listen(self, name: str) -> AsyncIterator[Tape | None]:
        self.listeners += 1
        try:
            yield self._tape
        finally:
            self.listeners -= 1


def answer(stage: Stage, *, seconds: float = 5) -> LiveAnswer:
    async def otherwise() -> Response:
        return Response(b"the finished one")

    return LiveAnswer(
        stage, "ara-0.wav", seconds=seconds, otherwise=otherwise, headers={"X-Any": "1"}, media_type="audio/wav"
    )


def begin(stage: OneTape, connection: Connection) -> asyncio.Task[None]:
    return asyncio.create_task(answer(stage)({"type": "http"}, connection.receive, connection.send))


@pytest.fixture
def tape() -> Iterator[Tape]:
    tape = Tape()
    yield tape
    tape.close()


async def some_turns() -> None:
    """Lets everything happen that waits for nothing."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_headers_are_held_until_there_is_sound(tape: Tape) -> None:
    connection = Connection()
    task = begin(OneTape(tape), connection)
    await some_turns()
    assert not connection.sent
    tape.append(b"sound")
    tape.end()
    await task
    headers = dict(connection.sent[0]["headers"])
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"content-type"] == b"audio/wav"
    assert b"content-length" not in headers
    assert (connection.body, connection.is_complete) == (b"sound", True)


async def test_what_is_cut_off_stays_incomplete(tape: Tape) -> None:
    stage, connection = OneTape(tape), Connection()
    task = begin(stage, connection)
    tape.append(b"half")
    await some_turns()
    tape.cut()
    await task
    assert (connection.body, connection.is_complete, stage.listeners) == (b"half", False, 0)


@pytest.mark.parametrize("is_made", [True, False])
async def test_without_live_sound_there_is_another_answer(tape: Tape, is_made: bool) -> None:
    connection = Connection()
    tape.cut()
    await begin(OneTape(tape if is_made else None), connection)
    assert connection.body == b"the finished one"


async def test_nobody_waits_for_ever(tape: Tape) -> None:
    connection = Connection()
    with pytest.raises(NotFinished) as raised:
        await answer(OneTape(tape), seconds=0)({"type": "http"}, connection.receive, connection.send)
    assert raised.value.retry_after
    assert not connection.sent


class NoRoom:
    """A stage on a machine whose disk is full."""

    @asynccontextmanager
    async def listen(self, name: str) -> AsyncIterator[Tape | None]:
        raise Unavailable("disk")
        yield


async def test_a_machine_without_room_says_when_to_come_back() -> None:
    app = FastAPI()
    install_problems(app)
    app.add_api_route("/audio", lambda: answer(NoRoom()), response_class=Response)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://recite") as client:
        response = await client.get("/audio")
    assert (response.status_code, response.headers["content-type"]) == (503, "application/problem+json")
    assert (response.json()["code"], response.headers["retry-after"]) == ("unavailable", "2")


@pytest.mark.parametrize("sound", [b"", b"some"])
async def test_who_leaves_is_let_go_at_once(tape: Tape, sound: bytes) -> None:
    stage, connection = OneTape(tape), Connection()
    task = begin(stage, connection)
    tape.append(sound)
    await some_turns()
    assert stage.listeners == 1
    connection.leave()
    await task
    assert (stage.listeners, connection.is_complete) == (0, False)
