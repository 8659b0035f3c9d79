"""Jobs as the chat backend meets them: posted, polled, heard."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import httpx
import pytest
from redis import Redis

from api.schemas import JobView
from tests.fakes.listening import is_speech, median_pitch
from tests.fakes.sounds import heard_by_ffmpeg
from tests.fakes.stack import Stack

pytestmark = pytest.mark.integration


CONTAINERS = {"opus": "ogg", "m4a": "mp4"}


@dataclass(frozen=True)
class Sound:
    """What a listener gets: whole seconds of PCM at a rate."""

    pcm: bytes
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / self.rate


def hear(audio: bytes, *, format: str) -> Sound:
    heard = heard_by_ffmpeg(audio, container=CONTAINERS.get(format, format))
    return Sound(heard.pcm, heard.rate)


async def spoken(client: httpx.AsyncClient, text: str, **fields: Any) -> dict[str, Any]:
    """The job once it is ready."""
    answer = await client.post("/v1/jobs", json={"text": text, **fields}, headers={"Prefer": "wait=30"})
    document: dict[str, Any] = answer.raise_for_status().json()
    assert document["status"] == "ready", document
    return document


async def test_a_sentence_is_posted_polled_and_heard(system: Stack, client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/jobs", json={"text": "The first sentence of all.", "format": "wav"})
    posted = answer.json()
    JobView.model_validate(posted)
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/jobs/{posted['id']}"
    assert answer.headers["retry-after"] == "1"
    assert posted["cache"] == "miss"
    assert posted["audio_url"] == f"{system.api}/v1/audio/{posted['id']}"

    job = (await client.get(f"/v1/jobs/{posted['id']}", params={"wait": 30})).json()
    JobView.model_validate(job)
    assert job["status"] == "ready"
    assert job["proof"]["verdict"] == "exact"
    assert "cache" not in job
    assert job["created_at"] <= job["started_at"] <= job["ready_at"]

    audio = await client.get(posted["audio_url"])
    assert audio.headers["content-type"] == "audio/wav"
    assert len(audio.content) == job["bytes"]
    heard = hear(audio.content, format="wav")
    assert is_speech(heard.pcm, rate=heard.rate)
    assert abs(heard.seconds * 1000 - job["duration_ms"]) <= 1


async def test_the_same_sentence_twice_is_spoken_once(system: Stack, client: httpx.AsyncClient) -> None:
    before = system.utterances()
    first = await spoken(client, "Say this once, please.")
    second = await spoken(client, "  Say   this once, please. ", voice="ARA", priority="bulk", metadata={"a": "b"})
    assert system.utterances() == before + 1
    assert first["id"] == second["id"]
    assert (first["cache"], second["cache"]) == ("miss", "hit")


async def test_many_at_once_join_one_job(system: Stack, client: httpx.AsyncClient) -> None:
    before = system.utterances()
    jobs = await asyncio.gather(*(spoken(client, "All of us want this one.") for _ in range(20)))
    assert system.utterances() == before + 1
    assert sorted(job["cache"] for job in jobs).count("miss") == 1
    assert {job["cache"] for job in jobs} <= {"miss", "joined", "hit"}


async def test_other_formats_of_one_text_share_its_master(system: Stack, client: httpx.AsyncClient) -> None:
    before = system.utterances()
    jobs = await asyncio.gather(
        *(spoken(client, "One master, many formats.", format=name) for name in ("wav", "mp3", "flac", "opus", "m4a"))
    )
    assert system.utterances() == before + 1
    lengths = {job["duration_ms"] for job in jobs}
    assert max(lengths) - min(lengths) <= 1
    for job in jobs:
        audio = (await client.get(job["audio_url"])).content
        heard = hear(audio, format=job["format"])
        assert abs(heard.seconds * 1000 - job["duration_ms"]) < 60
        assert is_speech(heard.pcm, rate=heard.rate)


async def test_every_voice_sounds_different(client: httpx.AsyncClient) -> None:
    text = "This is how I sound when I read a sentence to you."
    voices = ("ara", "rex", "sal", "eve", "leo")
    jobs = await asyncio.gather(*(spoken(client, text, voice=voice, format="wav") for voice in voices))
    pitches = []
    for job in jobs:
        heard = hear((await client.get(job["audio_url"])).content, format="wav")
        pitches.append(median_pitch(heard.pcm, rate=heard.rate))
    assert all(high / low > 1.05 for low, high in pairwise(sorted(pitches))), pitches


async def test_rate_and_speed_are_kept(client: httpx.AsyncClient) -> None:
    text = "This sentence is read at different speeds."
    usual, fast, low = await asyncio.gather(
        spoken(client, text, format="wav"),
        spoken(client, text, format="wav", speed=1.5),
        spoken(client, text, format="wav", sample_rate=8000),
    )
    assert fast["duration_ms"] < 0.8 * usual["duration_ms"]
    assert low["sample_rate"] == 8000
    assert abs(low["duration_ms"] - usual["duration_ms"]) <= 1
    assert hear((await client.get(low["audio_url"])).content, format="wav").rate == 8000


async def test_another_take_is_another_performance(system: Stack, client: httpx.AsyncClient) -> None:
    before = system.utterances()
    one, two = await spoken(client, "Take it from the top."), await spoken(client, "Take it from the top.", take=2)
    assert one["id"] != two["id"]
    assert system.utterances() == before + 2


async def test_a_long_text_is_spoken_in_pieces_and_joined(system: Stack, client: httpx.AsyncClient) -> None:
    piers = ("northern", "southern", "eastern", "western")
    sentences = [
        f"The ferry to the islands leaves from the {pier} pier at ten past eight in the morning." for pier in piers
    ]
    text = f"{' '.join(sentences)}\n\nA last paragraph ends it.\n\nA last paragraph ends it."
    before = system.utterances()
    job = await spoken(client, text, format="mp3")
    assert job["utterances"] == 4
    assert system.utterances() == before + 3
    heard = hear((await client.get(job["audio_url"])).content, format="mp3")
    assert abs(heard.seconds * 1000 - job["duration_ms"]) < 60
    assert 15 < heard.seconds < 40


async def test_metadata_belongs_to_its_own_answer(client: httpx.AsyncClient) -> None:
    job = await spoken(client, "Mine and yours.", metadata={"ticket": "7"})
    assert job["metadata"] == {"ticket": "7"}
    assert "metadata" not in (await client.get(f"/v1/jobs/{job['id']}")).json()
    assert "metadata" not in await spoken(client, "Mine and yours.")


async def test_what_the_bucket_has_is_ready_after_redis_forgot(system: Stack, client: httpx.AsyncClient) -> None:
    job = await spoken(client, "Remember this for me.")
    before = system.utterances()
    with Redis.from_url(system.redis.url) as redis:
        redis.delete(f"recite:job:{job['id']}")
    again = (await client.get(f"/v1/jobs/{job['id']}")).json()
    assert (again["status"], again["duration_ms"]) == ("ready", job["duration_ms"])
    assert (await spoken(client, "Remember this for me."))["cache"] == "hit"
    assert system.utterances() == before


async def test_a_bulk_job_is_served_too(client: httpx.AsyncClient) -> None:
    assert (await spoken(client, "Nobody waits for this.", priority="bulk"))["status"] == "ready"


async def test_the_answer_carries_the_callers_request_id(client: httpx.AsyncClient, system: Stack) -> None:
    answer = await client.post(
        "/v1/jobs",
        json={"text": "Follow me through the logs."},
        headers={"X-Request-ID": "abc-123", "Prefer": "wait=30"},
    )
    assert answer.headers["x-request-id"] == "abc-123"
    assert any(
        "abc-123" in line and answer.json()["id"] in line for line in system.programs["worker"].said().splitlines()
    )


async def test_neither_text_nor_key_leaves_traces(client: httpx.AsyncClient, system: Stack) -> None:
    text = "Zanzibar quartz umbrella."
    job = await spoken(client, text, pronunciations={"Zanzibar": "Zansibar"}, metadata={"note": "perhaps private"})
    logs = "".join(program.said() for program in system.programs.values())
    with Redis.from_url(system.redis.url) as redis:
        keys = b"".join(redis.scan_iter("*"))
        held = b"".join(b"".join(redis.hgetall(key).values()) for key in redis.scan_iter("recite:job:*"))
    for secret in (text, "Zanzibar", "Zansibar", "perhaps private", system.settings["XAI_API_KEY"]):
        assert secret not in logs
        assert secret.encode() not in keys
        assert secret.encode() not in held
    assert job["id"] in logs
