"""Ten minutes of speech in one text on 10 sessions: when all of it is there, and when a listener hears its start.

Run by `python -m bench.long_text`.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
from contextlib import AsyncExitStack
from time import perf_counter

import httpx
from websockets.asyncio.client import ClientConnection

from bench import ideal
from bench.report import report
from bench.system import System, running
from bench.texts import article, distinct
from speech.utterances import cut

SESSIONS, SENTENCES, ROUNDS, SHORT_TEXTS = 10, 95, 3, 15
SPEECH_S, DONE_LIMIT, FIRST_LIMIT = 600, 1.3, 1.1


async def measure(system: System) -> bool:
    """Both as multiples: of a tenth of one session's time, and of a short sentence's first sound."""
    texts = distinct()
    async with httpx.AsyncClient(base_url=system.api, timeout=120) as client:
        await asyncio.gather(*(listen(client, next(texts)) for _ in range(SESSIONS)))
        alone = await one_session(system.realtime, article(sentences=SENTENCES)) / SESSIONS
        firsts, dones, speech = [], [], 0.0
        for _ in range(ROUNDS):
            first, done, speech = await listen(client, article(sentences=SENTENCES))
            firsts.append(first)
            dones.append(done)
        short = [(await listen(client, text))[0] for text in itertools.islice(texts, SHORT_TEXTS)]
    if speech < SPEECH_S:
        raise SystemExit(f"the text is too short: {speech:.0f} s of speech")
    done, first = statistics.median(dones), statistics.median(firsts)
    note = f" {speech:.0f} s of speech in {done:.2f} s; one session's tenth {alone:.2f} s"
    in_time = report("10 minutes of speech on 10 sessions", done / alone, limit=DONE_LIMIT, unit="x", note=note)
    usual = statistics.median(short)
    note = f" {first * 1000:.0f} ms and {usual * 1000:.0f} ms, as a listener hears them"
    return (
        report("its first sound, of a short one's", first / usual, limit=FIRST_LIMIT, unit="x", note=note) and in_time
    )


async def listen(client: httpx.AsyncClient, text: str) -> tuple[float, float, float]:
    """Seconds from the POST to the first byte of sound and to `ready`, and seconds of sound."""
    started, first = perf_counter(), 0.0
    answer = await client.post("/v1/jobs", json={"text": text})
    job = answer.raise_for_status().json()
    async with client.stream("GET", job["audio_url"]) as audio:
        audio.raise_for_status()
        async for _ in audio.aiter_raw():
            first = first or perf_counter() - started
    job = (await client.get(f"/v1/jobs/{job['id']}", params={"wait": 30})).json()
    if job["status"] != "ready":
        raise SystemExit(f"a job is {job['status']}: {job['error']}")
    return first, perf_counter() - started, job["duration_ms"] / 1000


async def one_session(url: str, text: str) -> float:
    """Seconds that an ideal client needs for a text's utterances one after the other, added up over ten sessions."""
    queue = [utterance.text for utterance in reversed(cut(text))]
    spent = 0.0
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(ideal.session(url)) for _ in range(SESSIONS)]

        async def work(socket: ClientConnection) -> None:
            nonlocal spent
            while queue:
                _, seconds, _ = await ideal.speak(socket, queue.pop())
                spent += seconds

        await asyncio.gather(*(work(socket) for socket in sockets))
    return spent


if __name__ == "__main__":
    # As many sessions again for the ideal client beside them.
    with running(XAI_MAX_SESSIONS=str(SESSIONS), SIMULATOR_SESSIONS=str(2 * SESSIONS)) as system:
        raise SystemExit(not asyncio.run(measure(system)))
