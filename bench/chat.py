"""The chat: what it adds to a bare completion, and how soon a streamed reply sounds. `python -m bench.chat`"""

from __future__ import annotations

import asyncio
import itertools
import statistics
from time import perf_counter

import httpx
import orjson
from openai import AsyncOpenAI

from bench import ideal
from bench.report import report
from bench.system import System, running
from bench.texts import distinct

MODEL = "grok-3-fast"
PAIRS, ADDED_LIMIT_MS = 20, 15
REPLIES, SOUND_LIMIT_MS = 12, 40


async def measure(system: System) -> bool:
    """Both figures, on a system whose chat takes 300 ms for its first word and 10 ms for each that follows."""
    texts = distinct()
    async with (
        httpx.AsyncClient(base_url=system.api, timeout=60) as client,
        AsyncOpenAI(base_url=f"{system.simulator}/v1", api_key="bench", max_retries=0) as bare,
        ideal.session(system.realtime) as socket,
    ):
        added = await _added(client, bare, [next(texts) for _ in range(PAIRS + 2)])
        over = []
        for _ in range(REPLIES + 1):
            best, _, _ = await ideal.speak(socket, next(texts))
            over.append((await _sounds(client, list(itertools.islice(texts, 3))) - best) * 1000)
    at_once = report(
        "chat with url over the bare completion (median)",
        statistics.median(added),
        limit=ADDED_LIMIT_MS,
        unit="ms",
        note=f" {PAIRS} pairs: {min(added):.0f} to {max(added):.0f} ms",
    )
    # The first reply warms up.
    note = f" {REPLIES} replies: {min(over[1:]):.0f} to {max(over[1:]):.0f} ms"
    name = "streamed: sound after sentence + first audio"
    return report(name, statistics.median(over[1:]), limit=SOUND_LIMIT_MS, unit="ms", note=note) and at_once


async def _added(client: httpx.AsyncClient, bare: AsyncOpenAI, texts: list[str]) -> list[float]:
    """Milliseconds that the chat takes longer than the completion alone; the first pairs warm both up."""
    added = []
    for text in texts:
        message = f"say exactly: {text}."
        started = perf_counter()
        await bare.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": message}])
        alone = perf_counter() - started
        started = perf_counter()
        answer = (await client.post("/api/chat", json={"message": message, "audio": "url"})).raise_for_status().json()
        added.append((perf_counter() - started - alone) * 1000)
        if (answer["audio"]["kind"], answer["audio"]["cache"]) != ("url", "miss"):
            raise SystemExit(f"the chat answered {answer['audio']}")
        # What is rendered meanwhile must not slow the next pair.
        await client.get(answer["audio_url"], params={"finished": "true"})
    return added[2:]


async def _sounds(client: httpx.AsyncClient, sentences: list[str]) -> float:
    """Seconds from the last word of the first sentence to its first sound."""
    message = {"message": f"say exactly: {'. '.join(sentences)}."}
    said, complete = "", 0.0
    async with client.stream("POST", "/api/chat", json=message, headers={"Accept": "text/event-stream"}) as answer:
        async for line in answer.raise_for_status().aiter_lines():
            if not line.startswith("data: "):
                continue
            data = orjson.loads(line.removeprefix("data: "))
            if "text" in data and not complete:
                said += data["text"]
                complete = perf_counter() if f"{sentences[0]}." in said else 0.0
            elif "sentence" in data:
                return await _first_sound(client, data["audio_url"]) - complete
    raise SystemExit("the reply had no sound")


async def _first_sound(client: httpx.AsyncClient, url: str) -> float:
    async with client.stream("GET", url) as answer:
        await anext(answer.raise_for_status().aiter_raw())
        return perf_counter()


if __name__ == "__main__":
    # Renders that end soon, so that one does not slow the next.
    with running(SIMULATOR_PACE="0") as system:
        raise SystemExit(not asyncio.run(measure(system)))
