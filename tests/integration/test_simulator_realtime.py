"""The simulator's realtime protocol as a raw client sees it: order, ways to speak, forms, quirks and refusals."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from simulator.quirks import Quirk
from tests.fakes.listening import is_speech, loudness, median_pitch
from tests.fakes.raw_realtime import Event, RawRealtime, audio_of, raw_realtime, types_of, words_of
from tests.fakes.simulator import RunningSimulator, running_simulator

pytestmark = pytest.mark.integration

TEXT = "The quick brown fox jumps over the lazy dog. It is raining again."
READ = "Read the user's message aloud, word for word."
LIFECYCLE = [
    "response.created",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_audio.delta",
    "response.output_audio_transcript.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.done",
]


@pytest.fixture
async def simulator() -> AsyncIterator[RunningSimulator]:
    async with running_simulator() as running:
        yield running


@pytest.fixture
async def client(simulator: RunningSimulator) -> AsyncIterator[RawRealtime]:
    async with raw_realtime(simulator.realtime_url) as opened:
        yield opened


def _first_seen(events: list[Event]) -> list[str]:
    return list(dict.fromkeys(event["type"] for event in events))


async def test_opens_in_the_documented_order(client: RawRealtime) -> None:
    assert types_of(client.events) == ["session.created", "conversation.created"]
    assert client.events[0]["session"]["model"] == "grok-voice-latest"
    updated = await client.update(voice="rex", model="another")
    assert (updated["type"], updated["session"]["voice"]) == ("session.updated", "rex")
    assert updated["session"]["model"] == "grok-voice-latest"


async def test_a_forced_message_is_spoken_verbatim_in_the_documented_order(client: RawRealtime) -> None:
    await client.update(voice="ara")
    events = await client.speak(TEXT)
    assert _first_seen(events) == ["conversation.item.added", *LIFECYCLE]
    assert words_of(events) == TEXT
    pcm = audio_of(events)
    assert is_speech(pcm, rate=24_000)
    assert 12 <= len(TEXT) / (len(pcm) / 48_000) <= 18
    assert events[-1]["response"]["status"] == "completed"
    assert events[-1]["response"]["usage"]["output_tokens"] > 0


async def test_words_come_between_the_audio(client: RawRealtime) -> None:
    kinds = [event["type"].rsplit(".", 2)[1] for event in await client.speak(TEXT) if event["type"].endswith("delta")]
    switches = sum(one != other for one, other in pairwise(kinds))
    assert switches > 5


async def test_a_socket_speaks_many_utterances(client: RawRealtime, simulator: RunningSimulator) -> None:
    ids = {(await client.speak(f"Sentence number {number}."))[-1]["response"]["id"] for number in range(3)}
    assert len(ids) == 3
    assert (simulator.stats.utterances, simulator.stats.completed, simulator.stats.opened) == (3, 3, 1)
    assert simulator.times_spoken("Sentence number 1.") == 1


async def test_a_message_is_read_when_the_response_is_told_to(client: RawRealtime) -> None:
    await client.say(TEXT)
    await client.send("response.create", response={"instructions": READ, "metadata": {"k": "v"}})
    events = await client.until("response.done")
    assert words_of(events) == TEXT
    assert events[-1]["response"]["metadata"] == {"k": "v"}


async def test_an_ordinary_message_is_answered_not_read(client: RawRealtime) -> None:
    await client.say(TEXT)
    await client.send("response.create")
    events = await client.until("response.done")
    assert words_of(events)
    assert "fox" not in words_of(events)
    assert is_speech(audio_of(events), rate=24_000)


async def test_the_seeds_dialect_speaks_without_announcing(client: RawRealtime, simulator: RunningSimulator) -> None:
    await client.send("user.text", text=TEXT)
    events = await client.until("response.done")
    assert _first_seen(events) == ["assistant.audio", "assistant.audio.done", "response.done"]
    pcm = b"".join(base64.b64decode(event["audio"]) for event in events if event["type"] == "assistant.audio")
    assert is_speech(pcm, rate=24_000)
    assert simulator.stats.speak_modes == {"user_text": 1}


@pytest.mark.parametrize(
    ("mode", "code"), [("force_message", "unsupported_item_type"), ("user_text", "unknown_event_type")]
)
async def test_a_server_may_lack_a_way_to_speak(simulator: RunningSimulator, mode: str, code: str) -> None:
    simulator.change(speak_modes=["instructed"])
    async with raw_realtime(simulator.realtime_url) as client:
        if mode == "force_message":
            await client.force(TEXT)
        else:
            await client.send("user.text", text=TEXT)
        error = await client.receive()
        assert (error["type"], error["error"]["code"]) == ("error", code)
        await client.say(TEXT)
        await client.send("response.create", response={"instructions": READ})
        assert words_of(await client.until("response.done")) == TEXT


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
async def test_speaks_at_every_rate(client: RawRealtime, rate: int) -> None:
    await client.update(audio={"output": {"format": {"type": "audio/pcm", "rate": rate}}})
    pcm = audio_of(await client.speak(TEXT))
    assert is_speech(pcm, rate=rate)
    assert 12 <= len(TEXT) / (len(pcm) / 2 / rate) <= 18


async def test_the_five_voices_sound_different(client: RawRealtime) -> None:
    pitches = []
    for voice in ("ara", "rex", "sal", "eve", "leo"):
        await client.update(voice=voice)
        pitches.append(median_pitch(audio_of(await client.speak(TEXT)), rate=24_000))
    ordered = sorted(pitches)
    assert all(high / low > 1.1 for low, high in pairwise(ordered)), pitches


async def test_speed_and_pronunciations_are_heard(client: RawRealtime) -> None:
    usual = len(audio_of(await client.speak(TEXT)))
    await client.update(audio={"output": {"speed": 1.5}})
    assert len(audio_of(await client.speak(TEXT))) == pytest.approx(usual / 1.5, rel=0.1)
    await client.update(audio={"output": {"speed": 1.0}}, replace={"fox": "extraordinarily clever red animal"})
    events = await client.speak(TEXT)
    assert len(audio_of(events)) > usual * 1.2
    assert words_of(events) == TEXT


async def test_binary_transport_sends_the_bare_bytes(client: RawRealtime) -> None:
    await client.update(audio={"output": {"transport": "binary"}})
    events = await client.speak(TEXT)
    assert not audio_of(events)
    assert is_speech(b"".join(client.binary), rate=24_000)
    assert words_of(events) == TEXT


async def test_g711_sends_one_byte_a_sample(client: RawRealtime) -> None:
    await client.update(audio={"output": {"format": {"type": "audio/pcmu", "rate": 8_000}}})
    assert 12 <= len(TEXT) / (len(audio_of(await client.speak(TEXT))) / 8_000) <= 18


async def test_one_response_at_a_time(simulator: RunningSimulator) -> None:
    simulator.change(pace=1)
    async with raw_realtime(simulator.realtime_url) as client:
        await client.force(TEXT)
        await client.until("response.output_audio.delta")
        for attempt in (client.force("Another."), client.send("response.create"), client.send("user.text", text="x")):
            await attempt
            error = (await client.until("error"))[-1]
            assert error["error"]["code"] == "conversation_already_has_active_response"
        await client.send("session.update", session={"audio": {"output": {"format": {"rate": 8_000}}}})
        assert "frame rates" in (await client.until("error"))[-1]["error"]["message"]


@pytest.mark.parametrize("quirks", ["plain", "quirky"])
async def test_a_cancelled_response_ends_and_the_socket_speaks_again(simulator: RunningSimulator, quirks: str) -> None:
    simulator.change(pace=1, quirks=quirks)
    async with raw_realtime(simulator.realtime_url) as client:
        await client.force(TEXT)
        opening = await client.until("response.output_audio.delta")
        first = next(event["response"]["id"] for event in opening if event["type"] == "response.created")
        await client.send("response.cancel", response_id=first)
        assert (await client.until("response.done"))[-1]["response"]["status"] == "cancelled"
        simulator.change(pace=0)
        events = await client.speak("Something else.")
        late = audio_of(events, response_id=first)
        assert bool(late) == (quirks == "quirky")
        assert events[-1]["response"]["status"] == "completed"
    assert simulator.stats.completed == 1


async def test_a_cancel_without_a_response_is_refused(client: RawRealtime) -> None:
    await client.send("response.cancel")
    assert (await client.receive())["error"]["code"] == "response_cancel_not_active"


async def test_bad_events_are_answered_and_leave_the_session_open(client: RawRealtime) -> None:
    await client.connection.send("{not json")
    assert (await client.receive())["error"]["type"] == "invalid_event"
    await client.send("response.sing", event_id="mine")
    error = (await client.receive())["error"]
    assert (error["type"], error["event_id"]) == ("invalid_event", "mine")
    await client.update(voice="nobody")
    assert client.events[-1]["error"]["param"] == "session.voice"
    await client.force(" ")
    assert (await client.receive())["error"]["code"] == "missing_text"
    await client.force("x" * 15_001)
    assert (await client.receive())["error"]["code"] == "text_too_long"
    assert (await client.speak(TEXT))[-1]["response"]["status"] == "completed"


async def test_items_are_deleted_one_by_one(client: RawRealtime) -> None:
    item_id = (await client.speak("Short."))[0]["item"]["id"]
    await client.send("conversation.item.delete", item_id=item_id)
    assert (await client.receive()) | {"event_id": ""} == {
        "type": "conversation.item.deleted",
        "event_id": "",
        "item_id": item_id,
    }
    await client.send("conversation.item.delete", item_id=item_id)
    assert (await client.receive())["error"]["code"] == "item_not_found"


async def test_audio_of_the_client_becomes_an_item(client: RawRealtime) -> None:
    await client.send("input_audio_buffer.commit")
    assert (await client.receive())["type"] == "error"
    await client.send("input_audio_buffer.append", audio=base64.b64encode(bytes(4_800)).decode())
    await client.send("input_audio_buffer.commit")
    transcription = "conversation.item.input_audio_transcription"
    assert [event["type"] for event in await client.until(f"{transcription}.completed")] == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        f"{transcription}.updated",
        f"{transcription}.completed",
    ]
    await client.send("input_audio_buffer.append", audio="?")
    assert (await client.receive())["error"]["param"] == "audio"


async def test_quirky_manners_change_the_shape_but_not_the_speech(simulator: RunningSimulator) -> None:
    simulator.change(quirks="quirky", seed=1)
    async with raw_realtime(simulator.realtime_url) as client:
        assert (await client.update(voice="ara"))["session"]["voice"] == "xai_ara"
        first, second = await client.speak(TEXT), await client.speak(TEXT)
        await client.send("response.sing")
        errors = [(await client.until("error"))[-1]]
        for _ in range(8):
            await client.send("response.sing")
            errors.append((await client.until("error"))[-1])
    for events in (first, second):
        assert is_speech(audio_of(events), rate=24_000)
        assert words_of(events) == TEXT
        kinds = [event["type"] for event in events]
        assert kinds.count("conversation.item.added") == 2
        assert {"ping", "x.trace"} <= set(kinds)
        assert events[-1]["response"]["usage"] == {}
        assert all("output_index" not in event for event in events)
        assert all("part" not in event for event in events if event["type"] == "response.content_part.done")
        sizes = [len(base64.b64decode(event["delta"])) for event in events if event["type"].endswith("audio.delta")]
        assert 0 in sizes
        assert any(size % 2 for size in sizes)
    assert "response.output_audio.delta" in types_of(first)
    assert "response.audio.delta" in types_of(second)
    assert {"error" in error for error in errors} == {True, False}
    assert {"code", "message", "params"} <= next(error for error in errors if "error" not in error).keys()


async def _varied(seed: int) -> list[list[int | str]]:
    """What varies on some connections: which greeting comes first, and the first sizes of chunks."""
    found: list[list[int | str]] = []
    async with running_simulator(quirks="quirky", seed=seed) as simulator:
        for _ in range(6):
            async with raw_realtime(simulator.realtime_url) as client:
                deltas = [len(event["delta"]) for event in await client.speak(TEXT) if "audio.delta" in event["type"]]
                found.append([client.events[0]["type"], *deltas[:8]])
    return found


async def test_a_seed_decides_all_that_varies() -> None:
    first = await _varied(7)
    assert first == await _varied(7) != await _varied(8)
    assert {"session.created", "conversation.created"} == {connection[0] for connection in first}


async def test_each_quirk_stands_alone(simulator: RunningSimulator) -> None:
    for quirk in Quirk:
        simulator.change(quirks=[quirk])
        async with raw_realtime(simulator.realtime_url) as client:
            await client.update(voice="leo")
            events = await client.speak("All is well.")
            assert loudness(audio_of(events)[: len(audio_of(events)) // 2 * 2]) > 500
