"""OpenAI's speech API as its own SDK and other programs call it: every format, live, as events, and refused."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal, get_args

import httpx
import openai
import orjson
import pytest

from tests.fakes.listening import is_speech
from tests.fakes.sounds import Heard, heard_by_ffmpeg
from tests.fakes.stack import Stack, stack

pytestmark = pytest.mark.integration

Format = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
CONTAINERS = {"mp3": "mp3", "opus": "ogg", "aac": "aac", "flac": "flac", "wav": "wav"}
KEY = "testing-caller-key"
# Some five seconds of speech.
LONG = "Listen to {}: it takes a while to say, so whoever hears its first word has time before the last one comes."


@pytest.fixture(scope="module")
def system() -> Iterator[Stack]:
    """An upstream that takes its time, behind a key."""
    with stack(SIMULATOR_PACE="4", SIMULATOR_FIRST_AUDIO_MS="100") as running:
        running.start_api("guarded", RECITE_API_KEYS=KEY)
        yield running


@pytest.fixture
def guarded(system: Stack) -> str:
    """The address of the api that wants a key."""
    return f"http://127.0.0.1:{system.programs['guarded'].environment['API_PORT']}"


@pytest.fixture
async def sdk(guarded: str) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's own SDK, told nothing but the address and the key."""
    async with openai.AsyncOpenAI(base_url=f"{guarded}/v1", api_key=KEY) as client:
        yield client


@pytest.fixture
async def http(guarded: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(base_url=guarded, timeout=40, headers=headers) as client:
        yield client


def heard(audio: bytes, format: str) -> Heard:
    if format == "pcm":
        return Heard(shown=None, rate=24_000, pcm=audio)
    return heard_by_ffmpeg(audio, container=CONTAINERS[format])


def seconds(sound: Heard) -> float:
    return len(sound.pcm) / 2 / sound.rate


@pytest.mark.parametrize("format", get_args(Format))
async def test_the_sdk_hears_every_format_live_and_again(
    sdk: openai.AsyncOpenAI, http: httpx.AsyncClient, format: Format
) -> None:
    text, sounds = f"Say it once in {format}, please.", []
    for cache in ("miss", "hit"):
        raw = await sdk.audio.speech.with_raw_response.create(
            model="tts-1", voice="nova", input=text, response_format=format
        )
        audio = raw.parse().content
        assert raw.headers["recite-cache"] == cache
        # The last sample is heard before the file is there.
        await http.get(raw.headers["content-location"], params={"finished": "true"})
        assert raw.headers.get("content-length") == (None if cache == "miss" else str(len(audio)))
        sounds.append(heard(audio, format))
    live, stored = sounds
    assert is_speech(live.pcm, rate=live.rate)
    assert 1 < seconds(stored) < 4
    assert seconds(live) == pytest.approx(seconds(stored), abs=0.1)


async def test_formats_of_one_text_and_names_of_one_voice_are_spoken_once(
    system: Stack, sdk: openai.AsyncOpenAI
) -> None:
    before = system.utterances()
    orders: list[dict[str, Any]] = [
        {"voice": "eve", "model": "tts-1", "response_format": "wav"},
        {"voice": "coral", "model": "gpt-4o-mini-tts", "response_format": "pcm"},
        {"voice": {"id": "Nova"}, "model": "any", "response_format": "wav"},
    ]
    for order in orders:
        await sdk.audio.speech.create(input="One for all.", **order)
    assert system.utterances() == before + 1


async def test_a_crowd_joins_one_render(system: Stack, sdk: openai.AsyncOpenAI) -> None:
    before = system.utterances()
    speech = sdk.audio.speech.with_raw_response
    crowd = [speech.create(model="tts-1", voice="fable", input="All of us at once, please.") for _ in range(8)]
    answers = await asyncio.gather(*crowd)
    assert system.utterances() == before + 1
    assert sorted(answer.headers["recite-cache"] for answer in answers) == ["joined"] * 7 + ["miss"]
    assert len({answer.parse().content for answer in answers}) == 1


async def test_the_first_byte_comes_before_the_render_ends(system: Stack, sdk: openai.AsyncOpenAI) -> None:
    completed = system.control("GET", "stats")["completed"]
    async with sdk.audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input=LONG.format("the stream"), response_format="pcm"
    ) as answer:
        pieces = answer.iter_bytes(4_800)
        first = await anext(pieces)
        assert system.control("GET", "stats")["completed"] == completed
        rest = b"".join([piece async for piece in pieces])
    sound = Heard(shown=None, rate=24_000, pcm=first + rest)
    assert seconds(sound) > 4
    assert is_speech(sound.pcm, rate=24_000)


