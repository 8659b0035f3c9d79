"""Hits: `POST /v1/jobs` for what is ready, beside a bare handler with one Redis GET. `python -m bench.hits`"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

import httpx
import orjson
import redis
import uvloop
from dotenv import dotenv_values

from bench import bare
from bench.job_latency import job
from bench.load import load, post
from bench.report import report
from bench.system import System, free_port, running
from bench.texts import distinct

REQUESTS, CONNECTIONS, READY, ROUNDS, LIMIT = 8000, 32, 100, 5, 60

_rate = partial(load, total=REQUESTS, connections=CONNECTIONS)


async def measure(system: System, bare_port: int, redis_url: str) -> bool:
    """The share of the bare handler's requests a second that hits reach; the median of paired rounds."""
    texts = [text for text, _ in zip(distinct(), range(READY), strict=False)]
    async with httpx.AsyncClient(base_url=system.api, timeout=60) as client:
        await asyncio.gather(*(job(client, text) for text in texts))
        answer = await client.post("/v1/jobs", json={"text": texts[0]})
    assert answer.json()["cache"] == "hit"
    with redis.from_url(redis_url) as store:
        store.set(bare.KEY, answer.content)
    port = urlsplit(system.api).port or 80
    hits = [post("/v1/jobs", orjson.dumps({"text": text}), host=f"127.0.0.1:{port}") for text in texts]
    plain = [post("/bare", orjson.dumps({"text": text}), host=f"127.0.0.1:{bare_port}") for text in texts]
    shares, rates = [], []
    for _ in range(ROUNDS + 1):
        best = await _rate(bare_port, plain)
        rates.append(await _rate(port, hits))
        shares.append(100 * rates[-1] / best)
    # The first round warms both up.
    middle = statistics.median(shares[1:])
    note = f" hits: {statistics.median(rates[1:]):.0f} a second"
    return report("hits, of a bare handler with one Redis GET", middle, limit=LIMIT, unit="%", at_least=True, note=note)


@contextmanager
def bare_server(redis_url: str) -> Iterator[int]:
    """The bare handler in a process of its own; its port."""
    port = free_port()
    environment = {**os.environ, "REDIS_URL": redis_url, "BARE_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "bench.bare"], env=environment)
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
            client.post(f"http://127.0.0.1:{port}/bare")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


def main() -> bool:
    """Starts both servers and measures them in turn."""
    with running(SIMULATOR_HANDSHAKE_MS="0", SIMULATOR_FIRST_AUDIO_MS="0", SIMULATOR_PACE="0") as system:
        redis_url = dotenv_values(system.data_dir / "embedded.env")["REDIS_URL"]
        assert redis_url is not None
        with bare_server(redis_url) as port:
            return uvloop.run(measure(system, port, redis_url))


if __name__ == "__main__":
    raise SystemExit(not main())
