"""A hundred renders at once in one worker process: how much memory it takes then.

Run by `python -m bench.worker_memory`.
"""

from __future__ import annotations

import asyncio

import httpx
import psutil

from bench.job_latency import job
from bench.report import report
from bench.system import System, running
from bench.texts import article

RENDERS, ROUNDS, LIMIT_MB = 100, 3, 300
# Two sentences each: one utterance of eleven seconds.
SENTENCES = 2


async def measure(system: System) -> bool:
    """The highest PSS that was seen while rounds of distinct texts were rendered, each all at once."""
    worker = _worker(system, lane="interactive")
    await render_all(system, [article(sentences=1)])
    highest = before = await asyncio.to_thread(_megabytes, worker)
    for _ in range(ROUNDS):
        texts = [article(sentences=SENTENCES) for _ in range(RENDERS)]
        async with asyncio.TaskGroup() as group:
            renders = group.create_task(render_all(system, texts))
            while not renders.done():
                highest = max(highest, await asyncio.to_thread(_megabytes, worker))
                await asyncio.wait([renders], timeout=0.1)
    async with httpx.AsyncClient() as client:
        stats = (await client.get(f"{system.simulator}/control/stats")).json()
    if stats["most_open"] < RENDERS:
        raise SystemExit(f"only {stats['most_open']} renders were spoken at once")
    note = f" {before:.0f} MB after the first render"
    return report("worker with 100 renders at once, PSS", highest, limit=LIMIT_MB, unit="MB", note=note)


async def render_all(system: System, texts: list[str]) -> None:
    """Returns when all are ready."""
    async with httpx.AsyncClient(base_url=system.api, timeout=120, limits=httpx.Limits(max_connections=None)) as client:
        await asyncio.gather(*(job(client, text) for text in texts))


def _worker(system: System, *, lane: str) -> psutil.Process:
    for process in psutil.Process(system.pid).children(recursive=True):
        if "celery" in " ".join(process.cmdline()) and lane in process.cmdline():
            return process
    raise SystemExit(f"no worker serves {lane}")


def _megabytes(process: psutil.Process) -> float:
    pss: int = process.memory_full_info().pss
    return pss / 1e6


if __name__ == "__main__":
    with running(XAI_MAX_SESSIONS=str(RENDERS), SIMULATOR_SESSIONS=str(RENDERS)) as system:
        raise SystemExit(not asyncio.run(measure(system)))