async def test_events_carry_the_same_audio(system: Stack, sdk: openai.AsyncOpenAI) -> None:
    text = LONG.format("the events")
    completed = system.control("GET", "stats")["completed"]
    told: list[bytes] = []
    for _ in range(2):
        events: list[dict[str, Any]] = []
        async with sdk.audio.speech.with_streaming_response.create(
            model="tts-1", voice="alloy", input=text, response_format="pcm", stream_format="sse"
        ) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            async for line in answer.iter_lines():
                if line.startswith("data: "):
                    if not events and not told:
                        assert system.control("GET", "stats")["completed"] == completed
                    events.append(orjson.loads(line.removeprefix("data: ")))
        assert [event["type"] for event in events] == ["speech.audio.delta"] * (len(events) - 1) + ["speech.audio.done"]
        assert events[-1]["usage"] == {"input_tokens": len(text), "output_tokens": 0, "total_tokens": len(text)}
        told.append(b"".join(b64decode(event["audio"]) for event in events[:-1]))
    plain = await sdk.audio.speech.create(model="tts-1", voice="sal", input=text, response_format="pcm")
    assert told[0] == told[1] == plain.content
    assert is_speech(plain.content, rate=24_000)


async def test_what_is_not_done_as_asked_is_said(sdk: openai.AsyncOpenAI) -> None:
    lengths = {}
    for speed in (0.25, 1.0, 4.0):
        raw = await sdk.audio.speech.with_raw_response.create(
            model="tts-1",
            voice="onyx",
            input="Say it as fast as you can, and then slowly.",
            speed=speed,
            instructions="Whisper.",
        )
        assert raw.headers["recite-ignored"] == "instructions"
        assert raw.headers.get("recite-speed") == {0.25: "0.7", 1.0: None, 4.0: "1.5"}[speed]
        lengths[speed] = seconds(heard(raw.parse().content, "mp3"))
    assert lengths[0.25] / lengths[1.0] == pytest.approx(1 / 0.7, rel=0.15)
    assert lengths[4.0] / lengths[1.0] == pytest.approx(1 / 1.5, rel=0.15)


async def test_a_transfer_that_breaks_off_is_made_good_by_the_sdk(system: Stack, sdk: openai.AsyncOpenAI) -> None:
    text = LONG.format("the break")
    system.control("POST", "faults", fault="drop_mid_audio", times=1, text=text)
    audio = await sdk.audio.speech.create(model="tts-1", voice="alloy", input=text, response_format="pcm")
    assert len(audio.content) / 48_000 > 4
    assert is_speech(audio.content, rate=24_000)
    assert system.control("GET", "stats")["faults"]["drop_mid_audio"] == 1


@pytest.mark.parametrize(
    ("changed", "param", "words"),
    [
        ({"voice": "voice_1234"}, "voice", "did you mean"),
        ({"voice": {"id": 5}}, "voice", "string"),
        ({"input": ""}, "input", "is empty"),
        ({"input": "a" * 100_001}, "input", "100000 at most"),
        ({"input": "a" * 3_000_000}, "body", "bytes"),
        ({"response_format": "ogg"}, "response_format", "'pcm'"),
        ({"speed": 5}, "speed", "4"),
        ({"stream_format": "smell"}, "stream_format", "'sse'"),
    ],
)
async def test_bad_input_is_named_in_openais_shape(
    sdk: openai.AsyncOpenAI, changed: dict[str, Any], param: str, words: str
) -> None:
    wanted: dict[str, Any] = {"model": "tts-1", "voice": "alloy", "input": "Hello.", **changed}
    with pytest.raises(openai.BadRequestError, match=words) as refused:
        await sdk.audio.speech.create(**wanted)
    assert (refused.value.param, refused.value.type) == (param, "invalid_request_error")
    assert refused.value.code in ("invalid_request", "text_too_long")


