"""Distinct short texts: jobs a second beside an ideal client's, and beside a socket for each request.

Run by `python -m bench.throughput`.
"""

from __future__ import annotations

import asyncio
import statistics
from dataclasses import dataclass
from time import perf_counter

import httpx

from bench import ideal
from bench.job_latency import job
from bench.report import report
from bench.system import System, running
from bench.texts import mixed, tiny

FEW, MANY = 10, 100
ANEW_LIMIT = 1.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """Rounds of so many texts, and the least share of the ideal throughput; `pace` in times faster than speech."""

    sessions: int
    texts: int
    rounds: int
    limit: float
    pace: int = 4

    @property
    def name(self) -> str:
        """What the report calls it."""
        return f"{self.sessions} sessions" + ("" if self.pace > 1 else " at the pace of speech")


# At four times the pace of speech a hundred sessions need more CPU than two cores have, most of it outside the worker.
SCENES = (
    Scene(sessions=FEW, texts=100, rounds=3, limit=95),
    Scene(sessions=MANY, texts=300, rounds=1, limit=90),
    Scene(sessions=MANY, texts=300, rounds=1, limit=90, pace=1),
)


async def measure(system: System, scene: Scene) -> bool:
    """The share of the ideal throughput that jobs reach; the median of paired rounds."""
    sessions, texts = scene.sessions, scene.texts
    unlimited = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=system.api, timeout=120, limits=unlimited) as client:
        await _jobs(client, mixed(sessions, short_end=sessions), sessions=sessions)
        shares = []
        for _ in range(scene.rounds):
            best = await ideal.speak_all(system.realtime, mixed(texts, short_end=sessions), sessions=sessions)
            took = await _jobs(client, mixed(texts, short_end=sessions), sessions=sessions)
            shares.append(100 * best / took)
    middle, each = statistics.median(shares), ", ".join(f"{share:.1f}" for share in shares)
    note = f" of {texts / best:.1f} a second; rounds: {each}"
    name = f"throughput of the ideal's, {scene.name}"
    return report(name, middle, limit=scene.limit, unit="%", at_least=True, note=note)


async def measure_anew(system: System, scene: Scene) -> bool:
    """How many times the throughput of a new socket for each text; the texts are so short that it counts."""
    sessions, texts = scene.sessions, scene.texts
    async with httpx.AsyncClient(base_url=system.api, timeout=120) as client:
        await _jobs(client, tiny(sessions), sessions=sessions)
        times = []
        for _ in range(scene.rounds):
            anew = await ideal.speak_each_anew(system.realtime, tiny(texts), sessions=sessions)
            times.append(anew / await _jobs(client, tiny(texts), sessions=sessions))
    middle = statistics.median(times)
    return report("throughput of a socket for each request's", middle, limit=ANEW_LIMIT, unit="x", at_least=True)


async def _jobs(client: httpx.AsyncClient, texts: list[str], *, sessions: int) -> float:
    """Seconds until all are ready; twice as many are asked for at a time as can be spoken."""
    waiting = asyncio.Semaphore(2 * sessions)

    async def one(text: str) -> None:
        async with waiting:
            await job(client, text)

    started = perf_counter()
    await asyncio.gather(*(one(text) for text in texts))
    return perf_counter() - started


async def measure_all(system: System, scene: Scene) -> bool:
    """One scene; with ten sessions also beside a socket for each request."""
    kept = await measure(system, scene)
    return kept if scene.sessions > FEW else await measure_anew(system, scene) and kept


def main() -> int:
    """Each scene on a system of its own; 1 when one missed its limit."""
    kept = []
    for scene in SCENES:
        # As many for the ideal client beside the worker's, which stay warm.
        room = {"XAI_MAX_SESSIONS": str(scene.sessions), "SIMULATOR_SESSIONS": str(2 * scene.sessions)}
        with running(**room, SIMULATOR_PACE=str(scene.pace)) as system:
            kept.append(asyncio.run(measure_all(system, scene)))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
