"""Distinct short texts on 10 sessions: jobs a second beside those of an ideal client. `python -m bench.throughput`"""

from __future__ import annotations

import asyncio
import itertools
import statistics
from time import perf_counter

import httpx

from bench import ideal
from bench.job_latency import job
from bench.report import report
from bench.system import System, running
from bench.texts import distinct

SESSIONS, TEXTS, ROUNDS, LIMIT = 10, 200, 3, 90


async def measure(system: System) -> bool:
    """The share of the ideal throughput that jobs reach; the median of paired rounds."""
    texts = distinct()
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=system.api, timeout=120, limits=limits) as client:
        await asyncio.gather(*(job(client, next(texts)) for _ in range(SESSIONS)))
        shares = []
        for _ in range(ROUNDS):
            best = await ideal.speak_all(system.realtime, itertools.islice(texts, TEXTS), sessions=SESSIONS)
            started = perf_counter()
            await asyncio.gather(*(job(client, text) for text in itertools.islice(texts, TEXTS)))
            shares.append(100 * best / (perf_counter() - started))
    note = f" of {TEXTS / best:.1f} a second; rounds: {', '.join(f'{share:.1f}' for share in shares)}"
    middle = statistics.median(shares)
    return report("throughput of the ideal client's (median)", middle, limit=LIMIT, unit="%", at_least=True, note=note)


if __name__ == "__main__":
    # Ten sessions for the interactive worker, and as many for the ideal client beside them.
    with running(XAI_MAX_SESSIONS="12", XAI_RESERVED_SESSIONS="8", SIMULATOR_SESSIONS="24") as system:
        raise SystemExit(not asyncio.run(measure(system)))
