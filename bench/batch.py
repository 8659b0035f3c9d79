"""A batch, half of whose lines are duplicates: what reaches the upstream, how fast it is made, and who waits for it.

Run by `python -m bench.batch`; `--lines N` for more or fewer than 400 lines, `--full` for 10,000.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import statistics
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import httpx
import orjson

from bench import ideal
from bench.job_latency import job
from bench.report import report
from bench.system import System, running
from bench.texts import distinct, mixed

LINES, FULL_LINES = 400, 10_000
# What bulk may use of ten; and the most texts that the ideal client is timed with.
SESSIONS, IDEAL_TEXTS = 7, 500
SHARE_LIMIT, DELAY_LIMIT = 95, 1.2
JOBS, JOB_SECONDS = 25, 1.0


def lines_of(texts: Sequence[str]) -> list[str]:
    """Every text twice, mixed; the short ones at the end of the texts stay there, so that all sessions end together."""
    body, end = list(texts[:-SESSIONS]), list(texts[-SESSIONS:])
    lines = [*body, *body]
    random.shuffle(lines)
    return [*lines, *end, *end]


async def measure(system: System, *, lines: int) -> bool:
    """The three figures, one after the other."""
    async with httpx.AsyncClient(base_url=system.api, timeout=60) as client:
        await _made(client, mixed(SESSIONS, short_end=SESSIONS))
        kept = await _throughput(client, system, lines=lines)
        return await _delay(client) and kept


async def _throughput(client: httpx.AsyncClient, system: System, *, lines: int) -> bool:
    texts = mixed(lines // 2, short_end=SESSIONS)
    timed = mixed(min(len(texts), IDEAL_TEXTS), short_end=SESSIONS)
    best = len(timed) / await ideal.speak_all(system.realtime, timed, sessions=SESSIONS)
    before = await _spoken(system)
    took = await _made(client, lines_of(texts))
    bought = await _spoken(system) - before
    kept = report("bought, of the distinct lines", bought / len(texts), limit=1, unit="x", note=f" {bought} texts")
    note = f" of {best:.2f} distinct lines a second, {2 * len(texts)} lines"
    share = 100 * len(texts) / took / best
    name = f"a batch's throughput of the ideal's, {SESSIONS} sessions"
    return report(name, share, limit=SHARE_LIMIT, unit="%", at_least=True, note=note) and kept


async def _delay(client: httpx.AsyncClient) -> bool:
    """Interactive jobs, one a second, without a batch and beside one."""
    idle = await _jobs(client)
    id = await _taken(client, mixed(6 * JOBS, short_end=SESSIONS))
    making = asyncio.create_task(_ended(client, id))
    await client.get(f"/v1/batches/{id}/results", params={"wait": 30})
    beside = await _jobs(client)
    is_over = making.done()
    await making
    note = f" {beside * 1000:.0f} of {idle * 1000:.0f} ms" + (", but the batch was over before" if is_over else "")
    name = "an interactive job beside a batch, of idle (median)"
    return report(name, beside / idle, limit=DELAY_LIMIT, unit="x", note=note) and not is_over


async def _jobs(client: httpx.AsyncClient) -> float:
    """The median of one job a second."""
    texts = distinct()
    await job(client, next(texts))

    async def one(number: int, text: str) -> float:
        await asyncio.sleep(number * JOB_SECONDS)
        return await job(client, text)

    took = await asyncio.gather(*(one(number, text) for number, text in enumerate(itertools.islice(texts, JOBS))))
    return statistics.median(took)


async def _made(client: httpx.AsyncClient, lines: Sequence[str]) -> float:
    """Seconds from the upload until the batch has ended."""
    started = perf_counter()
    await _ended(client, await _taken(client, lines))
    return perf_counter() - started


async def _taken(client: httpx.AsyncClient, lines: Sequence[str]) -> str:
    body = b"\n".join(orjson.dumps({"text": text}) for text in lines)
    answer = await client.post("/v1/batches", content=body, headers={"Content-Type": "application/jsonl"})
    id: str = answer.raise_for_status().json()["id"]
    return id


async def _ended(client: httpx.AsyncClient, id: str) -> None:
    """Until all lines of a batch are rendered."""
    document: dict[str, Any] = {"ended_at": None}
    while not document["ended_at"]:
        answer = await client.get(f"/v1/batches/{id}", params={"wait": 30})
        document = answer.raise_for_status().json()
    if document["counts"]["rendered"] != document["counts"]["total"]:
        raise SystemExit(f"not all lines were rendered: {document['counts']}")


async def _spoken(system: System) -> int:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{system.simulator}/control/stats")
    spoken: int = answer.raise_for_status().json()["utterances"]
    return spoken


def main() -> int:
    """On a system with ten sessions, and as many beside them for the ideal client."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--full", action="store_const", const=FULL_LINES, dest="lines")
    lines = parser.parse_args().lines
    with running(SIMULATOR_SESSIONS="20") as system:
        return 0 if asyncio.run(measure(system, lines=lines)) else 1


if __name__ == "__main__":
    raise SystemExit(main())
