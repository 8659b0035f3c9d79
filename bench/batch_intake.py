"""Batches on their way in: 50,000 lines taken, and looked over without being begun. `python -m bench.batch_intake`"""

from __future__ import annotations

import asyncio
import io
import statistics
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter, sleep

import httpx
import orjson
import psutil
import redis
from dotenv import dotenv_values

from api.intake.draft import Draft
from api.intake.kinds import JSON_LINES, rows_of
from api.intake.line import Terms
from bench.report import report
from bench.system import System, running
from bench.texts import mixed
from settings import load_settings
from storage.card_index_keys import NAMES_KEY, WHOLE

LINES, ROUNDS, PIECE = 50_000, 3, 256 * 1024
ACCEPT_SECONDS, GROWTH_MB, TIMES = 10, 100, 2
_HEADERS = {"Content-Type": JSON_LINES}


async def measure(system: System, store: redis.Redis) -> bool:
    """How long the answer takes after the last byte, what the api grows by, and a dry run over its own validation."""
    api = _api(system.pid)
    async with httpx.AsyncClient(base_url=system.api, timeout=120) as client:
        await _taken(client, _file(10))
        before = _megabytes(api)
        async with _highest(api) as highest:
            seconds = statistics.median([await _taken(client, _file(LINES)) for _ in range(ROUNDS)])
        is_quick = report(f"{LINES} lines, from the last byte to 202", seconds, limit=ACCEPT_SECONDS, unit="s")
        note = f" from {before:.0f} MB (PSS)"
        is_small = report("memory of the api meanwhile", highest[0] - before, limit=GROWTH_MB, unit="MB", note=note)
        return await _dry_runs(client, store) and is_quick and is_small


async def _dry_runs(client: httpx.AsyncClient, store: redis.Redis) -> bool:
    file = _file(LINES)
    idle = statistics.median([await _hit(client) for _ in range(200)])
    shares, hits = [], list[float]()
    for _ in range(ROUNDS + 1):
        own, names = await _validated(file)
        store.sadd(NAMES_KEY, *names)
        shares.append(await _dry_run(client, file) / own)
    run = asyncio.create_task(_dry_run(client, file))
    while not run.done():
        hits.append(await _hit(client))
    await run
    # The first round warms both up.
    note = f" a hit meanwhile: {1000 * statistics.median(hits):.1f} ms, else {1000 * idle:.1f}"
    return report(
        f"dry run of {LINES} cached lines, of its validation", statistics.median(shares[1:]), limit=TIMES, unit="x",
        note=note,
    )  # fmt: skip


def _file(lines: int) -> bytes:
    texts = mixed(lines, short_end=0)
    return b"\n".join(orjson.dumps({"custom_id": str(number), "text": text}) for number, text in enumerate(texts))


async def _taken(client: httpx.AsyncClient, file: bytes) -> float:
    """Seconds from the last byte on; the batch is called off at once."""
    sent = 0.0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for at in range(0, len(file), PIECE):
            yield file[at : at + PIECE]
        sent = perf_counter()

    answer = await client.post("/v1/batches", content=pieces(), headers=_HEADERS)
    seconds = perf_counter() - sent
    assert answer.status_code == 202, answer.text
    (await client.post(f"{answer.headers['location']}/cancel")).raise_for_status()
    return seconds


async def _dry_run(client: httpx.AsyncClient, file: bytes) -> float:
    begun = perf_counter()
    answer = await client.post("/v1/batches", content=file, headers=_HEADERS, params={"dry_run": "true"})
    seconds = perf_counter() - begun
    assert (answer.json()["hits"], answer.json()["misses"]) == (LINES, 0), answer.text
    return seconds


async def _validated(file: bytes) -> tuple[float, list[str]]:
    """The same checks in this process: their seconds, and the lines' names."""
    settings = load_settings()
    xai, voice = settings.xai, settings.server.voice
    terms = Terms(voice=voice, format=None, model=xai.model, speak_mode=xai.speak_mode, scope=None)
    begun = perf_counter()
    with Draft(terms=terms) as draft:
        await draft.fill(rows_of(io.BytesIO(file), kind=JSON_LINES, members={}), skip_invalid=False)
        return perf_counter() - begun, list(draft.firsts)


async def _hit(client: httpx.AsyncClient) -> float:
    begun = perf_counter()
    answer = await client.post("/v1/jobs", json={"text": "A hit."}, headers={"Prefer": "wait=30"})
    assert answer.json()["status"] == "ready"
    return perf_counter() - begun


@asynccontextmanager
async def _highest(process: psutil.Process) -> AsyncIterator[list[float]]:
    """The most megabytes that the process has within the block."""
    highest = [0.0]

    async def look() -> None:
        while True:
            highest[0] = max(highest[0], await asyncio.to_thread(_megabytes, process))
            await asyncio.sleep(0.05)

    task = asyncio.create_task(look())
    try:
        yield highest
    finally:
        task.cancel()
        await asyncio.wait([task])


def _api(pid: int) -> psutil.Process:
    processes = psutil.Process(pid).children(recursive=True)
    return next(process for process in processes if process.cmdline()[1:3] == ["-m", "api"])


def _megabytes(process: psutil.Process) -> float:
    return float(process.memory_full_info().pss) / 1e6


def main() -> bool:
    """Starts a system whose upstream answers at once, and sends it batches."""
    with running(SIMULATOR_HANDSHAKE_MS="0", SIMULATOR_FIRST_AUDIO_MS="0", SIMULATOR_PACE="0") as system:
        redis_url = dotenv_values(system.data_dir / "embedded.env")["REDIS_URL"]
        assert redis_url is not None
        with redis.from_url(redis_url) as store:
            while not store.sismember(NAMES_KEY, WHOLE):
                sleep(0.2)
            return asyncio.run(measure(system, store))


if __name__ == "__main__":
    raise SystemExit(not main())
