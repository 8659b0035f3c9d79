"""The client over real sockets: what a handshake sends and means, and how one utterance goes well or badly."""

from __future__ import annotations

import asyncio
import logging
import socket
import traceback
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from speech.errors import (
    KeyRejected,
    NoAudio,
    TextRefused,
    UpstreamBusy,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from tests.fakes.scripted_upstream import PCM, Event, Script, ScriptedUpstream, Wire, reader, utterance
from xai.client import RealtimeClient, RealtimeSession
from xai.session import SessionSettings
from xai.tokens import KeyBearer

pytestmark = pytest.mark.integration

KEY = "xai-very-secret-key"
SETTINGS = SessionSettings(voice="ara", speed=1.0, language="auto", pronunciations=())


def client(url: str, *, open_seconds: float = 5.0) -> RealtimeClient:
    return RealtimeClient(url, model="grok-voice-latest", bearers=KeyBearer(KEY), open_seconds=open_seconds)


async def speak(session: RealtimeSession, text: str = "Good morning", *, seconds: float = 5.0) -> bytes:
    heard = bytearray()

    async def listen(pcm: bytes) -> None:
        heard.extend(pcm)

    await session.speak(text, mode="force_message", on_audio=listen, seconds=seconds)
    return bytes(heard)


def refusing(status: int, body: bytes = b"", *, retry_after: str | None = None) -> Callable[[Request], Response]:
    fields = Headers({"Content-Length": str(len(body)), **({"Retry-After": retry_after} if retry_after else {})})
    return lambda _: Response(status, HTTPStatus(status).phrase, fields, body)


async def test_a_session_is_set_and_speaks_twice_over_one_socket() -> None:
    async with ScriptedUpstream(reader).running() as upstream:
        session = await client(f"{upstream.url}?reasoning.effort=none&model=old").open(SETTINGS)
        assert await speak(session) == PCM
        assert await speak(session, "Good night") == PCM
        await session.close()
        await upstream.until_closed(0)

    [handshake] = upstream.handshakes
    assert parse_qs(urlsplit(handshake.path).query) == {"model": ["grok-voice-latest"], "reasoning.effort": ["none"]}
    assert handshake.headers["Authorization"] == f"Bearer {KEY}"
    assert "Sec-WebSocket-Extensions" not in handshake.headers
    assert [event["type"] for event in upstream.received] == [
        "session.update",
        "conversation.item.create",
        "conversation.item.create",
    ]


@pytest.mark.parametrize(
    ("refuse", "expected", "retry_after"),
    [
        (refusing(401), KeyRejected, None),
        (refusing(403), KeyRejected, None),
        (refusing(400, b'{"error":"Incorrect API key provided"}'), KeyRejected, None),
        (refusing(400, b'{"error":"Unknown model"}'), UpstreamUnreachable, None),
        (refusing(429, retry_after="7"), UpstreamBusy, 7.0),
        (refusing(429, retry_after="Thu, 01 Jan 1970 00:00:00 GMT"), UpstreamBusy, 0.0),
        (refusing(503), UpstreamUnreachable, None),
    ],
)
async def test_a_refused_handshake(
    refuse: Callable[[Request], Response], expected: type[UpstreamError], retry_after: float | None
) -> None:
    async with ScriptedUpstream(reader, refuse=refuse).running() as upstream:
        with pytest.raises(expected) as caught:
            await client(upstream.url).open(SETTINGS)
    assert caught.value.retry_after == retry_after
    assert KEY not in "".join(traceback.format_exception(caught.value))


async def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UpstreamUnreachable, match="refused"):
        await client(f"ws://127.0.0.1:{port}").open(SETTINGS)
    with pytest.raises(UpstreamUnreachable, match="host name"):
        await client("ws://nowhere.invalid").open(SETTINGS)


async def test_nobody_speaks_tls() -> None:
    async with ScriptedUpstream(reader).running() as upstream:
        with pytest.raises(UpstreamUnreachable):
            await client(upstream.url.replace("ws:", "wss:")).open(SETTINGS)


async def test_a_handshake_that_is_never_answered() -> None:
    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(ignore, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(UpstreamTimeout):
            await client(f"ws://127.0.0.1:{port}", open_seconds=0.05).open(SETTINGS)


async def test_settings_that_are_never_confirmed() -> None:
    async def mute(wire: Wire) -> None:
        await wire.take()
        await wire.connection.wait_closed()

    async with ScriptedUpstream(mute).running() as upstream:
        with pytest.raises(UpstreamTimeout):
            await client(upstream.url, open_seconds=0.05).open(SETTINGS)
        await upstream.until_closed(0)


@pytest.mark.parametrize("answer", [{"type": "session.updated", "session": {"voice": "xai_rex"}}, {"type": "error"}])
async def test_settings_that_are_refused(answer: Event) -> None:
    async def stubborn(wire: Wire) -> None:
        await wire.take()
        await wire.say(answer)
        await wire.connection.wait_closed()

    async with ScriptedUpstream(stubborn).running() as upstream:
        with pytest.raises(UpstreamError):
            await client(upstream.url).open(SETTINGS)
        await upstream.until_closed(0)


def _dropping(*frames: Event, code: int | None) -> Script:
    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.take()
        await wire.say(*frames)
        if code is None:
            wire.connection.transport.abort()
        else:
            await wire.connection.close(code)

    return script


BEGUN = utterance("r1")[:6]
REFUSED: Event = {"type": "error", "code": "content_policy_violation", "message": "no"}
INCOMPLETE: Event = {"type": "response.done", "response": {"id": "r1", "status": "incomplete"}}


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (_dropping(*BEGUN, code=None), UpstreamUnreachable),
        (_dropping(*BEGUN, code=1000), UpstreamUnreachable),
        (_dropping(*BEGUN, code=1011), UpstreamUnreachable),
        (_dropping(*BEGUN, code=4321), UpstreamUnreachable),
        (_dropping(*BEGUN, INCOMPLETE, code=1000), NoAudio),
        (_dropping(REFUSED, code=1000), TextRefused),
    ],
)
async def test_an_utterance_that_goes_wrong(script: Script, expected: type[UpstreamError]) -> None:
    async with ScriptedUpstream(script).running() as upstream:
        session = await client(upstream.url).open(SETTINGS)
        with pytest.raises(expected):
            await speak(session)
        assert not session.usable
        await session.close()


