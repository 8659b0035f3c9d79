"""A worker killed with SIGKILL in mid-render: from the kill to `ready`, less what the render takes without one.

Run by `python -m bench.recovery`.
"""

from __future__ import annotations

import asyncio
import itertools
from time import perf_counter

import httpx
import psutil

from bench.job_latency import job
from bench.report import report
from bench.system import System, running
from bench.texts import distinct

ROUNDS, LIMIT_S = 3, 15


async def measure(system: System) -> bool:
    """The longest of some rounds; each kills the worker at another moment of its lease."""
    texts = distinct()
    async with httpx.AsyncClient(base_url=system.api, timeout=60) as client:
        await job(client, next(texts))
        render = await job(client, next(texts))
        waits = []
        for text in itertools.islice(texts, ROUNDS):
            after = asyncio.create_task(job(client, text))
            await _begun(client, text)
            killed = perf_counter()
            _worker(system).kill()
            await after
            waits.append(perf_counter() - killed - render)
    note = f" {ROUNDS} kills: {min(waits):.1f} to {max(waits):.1f} s, besides a render of {render:.1f} s"
    return report("SIGKILL of a worker until ready", max(waits), limit=LIMIT_S, unit="s", note=note)


async def _begun(client: httpx.AsyncClient, text: str) -> None:
    """Until a worker renders the text."""
    while True:
        answer = await client.post("/v1/jobs", json={"text": text})
        if answer.raise_for_status().json()["status"] == "rendering":
            return
        await asyncio.sleep(0.01)


def _worker(system: System) -> psutil.Process:
    """The interactive lane's worker."""
    below = psutil.Process(system.pid).children(recursive=True)
    return next(process for process in below if {"celery", "interactive"} <= set(process.cmdline()))


if __name__ == "__main__":
    with running() as system:
        raise SystemExit(not asyncio.run(measure(system)))
