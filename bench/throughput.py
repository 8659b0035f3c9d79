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
from bench.texts import mixed

# Sessions, texts a round, rounds, and the least share of the ideal throughput.
SCENES = ((10, 100, 3, 95), (100, 500, 3, 90))
ANEW_LIMIT = 1.5


async def measure(system: System, *, sessions: int, texts: int, rounds: int, limit: float) -> bool:
    """The median of paired rounds; with ten sessions also against a new socket for each text."""
    unlimited = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=system.api, timeout=120, limits=unlimited) as client:
        await _jobs(client, mixed(sessions, short_end=sessions), sessions=sessions)
        shares, took = [], 0.0
        for _ in range(rounds):
            best = await ideal.speak_all(system.realtime, mixed(texts, short_end=sessions), sessions=sessions)
            took = await _jobs(client, mixed(texts, short_end=sessions), sessions=sessions)
            shares.append(100 * best / took)
    middle, each = statistics.median(shares), ", ".join(f"{share:.1f}" for share in shares)
    note = f" of {texts / best:.1f} a second; rounds: {each}"
    kept = report(
        f"throughput of the ideal's, {sessions} sessions", middle, limit=limit, unit="%", at_least=True, note=note
    )
    if sessions > 10:
        return kept
    anew = await ideal.speak_each_anew(system.realtime, mixed(texts, short_end=sessions), sessions=sessions)
    return report("times a socket for each request", anew / took, limit=ANEW_LIMIT, unit="x", at_least=True) and kept


async def _jobs(client: httpx.AsyncClient, texts: list[str], *, sessions: int) -> float:
    """Seconds until all are ready; twice as many are asked for at a time as can be spoken."""
    waiting = asyncio.Semaphore(2 * sessions)

    async def one(text: str) -> None:
        async with waiting:
            await job(client, text)

    started = perf_counter()
    await asyncio.gather(*(one(text) for text in texts))
    return perf_counter() - started


def main() -> int:
    """Each scene on a system of its own; 1 when one missed its limit."""
    kept = []
    for sessions, texts, rounds, limit in SCENES:
        # As many for the ideal client beside the worker's, which stay warm.
        room = {"XAI_MAX_SESSIONS": str(sessions), "SIMULATOR_SESSIONS": str(2 * sessions)}
        with running(**room) as system:
            measured = measure(system, sessions=sessions, texts=texts, rounds=rounds, limit=limit)
            kept.append(asyncio.run(measured))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
