"""Sound heard while it is made: over two api processes, by many, in several formats, through failures."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from storage.audience import audience_key
from tests.fakes.polling import until
from tests.fakes.sounds import heard_by_ffmpeg
from tests.fakes.stack import Stack, stack

pytestmark = pytest.mark.integration

CROWD = 200
# Some four seconds of speech, said in one.
TEXT = "Listen to number {}: it takes a while to say, and whoever comes late hears it from the first word on."
HEAD = 44


@pytest.fixture(scope="module")
def system() -> Iterator[Stack]:
    """Two api processes, and an upstream that takes its time."""
    with stack(SIMULATOR_PACE="4", SIMULATOR_FIRST_AUDIO_MS="100") as running:
        running.start_api("second")
        yield running


@pytest.fixture
async def clients(system: Stack) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """One of each api process."""
    limits = httpx.Limits(max_connections=None)
    second = f"http://127.0.0.1:{system.programs['second'].environment['API_PORT']}"
    async with (
        system.client(limits=limits) as one,
        httpx.AsyncClient(base_url=second, timeout=40, limits=limits) as two,
    ):
        yield one, two
    system.control("DELETE", "faults")


async def post(client: httpx.AsyncClient, text: str, *, format: str = "wav") -> dict[str, Any]:
    document: dict[str, Any] = (await client.post("/v1/jobs", json={"text": text, "format": format})).json()
    return document


async def live(client: httpx.AsyncClient, job: dict[str, Any]) -> bytes:
    """What a listener gets, who comes while it is made."""
    answer = await client.get(f"/v1/audio/{job['id']}")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    return answer.content


async def stored(client: httpx.AsyncClient, job: dict[str, Any]) -> bytes:
    """The finished object."""
    answer = await client.get(f"/v1/audio/{job['id']}", params={"finished": "true"})
    assert answer.headers["cache-control"].endswith("immutable")
    return answer.content


Clients = tuple[httpx.AsyncClient, httpx.AsyncClient]


async def test_early_and_late_listeners_of_both_processes_hear_what_is_stored(clients: Clients) -> None:
    job = await post(clients[0], TEXT.format("one"))
    early = asyncio.create_task(live(clients[0], job))
    async with clients[1].stream("GET", f"/v1/audio/{job['id']}", headers={"Range": "bytes=7-9"}) as answer:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
        assert answer.headers["accept-ranges"] == "none"
        assert "content-length" not in answer.headers
        pieces = answer.aiter_raw()
        first = await anext(pieces)
        assert (await clients[0].get(f"/v1/jobs/{job['id']}")).json()["status"] == "rendering"
        assert (await clients[0].head(f"/v1/audio/{job['id']}")).status_code == 202
        late = await asyncio.gather(*(live(client, job) for client in clients))
        heard = {await early, *late, first + b"".join([piece async for piece in pieces])}
    assert len(heard) == 1
    assert heard.pop()[HEAD:] == (await stored(clients[0], job))[HEAD:]


async def test_a_long_text_is_heard_as_it_is_stored(clients: Clients) -> None:
    text = "\n\n".join(TEXT.format(f"{n} of five") for n in range(5))
    job = await post(clients[0], text)
    assert (await live(clients[1], job))[HEAD:] == (await stored(clients[0], job))[HEAD:]


@pytest.mark.parametrize(
    ("format", "container"), [("mp3", "mp3"), ("flac", "flac"), ("opus", "ogg"), ("aac", "aac"), ("m4a", "mp4")]
)
async def test_every_format_has_the_samples_that_are_stored(clients: Clients, format: str, container: str) -> None:
    job = await post(clients[0], TEXT.format(format), format=format)
    heard = heard_by_ffmpeg(await live(clients[0], job), container=container)
    kept = heard_by_ffmpeg(await stored(clients[0], job), container=container)
    # Where no length stands in front, a decoder leaves the encoder's own delay around it.
    assert kept.pcm in heard.pcm


async def test_a_crowd_at_two_doors_is_one_utterance(system: Stack, clients: Clients) -> None:
    before = system.utterances()

    async def ask(client: httpx.AsyncClient) -> tuple[str, bytes]:
        job = await post(client, TEXT.format("a crowd"))
        return job["cache"], (await client.get(f"/v1/audio/{job['id']}")).content[HEAD:]

    answers = await asyncio.gather(*(ask(clients[n % 2]) for n in range(CROWD)))
    assert system.utterances() - before == 1
    assert len({pcm for _, pcm in answers}) == 1
    assert [cache for cache, _ in answers].count("miss") == 1


async def test_two_formats_at_once_share_one_synthesis(system: Stack, clients: Clients) -> None:
    before = system.utterances()
    wav, mp3 = [await post(clients[0], TEXT.format("two"), format=format) for format in ("wav", "mp3")]
    heard, encoded = await asyncio.gather(live(clients[0], wav), live(clients[1], mp3))
    assert heard[HEAD:] == (await stored(clients[0], wav))[HEAD:]
    kept = heard_by_ffmpeg(await stored(clients[1], mp3), container="mp3")
    assert kept.pcm in heard_by_ffmpeg(encoded, container="mp3").pcm
    assert system.utterances() - before == 1


async def test_a_drop_in_mid_audio_cuts_the_listener_off(system: Stack, clients: Clients) -> None:
    system.control("POST", "faults", fault="drop_mid_audio", times=1)
    job = await post(clients[0], TEXT.format("three"))
    with pytest.raises(httpx.RemoteProtocolError):
        await live(clients[0], job)
    again = await live(clients[0], job)
    assert again[HEAD:] == (await stored(clients[1], job))[HEAD:]
    ready = (await clients[0].get(f"/v1/jobs/{job['id']}", params={"wait": 20})).json()
    assert (ready["status"], ready["attempts"]) == ("ready", 2)


async def test_wrong_words_cut_the_listener_off_and_are_not_kept(system: Stack, clients: Clients) -> None:
    system.control("POST", "faults", fault="paraphrase")
    job = await post(clients[0], TEXT.format("four"))
    with pytest.raises(httpx.RemoteProtocolError):
        await live(clients[0], job)
    ended = (await clients[0].get(f"/v1/jobs/{job['id']}", params={"wait": 30})).json()
    assert ended["error"]["code"] == "words_differ"
    assert (await clients[0].get(f"/v1/audio/{job['id']}")).status_code == 502


async def test_a_render_that_fails_before_its_first_sound_answers_so(system: Stack, clients: Clients) -> None:
    system.control("POST", "faults", fault="no_audio")
    job = await post(clients[0], TEXT.format("five"))
    answer = await clients[1].get(f"/v1/audio/{job['id']}")
    assert (answer.status_code, answer.json()["code"]) == (502, "no_audio")


async def test_who_could_not_see_a_cut_gets_the_finished_audio(clients: Clients) -> None:
    job = await post(clients[0], TEXT.format("one point o"))
    address = clients[0].base_url
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(f"GET /v1/audio/{job['id']} HTTP/1.0\r\nHost: {address.netloc.decode()}\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()

    assert f"content-length: {len(body)}" in head.decode().lower()
    assert body == await stored(clients[0], job)


async def test_who_waits_for_the_finished_audio_gets_it_with_its_length(clients: Clients) -> None:
    job = await post(clients[0], TEXT.format("six"))
    answer = await clients[0].get(f"/v1/audio/{job['id']}", params={"finished": "true", "download": "six.wav"})
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.headers["accept-ranges"] == "bytes"


async def test_a_live_download_is_named(clients: Clients) -> None:
    job = await post(clients[0], TEXT.format("seven"))
    answer = await clients[0].get(f"/v1/audio/{job['id']}", params={"download": "seven.wav"})
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == 'attachment; filename="seven.wav"'


async def test_a_listener_who_leaves_leaves_nothing_open(system: Stack, clients: Clients) -> None:
    job = await post(clients[0], TEXT.format("eight"))
    async with clients[0].stream("GET", f"/v1/audio/{job['id']}") as answer:
        await anext(answer.aiter_raw())
        assert tapes(system) > 0
        with Redis.from_url(system.redis.url) as redis:
            assert redis.exists(audience_key(job["id"]))

    async def closed() -> bool:
        return tapes(system) == 0

    await until(closed, seconds=8)
    assert (await clients[0].get(f"/v1/jobs/{job['id']}", params={"wait": 30})).json()["status"] == "ready"


@pytest.mark.parametrize("way", ["dead", "hanging"])
async def test_what_is_spoken_is_heard_while_the_bucket_is_away(system: Stack, clients: Clients, way: str) -> None:
    before = system.utterances()
    job = await post(clients[0], TEXT.format(way))
    await asyncio.to_thread(system.wait, lambda: system.utterances() > before)
    if way == "dead":
        system.s3.kill()
    else:
        system.s3.freeze()
    try:
        began = time.monotonic()
        async with clients[0].stream("GET", f"/v1/audio/{job['id']}") as answer:
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
            assert time.monotonic() - began < 1.2
            heard = await answer.aread()
    finally:
        if way == "dead":
            system.s3.start()
        else:
            system.s3.thaw()
    system.wait_until_ready()
    assert heard[HEAD:] == (await stored(clients[1], job))[HEAD:]


def tapes(system: Stack) -> int:
    """How many files without a name the first api process holds open."""
    process = system.programs["api"].process
    assert process is not None
    return sum("(deleted)" in _target(link) for link in Path(f"/proc/{process.pid}/fd").iterdir())


def _target(link: Path) -> str:
    # One may be closed between the list and the look.
    with suppress(FileNotFoundError):
        return os.readlink(link)
    return ""