async def test_a_stall_ends_at_the_deadline() -> None:
    async def stall(wire: Wire) -> None:
        await wire.configure()
        await wire.take()
        await wire.say(*BEGUN)
        await wire.take()

    async with ScriptedUpstream(stall).running() as upstream:
        session = await client(upstream.url).open(SETTINGS)
        with pytest.raises(UpstreamTimeout):
            await speak(session, seconds=0.05)
        assert not session.usable
        await session.close()
        await upstream.until_closed(0)
    assert upstream.received[-1] == {"type": "response.cancel", "response_id": "r1"}


async def test_an_event_of_many_mebibytes() -> None:
    large = bytes(6 * 1024 * 1024)

    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.take()
        await wire.say(*utterance("r1", pcm=large, chunk=len(large)))
        await wire.connection.wait_closed()

    async with ScriptedUpstream(script).running() as upstream:
        session = await client(upstream.url).open(SETTINGS)
        assert await speak(session) == large
        await session.close()


async def test_a_resting_session_reads_on_and_notices_its_end() -> None:
    pinged, hang_up = asyncio.Event(), asyncio.Event()

    async def pinging(wire: Wire) -> None:
        await wire.configure()
        await wire.say(*[{"type": "ping", "timestamp": n} for n in range(100)])
        pong = await wire.connection.ping()
        await pong
        pinged.set()
        await wire.take()
        await wire.say(*utterance("r1"))
        await hang_up.wait()

    async with ScriptedUpstream(pinging).running() as upstream:
        session = await client(upstream.url).open(SETTINGS)
        lost = asyncio.Event()
        session.rest(lost.set)
        await pinged.wait()
        assert await speak(session) == PCM
        session.rest(lost.set)
        hang_up.set()
        await lost.wait()
        assert not session.usable
        await session.close()


async def test_a_session_that_is_sent_to_rest_twice_speaks_again() -> None:
    async with ScriptedUpstream(reader).running() as upstream:
        session = await client(upstream.url).open(SETTINGS)
        for _ in range(2):
            session.rest(lambda: None)
            # Whoever is to read has begun to.
            await asyncio.sleep(0)
        assert await speak(session) == PCM
        await session.close()


async def test_cancelling_an_open_leaves_no_connection() -> None:
    asked = asyncio.Event()

    async def mute(wire: Wire) -> None:
        await wire.take()
        asked.set()
        await wire.connection.wait_closed()

    async with ScriptedUpstream(mute).running() as upstream:
        task = asyncio.create_task(client(upstream.url).open(SETTINGS))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await upstream.until_closed(0)


class Tokens:
    """Bearers that are turned down in turn."""

    def __init__(self, *values: str) -> None:
        self.values = list(values)

    async def bearer(self) -> str:
        return self.values[0]

    def rejected(self, bearer: str) -> bool:
        self.values.remove(bearer)
        return bool(self.values)

    async def aclose(self) -> None:
        """Nothing is under way."""


@pytest.mark.parametrize(
    ("values", "opens"), [(["old", "new"], True), (["old", "older", "new"], True), (["old", "older"], False)]
)
async def test_a_rejected_token_is_replaced_while_there_are_others(values: list[str], opens: bool) -> None:
    def refuse(request: Request) -> Response | None:
        return None if request.headers["Authorization"] == "Bearer new" else refusing(401)(request)

    async with ScriptedUpstream(reader, refuse=refuse).running() as upstream:
        opener = RealtimeClient(upstream.url, model="m", bearers=Tokens(*values))
        if opens:
            await (await opener.open(SETTINGS)).close()
        else:
            with pytest.raises(KeyRejected):
                await opener.open(SETTINGS)
        assert len(upstream.handshakes) == len(values)


async def test_neither_key_nor_text_nor_audio_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with ScriptedUpstream(reader).running() as upstream:
        opener = client(upstream.url)
        session = await opener.open(SETTINGS)
        await speak(session, "A very private text")
        await session.close()
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("xai"))
    assert "[X.AI TTS]" in ours
    assert "TEXT" not in ours
    assert KEY not in f"{ours} {opener!r} {vars(opener)} {session!r}"
    assert "private" not in ours


@pytest.mark.parametrize("url", ["https://api.x.ai/v1/realtime", "wss://", "api.x.ai"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match="API_URL"):
        client(url)
