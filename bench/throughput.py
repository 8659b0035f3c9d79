"""Distinct short texts: jobs a second beside an ideal client's, and beside a socket for each request.

Run by `python -m bench.throughput`.
"""

from __future__ import annotations

import asyncio
import statistics
from time import perf_counter

import httpx

from bench import ideal
from bench.job_latency import job
from bench.report import report
from bench.system import System, running
from bench.texts import mixed, tiny

# Sessions, texts a round, rounds, and the least share of the ideal throughput.
FEW, MANY = 10, 100
SCENES = ((FEW, 100, 3, 95), (MANY, 300, 1, 90))
ANEW_LIMIT = 1.5


async def measure(system: System, *, sessions: int, texts: int, rounds: int, limit: float) -> bool:
    """The share of the ideal throughput that jobs reach; the median of paired rounds."""
    unlimited = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=system.api, timeout=120, limits=unlimited) as client:
        await _jobs(client, mixed(sessions, short_end=sessions), sessions=sessions)
        shares = []
        for _ in range(rounds):
            best = await ideal.speak_all(system.realtime, mixed(texts, short_end=sessions), sessions=sessions)
            took = await _jobs(client, mixed(texts, short_end=sessions), sessions=sessions)
            shares.append(100 * best / took)
    middle, each = statistics.median(shares), ", ".join(f"{share:.1f}" for share in shares)
    note = f" of {texts / best:.1f} a second; rounds: {each}"
    kept = report(
        f"throughput of the ideal's, {sessions} sessions", middle, limit=limit, unit="%", at_least=True, note=note
    )
    return kept


async def measure_anew(system: System, *, sessions: int, texts: int, rounds: int, limit: float) -> bool:
    """How many times the throughput of a new socket for each text; the texts are so short that it counts."""
    async with httpx.AsyncClient(base_url=system.api, timeout=120) as client:
        await _jobs(client, tiny(sessions), sessions=sessions)
        times = []
        for _ in range(rounds):
            anew = await ideal.speak_each_anew(system.realtime, tiny(texts), sessions=sessions)
            times.append(anew / await _jobs(client, tiny(texts), sessions=sessions))
    middle = statistics.median(times)
    return report("throughput of a socket for each request's", middle, limit=limit, unit="x", at_least=True)


async def _jobs(client: httpx.AsyncClient, texts: list[str], *, sessions: int) -> float:
    """Seconds until all are ready; twice as many are asked for at a time as can be spoken."""
    waiting = asyncio.Semaphore(2 * sessions)

    async def one(text: str) -> None:
        async with waiting:
            await job(client, text)

    started = perf_counter()
    await asyncio.gather(*(one(text) for text in texts))
    return perf_counter() - started


async def measure_all(system: System, *, sessions: int, texts: int, rounds: int, limit: float) -> bool:
    """One scene; with ten sessions also beside a socket for each request."""
    kept = await measure(system, sessions=sessions, texts=texts, rounds=rounds, limit=limit)
    if sessions > FEW:
        return kept
    return await measure_anew(system, sessions=sessions, texts=texts, rounds=rounds, limit=ANEW_LIMIT) and kept


def main() -> int:
    """Each scene on a system of its own; 1 when one missed its limit."""
    kept = []
    for sessions, texts, rounds, limit in SCENES:
        # As many for the ideal client beside the worker's, which stay warm.
        room = {"XAI_MAX_SESSIONS": str(sessions), "SIMULATOR_SESSIONS": str(2 * sessions)}
        with running(**room) as system:
            scene = measure_all(system, sessions=sessions, texts=texts, rounds=rounds, limit=limit)
            kept.append(asyncio.run(scene))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
