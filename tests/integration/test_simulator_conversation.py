"""A spoken conversation with the simulator as a raw client has it: turns, interruption, truncation, resumption."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
import websockets

from simulator.output import AudioFormat, encode
from simulator.voice import speak
from tests.fakes.listening import is_speech
from tests.fakes.raw_realtime import Event, RawRealtime, audio_of, connect, raw_realtime, types_of, words_of
from tests.fakes.simulator import RunningSimulator, running_simulator
from tests.fakes.sounds import noise, silence, voiced

pytestmark = pytest.mark.integration

QUESTION = "Could you tell me what the weather is like today?"
VAD = {"type": "server_vad", "threshold": 0.85, "silence_duration_ms": 500, "prefix_padding_ms": 333}
TRANSCRIPTION = "conversation.item.input_audio_transcription"
TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    f"{TRANSCRIPTION}.updated",
    f"{TRANSCRIPTION}.completed",
]
ANSWER = ["response.created", "response.output_item.added", "response.content_part.added"]
ASKED = silence(1) + voiced(QUESTION) + silence(1)


@pytest.fixture
async def simulator() -> AsyncIterator[RunningSimulator]:
    async with running_simulator() as running:
        yield running


@pytest.fixture
async def client(simulator: RunningSimulator) -> AsyncIterator[RawRealtime]:
    async with raw_realtime(simulator.realtime_url) as opened:
        yield opened


def first(events: Sequence[Event], kind: str) -> Event:
    """The first event of a type."""
    return next(event for event in events if event["type"] == kind)


def pcm(rate: int) -> dict[str, Any]:
    """The setting of both sides to PCM of a rate."""
    form = {"format": {"type": "audio/pcm", "rate": rate}}
    return {"input": form, "output": form}


async def until_quiet(client: RawRealtime) -> list[Event]:
    """All events up to the answer to an event that is refused, which shows that nothing else was to come."""
    await client.send("response.sing")
    return await client.until("error")


async def test_a_question_is_heard_and_answered(client: RawRealtime, simulator: RunningSimulator) -> None:
    await client.update(turn_detection=VAD)
    await client.hear(ASKED)
    events = await client.until("response.done")
    assert types_of(events)[:9] == TURN + ANSWER
    started, stopped = events[0], events[1]
    length_ms = len(voiced(QUESTION)) / 48
    assert started["audio_start_ms"] == pytest.approx(1000 - 333, abs=60)
    assert stopped["audio_end_ms"] == pytest.approx(1000 + length_ms + 500, abs=100)
    committed = first(events, "input_audio_buffer.committed")
    added = first(events, "conversation.item.added")
    assert len({started["item_id"], stopped["item_id"], committed["item_id"], added["item"]["id"]}) == 1
    assert (added["item"]["role"], added["item"]["content"][0]["type"]) == ("user", "input_audio")
    heard = first(events, f"{TRANSCRIPTION}.completed")
    seconds = float(heard["transcript"].removeprefix("I hear ").removesuffix(" seconds of speech."))
    assert seconds == pytest.approx(length_ms / 1000, abs=0.1)
    assert heard["item_id"] == started["item_id"]
    assert f"{seconds} seconds" in words_of(events)
    assert is_speech(audio_of(events), rate=24_000)
    assert simulator.stats.speech_starts == 1
    assert simulator.stats.input_seconds == pytest.approx(len(ASKED) / 48_000)


async def test_a_question_in_one_huge_message_is_the_same(client: RawRealtime) -> None:
    await client.update(turn_detection=VAD)
    await client.hear(ASKED + ASKED, size=len(ASKED) * 2)
    events = await client.until("response.created")
    events += [*await client.until("response.done"), *await client.until("response.done")]
    done = [event["response"] for event in events if event["type"] == "response.done"]
    assert [(each["status"], each["status_details"]) for each in done] == [
        ("cancelled", {"type": "cancelled", "reason": "turn_detected"}),
        ("completed", None),
    ]
    assert [event["type"] for event in events].count("response.created") == 2
    starts = [event["audio_start_ms"] for event in events if event["type"] == TURN[0]]
    assert starts[1] - starts[0] == pytest.approx(len(ASKED) / 48, abs=20)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
async def test_hears_and_answers_at_the_clients_rate(client: RawRealtime, rate: int) -> None:
    await client.update(turn_detection=VAD, audio=pcm(rate))
    await client.hear(silence(1, rate=rate) + voiced(QUESTION, rate=rate) + silence(1, rate=rate), size=2_001)
    events = await client.until("response.done")
    assert events[0]["audio_start_ms"] == pytest.approx(667, abs=120)
    assert is_speech(audio_of(events), rate=rate)


async def test_binary_frames_go_both_ways(client: RawRealtime) -> None:
    audio = {side: {**form, "transport": "binary"} for side, form in pcm(48_000).items()}
    await client.update(turn_detection=VAD, audio=audio)
    asked = silence(1, rate=48_000) + voiced(QUESTION, rate=48_000) + silence(1, rate=48_000)
    for start in range(0, len(asked), 9_601):
        await client.connection.send(asked[start : start + 9_601])
    events = await client.until("response.done")
    assert types_of(events)[:6] == TURN
    assert not audio_of(events)
    assert is_speech(b"".join(client.binary), rate=48_000)


@pytest.mark.parametrize("kind", ["audio/pcmu", "audio/pcma"])
async def test_hears_g711(client: RawRealtime, kind: str) -> None:
    await client.update(turn_detection=VAD, audio={"input": {"format": {"type": kind, "rate": 8_000}}})
    pcm = bytes(44_100) + speak(QUESTION, voice="leo") + bytes(44_100)
    (coded,) = encode(pcm, AudioFormat(type=kind, rate=8_000))
    await client.hear(coded)
    events = await client.until("response.done")
    assert events[0]["audio_start_ms"] == pytest.approx(667, abs=120)
    assert types_of(events)[:6] == TURN


async def test_opus_is_counted_but_not_heard(client: RawRealtime, simulator: RunningSimulator) -> None:
    await client.update(turn_detection=VAD, audio={"input": {"format": {"type": "audio/opus"}}})
    await client.hear(ASKED)
    await client.send("input_audio_buffer.commit")
    events = await client.until(f"{TRANSCRIPTION}.completed")
    assert types_of(events) == TURN[2:]
    assert "Opus" in events[-1]["transcript"]
    assert (simulator.stats.input_bytes, simulator.stats.input_seconds) == (len(ASKED), 0)


async def test_silence_and_a_noisy_room_are_no_speech(client: RawRealtime, simulator: RunningSimulator) -> None:
    await client.update(turn_detection=VAD)
    click = voiced(QUESTION)[24_000:25_900]
    await client.hear(silence(2) + noise(2, decibels=-45) + click + silence(2))
    assert types_of(await until_quiet(client)) == ["error"]
    assert simulator.stats.speech_starts == 0
    await client.hear(noise(0.5, decibels=-20) + silence(1))
    assert types_of(await client.until("response.done"))[:6] == TURN


async def test_the_threshold_and_the_silence_are_the_clients(client: RawRealtime) -> None:
    await client.update(turn_detection={**VAD, "threshold": 0.1, "silence_duration_ms": 1500, "prefix_padding_ms": 0})
    await client.hear(silence(1) + noise(1, decibels=-45) + silence(1.4) + noise(1, decibels=-45) + silence(2))
    events = await client.until("response.done")
    assert types_of(events)[:6] == TURN
    assert (events[0]["audio_start_ms"], events[1]["audio_end_ms"]) == (1000, 5900)
    assert events[5]["transcript"] == "I hear 3.4 seconds of speech."


@pytest.mark.parametrize("settings", [None, {"turn_detection": None}, {"voice": "rex"}])
async def test_turns_by_hand(client: RawRealtime, settings: dict[str, Any] | None) -> None:
    if settings:
        await client.update(**settings)
    await client.hear(ASKED)
    assert types_of(await until_quiet(client)) == ["error"]
    await client.send("input_audio_buffer.commit")
    heard = (await client.until(f"{TRANSCRIPTION}.completed"))[-1]["transcript"]
    assert float(heard.split()[2]) == pytest.approx(len(voiced(QUESTION)) / 48_000, abs=0.1)
    assert types_of(await until_quiet(client)) == ["error"]
    await client.send("response.create")
    events = await client.until("response.done")
    assert heard.split()[2] in words_of(events)
    await client.hear(ASKED)
    await client.send("input_audio_buffer.clear")
    await client.send("input_audio_buffer.commit")
    assert (await client.until("error"))[-2]["type"] == "input_audio_buffer.cleared"


async def test_instructions_to_read_do_not_concern_speech(client: RawRealtime) -> None:
    spoken_aloud = "Keep your answers short: they are spoken aloud."
    await client.update(turn_detection=VAD, instructions="Read what the user writes, word for word.")
    await client.hear(ASKED)
    assert "I heard you speak" in words_of(await client.until("response.done"))
    await client.update(instructions=spoken_aloud)
    await client.say("Hello simulator")
    await client.send("response.create")
    assert "Hello to you" in words_of(await client.until("response.done"))


@pytest.mark.parametrize("quirks", ["plain", "quirky"])
async def test_speech_interrupts_the_answer(simulator: RunningSimulator, quirks: str) -> None:
    simulator.change(pace=1, quirks=quirks)
    async with raw_realtime(simulator.realtime_url) as client:
        await client.update(turn_detection=VAD)
        await client.say("Please talk for 60 seconds.")
        await client.send("response.create")
        spoken = await client.until("response.output_audio.delta")
        response_id = first(spoken, "response.created")["response"]["id"]
        await client.hear(silence(1) + voiced(QUESTION))
        events = await client.until("response.done")
        assert TURN[0] in types_of(events)
        assert events[-1]["response"]["id"] == response_id
        assert events[-1]["response"]["status"] == "cancelled"
        await client.hear(silence(1))
        simulator.change(pace=0)
        rest = await client.until("response.done")
        assert bool(audio_of(rest, response_id=response_id)) == (quirks == "quirky")
        assert rest[-1]["response"]["status"] == "completed"
    assert (simulator.stats.interruptions, simulator.stats.speech_starts) == (1, 1)


async def test_a_message_that_may_not_be_interrupted_is_said_to_its_end(simulator: RunningSimulator) -> None:
    simulator.change(pace=4)
    async with raw_realtime(simulator.realtime_url) as client:
        await client.update(turn_detection=VAD)
        await client.force(QUESTION)
        await client.until("response.output_audio.delta")
        simulator.change(pace=0)
        await client.hear(ASKED)
        events = await client.until("response.done")
        assert events[-1]["response"]["status"] == "completed"
        assert TURN[0] in types_of(events)
        answer = await client.until("response.done")
        assert "I heard you speak" in words_of(answer)
    assert simulator.stats.interruptions == 0


async def test_a_message_that_may_be_interrupted_is(simulator: RunningSimulator) -> None:
    simulator.change(pace=1)
    async with raw_realtime(simulator.realtime_url) as client:
        await client.update(turn_detection=VAD)
        content = [{"type": "output_text", "text": QUESTION}]
        item = {"type": "force_message", "role": "assistant", "interruptible": True, "content": content}
        await client.send("conversation.item.create", item=item)
        await client.until("response.output_audio.delta")
        await client.hear(ASKED)
        assert (await client.until("response.done"))[-1]["response"]["status"] == "cancelled"


async def test_what_was_not_played_is_forgotten(client: RawRealtime, simulator: RunningSimulator) -> None:
    events = await client.speak(QUESTION)
    item_id = first(events, "conversation.item.added")["item"]["id"]
    length_ms = len(audio_of(events)) // 48
    truncate = {"item_id": item_id, "content_index": 0}
    await client.send("conversation.item.truncate", **truncate, audio_end_ms=length_ms + 2)
    assert (await client.receive())["error"]["param"] == "audio_end_ms"
    await client.send("conversation.item.truncate", **truncate, audio_end_ms=length_ms // 2)
    assert (await client.receive()) | {"event_id": ""} == {
        "type": "conversation.item.truncated",
        "event_id": "",
        **truncate,
        "audio_end_ms": length_ms // 2,
    }
    await client.send("conversation.item.truncate", **truncate, audio_end_ms=length_ms)
    assert (await client.receive())["error"]["param"] == "audio_end_ms"
    assert list(simulator.stats.truncations) == [length_ms // 2]


async def test_only_spoken_items_are_truncated(client: RawRealtime) -> None:
    await client.send("conversation.item.truncate", item_id="msg_0", content_index=0, audio_end_ms=0)
    assert (await client.receive())["error"]["code"] == "item_not_found"
    await client.say(QUESTION)
    item_id = (await client.receive())["item"]["id"]
    await client.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=0)
    assert (await client.receive())["error"]["code"] == "invalid_item"
    item_id = first(await client.speak(QUESTION), "conversation.item.added")["item"]["id"]
    for end in (None, "1", 1.5, -1, True):
        await client.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=end)
        assert (await client.receive())["error"]["param"] == "audio_end_ms"


async def test_a_conversation_goes_on_over_another_socket(simulator: RunningSimulator) -> None:
    async with raw_realtime(simulator.realtime_url) as client:
        await client.update(turn_detection=VAD, resumption={"enabled": True})
        id = first(client.events, "conversation.created")["conversation"]["id"]
        await client.hear(ASKED)
        assert "turn number 1" in words_of(await client.until("response.done"))
        client.connection.transport.abort()
    async with raw_realtime(f"{simulator.realtime_url}?conversation_id={id}") as client:
        assert first(client.events, "conversation.created")["conversation"]["id"] == id
        await client.update(turn_detection=VAD)
        await client.hear(ASKED)
        assert "turn number 2" in words_of(await client.until("response.done"))
    assert simulator.stats.resumptions == 1
    async with httpx.AsyncClient(trust_env=False) as http:
        kept = (await http.get(f"{simulator.control_url}/conversations")).json()["conversations"]
    assert [conversation["id"] for conversation in kept] == [id]
    assert [item["role"] for item in kept[0]["items"]] == ["user", "assistant", "user", "assistant"]


@pytest.mark.parametrize(
    ("is_resumable", "key", "kept_ms"), [(False, "a-key", 60_000), (True, "another", 60_000), (True, "a-key", 0)]
)
async def test_a_conversation_that_is_not_kept_begins_anew(
    simulator: RunningSimulator, is_resumable: bool, key: str, kept_ms: int
) -> None:
    simulator.change(kept_ms=kept_ms)
    async with raw_realtime(simulator.realtime_url) as client:
        await client.update(resumption={"enabled": is_resumable})
        id = first(client.events, "conversation.created")["conversation"]["id"]
    url = f"{simulator.realtime_url}?conversation_id={id}"
    async with raw_realtime(url, key=key) as client:
        assert (await client.receive())["error"]["code"] == "conversation_not_found"
        assert first(client.events, "conversation.created")["conversation"]["id"] != id
        assert (await client.speak(QUESTION))[-1]["response"]["status"] == "completed"
    simulator.change(resumes_or_refuses=True)
    with pytest.raises(websockets.InvalidStatus) as refused:
        await connect(url, key=key)
    assert refused.value.response.status_code == 404
    assert simulator.stats.resumptions == 0


async def test_talks_for_as_long_as_it_is_told_to(simulator: RunningSimulator) -> None:
    simulator.change(pace=10, chunk_ms=50)
    async with raw_realtime(simulator.realtime_url) as client:
        await client.say("Talk for 15 seconds.")
        begun = asyncio.get_running_loop().time()
        await client.send("response.create")
        events = await client.until("response.done")
        assert asyncio.get_running_loop().time() - begun >= 1.4
    deltas = [event for event in events if event["type"] == "response.output_audio.delta"]
    assert len(deltas) == 300
    assert {len(audio_of([delta])) for delta in deltas} == {2_400}


@pytest.mark.parametrize("transport", ["json", "binary"])
async def test_an_echo_sends_every_message_back(simulator: RunningSimulator, transport: str) -> None:
    simulator.change(echoes=True)
    async with raw_realtime(simulator.realtime_url) as client:
        await client.update(turn_detection=VAD, audio={"output": {"transport": transport}})
        await client.hear(ASKED)
        events = await until_quiet(client)
    back = audio_of(events) if transport == "json" else b"".join(client.binary)
    assert back == ASKED
    assert len(events) - 1 == -(-len(ASKED) // 4_800)


@pytest.mark.parametrize(
    ("fault", "code"), [("drop_mid_audio", 1006), ("close_1011", 1011), ("drop_before_audio", 1006)]
)
async def test_faults_strike_spoken_answers_too(simulator: RunningSimulator, fault: str, code: int) -> None:
    simulator.plan(fault, times=1)
    async with raw_realtime(simulator.realtime_url) as client:
        await client.update(turn_detection=VAD)
        await client.hear(ASKED)
        events, closed = await client.until_closed()
    assert (types_of(events)[:6], closed) == (TURN, code)


async def test_a_stalled_answer_is_interrupted(simulator: RunningSimulator) -> None:
    simulator.plan("stall", times=1)
    async with raw_realtime(simulator.realtime_url) as client:
        await client.update(turn_detection=VAD)
        await client.hear(ASKED)
        await client.until("response.output_audio.delta")
        await client.hear(ASKED)
        assert (await client.until("response.done"))[-1]["response"]["status"] == "cancelled"
        assert (await client.until("response.done"))[-1]["response"]["status"] == "completed"


@pytest.mark.parametrize("code", [1011, 4000, None])
async def test_sessions_are_ended_in_any_way(simulator: RunningSimulator, code: int | None) -> None:
    async with raw_realtime(simulator.realtime_url) as client, httpx.AsyncClient(trust_env=False) as http:
        await client.hear(silence(1))
        await http.post(f"{simulator.control_url}/hang_up", json={"code": code})
        assert (await client.until_closed())[1] == (code or 1006)
