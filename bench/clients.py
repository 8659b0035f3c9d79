"""Clients: how often looking 1,000 of them up touches the bucket, counted on its side. `python -m bench.clients`"""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import httpx
from dotenv import dotenv_values

from bench.report import report
from bench.system import System, another_api, free_port, running
from settings import SECRET_FILE

CLIENTS, ROUNDS, AT_ONCE = 1000, 10, 16
_PAGE = "https://page.example"
_REQUEST = re.compile(rb"^(GET|PUT|HEAD|POST|DELETE) (\S+) HTTP/1\.1\r\n")
_OF_CLIENT = re.compile(r"clients/([^/&]+)/")


@dataclass
class Counting:
    """A way to the bucket that counts the requests on it: each begins a packet of its own."""

    target: int
    seen: Counter[str] = field(default_factory=Counter)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of boto3."""
        upstream, towards = await asyncio.open_connection("127.0.0.1", self.target)
        await asyncio.gather(self._pass(reader, towards, counted=True), self._pass(upstream, writer, counted=False))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool) -> None:
        try:
            while data := await reader.read(65_536):
                if counted and (request := _REQUEST.match(data)):
                    self.seen[_name(request[1].decode(), unquote(request[2].decode()))] += 1
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


def _name(method: str, path: str) -> str:
    of = _OF_CLIENT.search(path)
    if of:
        return f"{'LIST' if 'list-type' in path else method} {of[1]}"
    return "LIST all" if "prefix=clients/" in path else "other"


@asynccontextmanager
async def _counted(port: int) -> AsyncIterator[tuple[Counting, int]]:
    counting, own = Counting(port), free_port()
    server = await asyncio.start_server(counting.serve, "127.0.0.1", own)
    try:
        yield counting, own
    finally:
        server.close()


async def measure(system: System) -> bool:
    """Ten looks at each of 1,000 clients within a minute, and as many preflights; a fresh api process answers."""
    told = dotenv_values(system.data_dir / "embedded.env") | dotenv_values(system.data_dir / SECRET_FILE)
    bucket = urlsplit(told["S3_ENDPOINT_URL"] or "").port or 0
    async with httpx.AsyncClient(base_url=system.api, timeout=60) as client:
        await _all_of(client, "PUT", json={"allowed_origins": [_PAGE]})
    async with _counted(bucket) as (counting, port):
        given = {name: told[name] or "" for name in ("REDIS_URL", "RECITE_SECRET", "AWS_ACCESS_KEY_ID")}
        given |= {"AWS_SECRET_ACCESS_KEY": told["AWS_SECRET_ACCESS_KEY"] or ""}
        # The process is waited for in a thread: the way to the bucket is in this one.
        api = another_api(system, S3_ENDPOINT_URL=f"http://127.0.0.1:{port}", **given)
        url = await asyncio.to_thread(api.__enter__)
        try:
            return await _looked_up(url, counting)
        finally:
            await asyncio.to_thread(api.__exit__, None, None, None)


async def _looked_up(url: str, counting: Counting) -> bool:
    limits = httpx.Limits(max_connections=AT_ONCE)
    started, times = time.monotonic(), list[float]()
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        for _ in range(ROUNDS):
            begun = time.monotonic()
            await _all_of(client, "GET")
            times.append(time.monotonic() - begun)
        looked = Counter(counting.seen)
        headers = {"Origin": _PAGE, "Access-Control-Request-Method": "POST"}
        for _ in range(CLIENTS):
            (await client.options("/api/chat", headers=headers)).raise_for_status()
    seconds = time.monotonic() - started
    assert seconds < 60, f"{seconds:.0f} s: longer than what is held counts"
    most = max(count for call, count in looked.items() if call != "other")
    listed = sum(count for call, count in looked.items() if call.startswith("LIST"))
    note = f" {listed} lists, {looked.total() - listed - looked['other']} objects for {CLIENTS * ROUNDS} looks;"
    note += f" {CLIENTS / statistics.median(times[1:]):.0f} a second from memory"
    is_good = report("the bucket, for one client in a minute: the same call", most, limit=1, unit="", note=note)
    union = Counter(counting.seen) - looked
    union.pop("other", None)
    note = f" preflights: {CLIENTS}"
    return report("the bucket, for all clients' pages: calls", union.total(), limit=1, unit="", note=note) and is_good


async def _all_of(client: httpx.AsyncClient, method: str, json: object = None) -> None:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with turns:
            (await client.request(method, f"/v1/clients/client-{number}", json=json)).raise_for_status()

    await asyncio.gather(*(one(number) for number in range(CLIENTS)))


def main() -> bool:
    """Starts a system, stores the clients, and looks them up through another process."""
    with running() as system:
        return asyncio.run(measure(system))


if __name__ == "__main__":
    raise SystemExit(not main())
