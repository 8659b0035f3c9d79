"""Sound at once: from POST to the first byte of audio, over an ideal client with a warm session; and joining late.

Run by `python -m bench.live`.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
from time import perf_counter

import httpx

from bench import ideal
from bench.report import report
from bench.system import System, running
from bench.texts import distinct

PAIRS, LIMIT_MS = 20, 20


async def measure(system: System) -> bool:
    """Pairs of sentences by both ways, in turn; the medians of what the listener waits longer, early and late."""
    texts = distinct()
    async with httpx.AsyncClient(base_url=system.api, timeout=60) as client, ideal.session(system.realtime) as socket:
        await ideal.speak(socket, next(texts))
        await _heard(client, next(texts))
        over, late = [], []
        for text in itertools.islice(texts, PAIRS):
            best, _, _ = await ideal.speak(socket, text)
            first, joined = await _heard(client, text)
            over.append((first - best) * 1000)
            late.append(joined * 1000)
    note = f" {PAIRS} pairs: {min(over):.0f} to {max(over):.0f} ms"
    at_once = report(
        "first sound over the ideal client (median)", statistics.median(over), limit=LIMIT_MS, unit="ms", note=note
    )
    note = f" {PAIRS} times: {min(late):.0f} to {max(late):.0f} ms"
    return (
        report("first sound for who joins late (median)", statistics.median(late), limit=LIMIT_MS, unit="ms", note=note)
        and at_once
    )


async def _heard(client: httpx.AsyncClient, text: str) -> tuple[float, float]:
    """Seconds from the POST to the first sound, and from the call of one who joins half a second later to theirs."""
    started = perf_counter()
    job = (await client.post("/v1/jobs", json={"text": text, "format": "wav"})).raise_for_status().json()

    async def listen() -> tuple[float, bytes]:
        async with client.stream("GET", f"/v1/audio/{job['id']}") as answer:
            pieces = answer.raise_for_status().aiter_raw()
            piece = await anext(pieces)
            first = perf_counter()
            return first, piece + b"".join([piece async for piece in pieces])

    early = asyncio.create_task(listen())
    # The first sound comes after 300 ms, the last after more than a second.
    await asyncio.sleep(0.8)
    joined = perf_counter()
    late = await listen()
    first, heard = await early
    if heard != late[1]:
        raise SystemExit("two listeners heard different sound")
    return first - started, late[0] - joined


if __name__ == "__main__":
    with running() as system:
        raise SystemExit(not asyncio.run(measure(system)))
