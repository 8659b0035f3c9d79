"""Finished audio: popular objects beside Starlette's FileResponse, cold ones beside boto3, and redirects.

Run by `python -m bench.delivery`.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import httpx
import uvloop
from botocore.config import Config
from dotenv import dotenv_values

from bench.load import load
from bench.report import report
from bench.system import System, another_api, free_port, running
from speech.card import Card
from speech.ports import Area
from storage.audio_store import S3AudioStore
from storage.keys import card_key

OBJECT_BYTES, POPULAR, COLD, CONNECTIONS, ROUNDS, REQUESTS = 50_000, 20, 300, 32, 5, 3000
POPULAR_LIMIT, COLD_LIMIT = 50, 80
_THREADS = 16

_rate = partial(load, total=REQUESTS, connections=CONNECTIONS)


async def put(system: System, count: int, folder: Path) -> list[Card]:
    """So many objects and their cards in the bucket, as if they had been rendered; popular ones as files as well."""
    options, bucket = _options(system)
    store = S3AudioStore(bucket, **options)
    cards = []
    for _ in range(count):
        content = secrets.token_bytes(OBJECT_BYTES)
        sha256 = hashlib.sha256(content).hexdigest()
        name = f"ara-{sha256[:40]}.mp3"
        (folder / name).write_bytes(content)
        kind = {"sha256": sha256, "extension": "mp3", "content_type": "audio/mpeg"}
        key = await store.put(Area.AUDIO, name, folder / name, **kind)
        cards.append(
            Card(
                name=name, key=key, sha256=sha256, size=OBJECT_BYTES, content_type="audio/mpeg", samples=1,
                duration_ms=1, characters=1, utterances=1, attempts=1, created_at=time.time(), speak_modes=(),
                recipe={"voice": "ara", "format": "mp3", "sample_rate": 24000}, proof={}, timings={},
            )
        )  # fmt: skip
        await store.put_card(cards[-1])
    await store.close()
    return cards


async def popular(api: str, files: int, cards: list[Card]) -> bool:
    """The share of FileResponse's requests a second; the median of paired rounds."""
    ours = [_get(f"/v1/audio/{card.name}", port=_port(api)) for card in cards[:POPULAR]]
    theirs = [_get(f"/{card.name}", port=files) for card in cards[:POPULAR]]
    shares, rates = [], []
    for _ in range(ROUNDS + 1):
        best = await _rate(files, theirs)
        rates.append(await _rate(_port(api), ours))
        shares.append(100 * rates[-1] / best)
    note = f" {statistics.median(rates[1:]):.0f} a second"
    name = "popular 50 kB, of Starlette's FileResponse"
    return report(name, statistics.median(shares[1:]), limit=POPULAR_LIMIT, unit="%", at_least=True, note=note)


async def cold(system: System, cards: list[Card]) -> bool:
    """The share of boto3's own rate, by which the same cards and objects are read; each round has its own."""
    shares, rates = [], []
    part = len(cards) // ROUNDS
    for at in range(0, part * ROUNDS, part):
        mine = cards[at : at + part]
        requests = [_get(f"/v1/audio/{card.name}", port=_port(system.api)) for card in mine]
        best = await asyncio.to_thread(_boto3_rate, system, mine)
        rates.append(await _rate(_port(system.api), requests, total=part))
        shares.append(100 * rates[-1] / best)
    note = f" {statistics.median(rates):.0f} a second, card and object"
    name = "cold 50 kB, of boto3's own rate"
    return report(name, statistics.median(shares), limit=COLD_LIMIT, unit="%", at_least=True, note=note)


async def redirected(api: str, cards: list[Card]) -> None:
    """How many are sent to the bucket in a second."""
    requests = [_get(f"/v1/audio/{card.name}", port=_port(api)) for card in cards[:POPULAR]]
    rates = [await _rate(_port(api), requests, expect=307) for _ in range(ROUNDS)]
    report("redirects", statistics.median(rates[1:]), limit=0, unit="/s", at_least=True)


def _boto3_rate(system: System, cards: list[Card]) -> float:
    options, bucket = _options(system)
    client = boto3.client(
        "s3",
        endpoint_url=options["endpoint_url"],
        aws_access_key_id=options["access_key_id"],
        aws_secret_access_key=options["secret_access_key"],
        region_name="us-east-1",
        config=Config(max_pool_connections=_THREADS, s3={"addressing_style": "path"}),
    )

    def read(card: Card) -> None:
        for key in (card_key(card.name), card.key):
            client.get_object(Bucket=bucket, Key=key)["Body"].read()

    with ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(read, cards[:_THREADS]))
        started = time.perf_counter()
        list(threads.map(read, cards))
        return len(cards) / (time.perf_counter() - started)


def _options(system: System) -> tuple[dict[str, Any], str]:
    told = dotenv_values(system.data_dir / "embedded.env")
    options: dict[str, Any] = {
        "endpoint_url": told["S3_ENDPOINT_URL"],
        "access_key_id": told["AWS_ACCESS_KEY_ID"],
        "secret_access_key": told["AWS_SECRET_ACCESS_KEY"],
    }
    return options, told.get("S3_BUCKET") or "recite"


def _get(path: str, *, port: int) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


@contextmanager
def file_server(folder: Path) -> Iterator[int]:
    """FileResponse in a process of its own; its port."""
    port = free_port()
    environment = {**os.environ, "FILES": str(folder), "BARE_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "bench.files"], env=environment)
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
            client.get(f"http://127.0.0.1:{port}/{next(folder.iterdir()).name}")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


async def measure(system: System, redirecting: str, files: int, cards: list[Card]) -> bool:
    """All three, one after the other; the cold ones first."""
    kept = await cold(system, cards)
    kept = await popular(system.api, files, cards) and kept
    await redirected(redirecting, cards)
    return kept


def main() -> bool:
    """Starts the servers, fills the bucket, and measures."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="recite-bench-files-")))
        system = stack.enter_context(running())
        redirecting = stack.enter_context(another_api(system, AUDIO_DELIVERY="redirect"))
        cards = uvloop.run(put(system, COLD, folder))
        files = stack.enter_context(file_server(folder))
        return uvloop.run(measure(system, redirecting, files, cards))


if __name__ == "__main__":
    raise SystemExit(not main())
