"""Hits as data URLs of 100 kB, beside a bare handler with a body of that size. `python -m bench.data_url`"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import httpx
import uvloop

from bench.load import load, post
from bench.report import report
from bench.system import System, free_port, running
from bench.texts import tiny

REQUESTS, CONNECTIONS, READY, ROUNDS, LIMIT = 3000, 32, 20, 5, 60
# What a sound's data URL may have.
SMALLEST, LARGEST = 70_000, 160_000

_rate = partial(load, total=REQUESTS, connections=CONNECTIONS)


async def measure(port: int) -> bool:
    """The share of the bare handler's requests a second; the median of paired rounds."""
    texts = tiny(READY)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        for text in texts:
            await _until_kept(client, text)
        sizes = [len((await client.post("/voiced", content=text)).content) for text in texts]
    if not SMALLEST < statistics.mean(sizes) < LARGEST:
        raise SystemExit(f"the data URLs have {statistics.mean(sizes):.0f} bytes")
    host = f"127.0.0.1:{port}"
    shares, rates = [], []
    for _ in range(ROUNDS + 1):
        best = await _rate(port, [post("/bare", b"{}", host=host)])
        rates.append(await _rate(port, [post("/voiced", text.encode(), host=host) for text in texts]))
        shares.append(100 * rates[-1] / best)
    note = f" {statistics.median(rates[1:]):.0f} a second of {statistics.mean(sizes) / 1000:.0f} kB"
    name = "hits as data URLs, of a bare handler"
    return report(name, statistics.median(shares[1:]), limit=LIMIT, unit="%", at_least=True, note=note)


async def _until_kept(client: httpx.AsyncClient, text: str) -> None:
    for _ in range(200):
        answer = (await client.post("/voiced", content=text)).raise_for_status().json()
        if answer["audio"]["kind"] == "data":
            return
        await asyncio.sleep(0.05)
    raise SystemExit(f"no data URL came: {answer}")


@contextmanager
def server(system: System) -> Iterator[int]:
    """Both handlers in a process of their own; their port."""
    port = free_port()
    environment = {**os.environ, "RECITE_DATA_DIR": str(system.data_dir), "BARE_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "bench.voiced"], env=environment)
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
            client.post(f"http://127.0.0.1:{port}/bare")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


if __name__ == "__main__":
    with (
        running(SIMULATOR_HANDSHAKE_MS="0", SIMULATOR_FIRST_AUDIO_MS="0", SIMULATOR_PACE="0") as system,
        server(system) as port,
    ):
        raise SystemExit(not uvloop.run(measure(port)))