async def test_strangers_are_refused_in_openais_shape(guarded: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{guarded}/v1", api_key="wrong") as stranger:
        with pytest.raises(openai.AuthenticationError) as refused:
            await stranger.audio.speech.create(model="tts-1", voice="alloy", input="Let me in.")
        assert (refused.value.code, refused.value.type) == ("invalid_api_key", "invalid_request_error")
        with pytest.raises(openai.AuthenticationError):
            await stranger.models.list()


async def test_what_is_no_json_and_no_call_is_refused_in_openais_shape(http: httpx.AsyncClient) -> None:
    broken = await http.post("/v1/audio/speech", content=b"{")
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "malformed_body")
    wrong = await http.delete("/v1/models")
    assert (wrong.status_code, wrong.json()["error"]["type"]) == (405, "invalid_request_error")


async def test_a_text_that_the_upstream_refuses_is_the_callers_fault(system: Stack, sdk: openai.AsyncOpenAI) -> None:
    system.control("POST", "faults", fault="text_refused", text="Say something rude.")
    with pytest.raises(openai.BadRequestError) as refused:
        await sdk.audio.speech.create(model="tts-1", voice="alloy", input="Say something rude.")
    assert refused.value.code == "text_refused"


async def test_models_and_voices_are_listed(sdk: openai.AsyncOpenAI, http: httpx.AsyncClient) -> None:
    models = [model async for model in sdk.models.list()]
    assert [(model.id, model.owned_by) for model in models] == [("grok-voice-latest", "xai")]
    assert await sdk.models.retrieve("grok-voice-latest") == models[0]
    with pytest.raises(openai.NotFoundError):
        await sdk.models.retrieve("gpt-5")
    ours = (await http.get("/v1/voices")).json()
    assert ours["voices"] == ours["data"]
    assert ours["voices"][0] == {"id": "ara", "name": "Ara", "description": "Female, warm, friendly", "default": True}


async def test_open_webui_needs_only_the_address_and_a_key(guarded: str) -> None:
    """It lists without a key, and posts what its pages sent; details of errors are at `error.message`."""
    async with httpx.AsyncClient(base_url=guarded, timeout=40) as http:
        listed = (await http.get("/v1/audio/voices")).json()["voices"]
        models = (await http.get("/v1/audio/models")).json()["models"]
        body = {"input": "Hello from a page.", "voice": listed[0]["id"], "model": models[0]["id"]}
        answer = await http.post("/v1/audio/speech", json=body, headers={"Authorization": f"Bearer {KEY}"})
        assert answer.headers["content-type"] == "audio/mpeg"
        refused = await http.post("/v1/audio/speech", json=body)
    assert {"id", "name"} <= listed[0].keys()
    assert is_speech(heard(answer.content, "mp3").pcm, rate=24_000)
    assert "API key" in refused.json()["error"]["message"]


async def test_librechat_needs_no_voice_and_may_name_it_as_model(http: httpx.AsyncClient) -> None:
    spoken = [
        await http.post("/v1/audio/speech", json=body)
        for body in (
            {"input": "No voice is named.", "model": "tts-1", "backend": "any"},
            {"input": "No voice is named.", "model": "Sage", "voice": None},
            {"input": "No voice is named.", "model": "onyx"},
        )
    ]
    assert [answer.status_code for answer in spoken] == [200] * 3
    names = [answer.headers["content-location"].rpartition("/")[2] for answer in spoken]
    assert [name.partition("-")[0] for name in names] == ["ara", "ara", "leo"]
    assert names[0] == names[1]
    stored = await http.get(spoken[0].headers["content-location"], params={"finished": "true"})
    assert seconds(heard(stored.content, "mp3")) == pytest.approx(seconds(heard(spoken[0].content, "mp3")), abs=0.1)


@pytest.mark.parametrize("format", get_args(Format))
async def test_home_assistants_probe_hears_a_moment_of_silence(
    system: Stack, http: httpx.AsyncClient, format: str
) -> None:
    """It checks its key by a full stop, and takes all but 2xx for a failure."""
    before = system.utterances()
    body = {"model": "tts-1", "input": ".", "voice": "alloy", "response_format": format, "speed": "1"}
    answer = await http.post("/v1/audio/speech", json=body)
    assert answer.status_code == 200
    sound = heard(answer.content, format)
    assert 0.15 < seconds(sound) < 0.4
    assert not any(sound.pcm) or format in ("mp3", "opus", "aac")
    assert system.utterances() == before
    events = await http.post("/v1/audio/speech", json={**body, "stream_format": "sse"})
    assert events.text.count("speech.audio.delta") == 1


async def test_jobs_don_t_know_openais_voices(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/jobs", json={"text": "Hello.", "voice": "alloy"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
