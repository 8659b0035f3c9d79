"""The pool over real sockets: sessions reused, replaced, cancelled and closed, as the server sees it."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from speech.errors import UpstreamUnreachable
from speech.ports import Delivery, Spoken
from tests.fakes.scripted_upstream import PCM, ScriptedUpstream, Wire, reader, utterance
from xai.alone import OwnBreaker, OwnSeats
from xai.client import RealtimeClient
from xai.pool import SessionPool
from xai.tokens import KeyBearer

pytestmark = pytest.mark.integration

ARA = Delivery(voice="ara", speed=1.0, language="auto", pronunciations=(), speak_mode="force_message")
REX = Delivery(voice="rex", speed=1.0, language="auto", pronunciations=(), speak_mode="force_message")


@asynccontextmanager
async def pool_at(upstream: ScriptedUpstream, *, max_sessions: int = 10) -> AsyncIterator[SessionPool]:
    async with upstream.running():
        opener = RealtimeClient(upstream.url, model="grok-voice-latest", bearers=KeyBearer("xai-key"))
        async with SessionPool(opener, seats=OwnSeats(max_sessions), breaker=OwnBreaker()) as pool:
            yield pool
        await upstream.until_closed(0)


async def speak(pool: SessionPool, text: str = "Good morning", delivery: Delivery = ARA) -> tuple[Spoken, bytes]:
    heard = bytearray()

    async def listen(pcm: bytes) -> None:
        heard.extend(pcm)

    spoken = await pool.speak(text, delivery=delivery, on_audio=listen)
    return spoken, bytes(heard)


async def test_one_socket_for_many_utterances() -> None:
    upstream = ScriptedUpstream(reader)
    async with pool_at(upstream) as pool:
        for _ in range(5):
            assert await speak(pool) == (Spoken(speak_mode="force_message", transcript="Hello"), PCM)
    assert len(upstream.handshakes) == 1


async def test_no_more_sockets_than_allowed_whatever_is_asked_for() -> None:
    upstream = ScriptedUpstream(reader)
    async with pool_at(upstream, max_sessions=3) as pool:
        answers = await asyncio.gather(*(speak(pool, f"{n}", (ARA, REX)[n % 2]) for n in range(40)))
        assert all(pcm == PCM for _, pcm in answers)
    assert upstream.most_open == 3


async def test_a_socket_that_closed_after_its_last_utterance_is_replaced() -> None:
    async def once(wire: Wire) -> None:
        await wire.configure()
        await wire.take()
        await wire.say(*utterance("r1"))

    upstream = ScriptedUpstream(once)
    async with pool_at(upstream, max_sessions=1) as pool:
        for _ in range(3):
            assert (await speak(pool))[1] == PCM
        await upstream.until_closed(0)
        assert (await speak(pool))[1] == PCM
    assert len(upstream.handshakes) == 4


async def test_a_socket_that_closes_when_it_is_used_again_is_replaced() -> None:
    async def once(wire: Wire) -> None:
        await wire.configure()
        await wire.take()
        await wire.say(*utterance("r1"))
        await wire.take()

    upstream = ScriptedUpstream(once)
    async with pool_at(upstream, max_sessions=1) as pool:
        for _ in range(3):
            assert (await speak(pool))[1] == PCM
    assert len(upstream.handshakes) == 3


async def test_a_new_socket_that_closes_at_once_is_an_error() -> None:
    async def never(wire: Wire) -> None:
        await wire.configure()
        await wire.take()

    upstream = ScriptedUpstream(never)
    async with pool_at(upstream) as pool:
        with pytest.raises(UpstreamUnreachable):
            await speak(pool)
    assert len(upstream.handshakes) == 1


async def test_a_cancelled_utterance_is_cancelled_at_the_server_and_its_socket_closed() -> None:
    async def endless(wire: Wire) -> None:
        await wire.configure()
        await wire.take()
        await wire.say(*utterance("r1")[:6])
        await wire.take()

    upstream = ScriptedUpstream(endless)
    async with pool_at(upstream) as pool:
        begun = asyncio.Event()

        async def listen(pcm: bytes) -> None:
            begun.set()

        task = asyncio.create_task(pool.speak("Good morning", delivery=ARA, on_audio=listen))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await upstream.until_closed(0)
    assert upstream.received[-1] == {"type": "response.cancel", "response_id": "r1"}


async def test_a_server_without_force_message_is_spoken_to_in_the_next_way() -> None:
    async def older(wire: Wire) -> None:
        await wire.configure()
        while True:
            event = await wire.take()
            if event.get("item", {}).get("type") == "force_message":
                details = {"type": "invalid_request_error", "code": None, "message": "Unknown item type"}
                await wire.say({"type": "error", "error": details})
            if event["type"] == "response.create":
                await wire.say(*utterance(f"r{len(wire.received)}"))

    upstream = ScriptedUpstream(older)
    async with pool_at(upstream) as pool:
        assert [(await speak(pool))[0].speak_mode for _ in range(3)] == ["instructed"] * 3
    kinds = [event["type"] for event in upstream.received]
    assert kinds.count("conversation.item.create") == 4
    assert len(upstream.handshakes) == 1


async def test_a_server_that_knows_only_the_older_dialect() -> None:
    async def oldest(wire: Wire) -> None:
        await wire.configure()
        while True:
            event = await wire.take()
            if event["type"] != "user.text":
                await wire.say({"type": "error", "code": "unknown_event", "message": "Unknown event", "params": None})
            else:
                sound = base64.b64encode(PCM).decode()
                await wire.say({"type": "assistant.audio", "audio": sound}, {"type": "assistant.audio.done"})

    upstream = ScriptedUpstream(oldest)
    async with pool_at(upstream) as pool:
        for _ in range(3):
            assert await speak(pool) == (Spoken(speak_mode="user_text", transcript=None), PCM)
    assert [event["type"] for event in upstream.received].count("user.text") == 3
    assert len(upstream.received) == 8


async def test_a_warm_session_adds_little_to_the_wire() -> None:
    upstream = ScriptedUpstream(reader)
    async with pool_at(upstream) as pool:
        await speak(pool)
        took = []
        for _ in range(20):
            began = time.perf_counter()
            await speak(pool)
            took.append(time.perf_counter() - began)
        assert sorted(took)[10] < 0.02
