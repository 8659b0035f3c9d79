"""The `openai` SDK's realtime client through the relay: a turn by text and a turn by voice, as its users write them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from tests.fakes.listening import is_speech
from tests.fakes.relays import Relays, relays
from tests.fakes.sounds import silence, voiced

pytestmark = pytest.mark.integration

KEY = "testing-caller-key"
_CHUNK = 4_800


@pytest.fixture(scope="module")
def relay() -> Iterator[Relays]:
    with relays(1, RECITE_API_KEYS=KEY) as running:
        yield running


@pytest.fixture
async def connection(relay: Relays) -> AsyncIterator[AsyncRealtimeConnection]:
    client = AsyncOpenAI(api_key=KEY, base_url=f"{relay.urls[0]}/v1")
    async with client, client.realtime.connect(model="gpt-realtime") as opened:
        yield opened


async def until(connection: AsyncRealtimeConnection, kind: str) -> list[Any]:
    """Every event up to and with the next one of a type."""
    events: list[Any] = []
    async with asyncio.timeout(20):
        async for event in connection:
            events.append(event)
            if event.type == kind:
                return events
    raise AssertionError(f"closed before {kind}")


def answer(events: list[Any]) -> bytes:
    return b"".join(base64.b64decode(event.delta) for event in events if event.type == "response.output_audio.delta")


async def test_a_turn_by_text(connection: AsyncRealtimeConnection) -> None:
    await connection.session.update(
        session={"type": "realtime", "instructions": "Be brief.", "audio": {"output": {"voice": "rex"}}}
    )
    await connection.conversation.item.create(
        item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Say hello."}]}
    )
    await connection.response.create()

    events = await until(connection, "response.done")

    assert is_speech(answer(events), rate=24_000)
    assert "".join(event.delta for event in events if event.type == "response.output_audio_transcript.delta")
    assert events[-1].response.status == "completed"
    updated = [event for event in events if event.type == "session.updated"]
    assert updated[-1].session.instructions == "Be brief."
    assert updated[-1].session.voice == "xai_rex"


async def test_a_turn_by_voice(connection: AsyncRealtimeConnection) -> None:
    await until(connection, "session.updated")
    pcm = silence(0.5) + voiced("Could you tell me what the weather is like today?") + silence(1)
    for start in range(0, len(pcm), _CHUNK):
        await connection.input_audio_buffer.append(audio=base64.b64encode(pcm[start : start + _CHUNK]).decode())

    events = await until(connection, "response.done")

    kinds = [event.type for event in events]
    assert kinds.index("input_audio_buffer.speech_started") < kinds.index("input_audio_buffer.speech_stopped")
    assert is_speech(answer(events), rate=24_000)
    assert events[-1].response.status == "completed"
