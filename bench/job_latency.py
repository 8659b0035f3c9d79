"""One job, nothing else running: from POST to `ready`, over an ideal client with a warm session.

Run by `python -m bench.job_latency`.
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

PAIRS, LIMIT_MS = 30, 60


async def measure(system: System) -> bool:
    """Pairs of the same sentence by both ways, in turn; the median of what the job takes longer."""
    texts = distinct()
    async with httpx.AsyncClient(base_url=system.api, timeout=60) as client, ideal.session(system.realtime) as socket:
        await ideal.speak(socket, next(texts))
        await job(client, next(texts))
        over = []
        for text in itertools.islice(texts, PAIRS):
            _, best, _ = await ideal.speak(socket, text)
            over.append((await job(client, text) - best) * 1000)
    middle = statistics.median(over)
    note = f" 30 pairs: {min(over):.0f} to {max(over):.0f} ms"
    return report("one job over the ideal client (median)", middle, limit=LIMIT_MS, unit="ms", note=note)


async def job(client: httpx.AsyncClient, text: str) -> float:
    """Seconds from the POST to `ready`."""
    started = perf_counter()
    answer = await client.post("/v1/jobs", json={"text": text})
    document = answer.raise_for_status().json()
    while document["status"] in ("queued", "rendering"):
        answer = await client.get(f"/v1/jobs/{document['id']}", params={"wait": 30})
        document = answer.raise_for_status().json()
    if document["status"] != "ready":
        raise SystemExit(f"a job failed: {document['error']}")
    return perf_counter() - started


if __name__ == "__main__":
    with running() as system:
        raise SystemExit(not asyncio.run(measure(system)))
