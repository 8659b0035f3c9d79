"""What the relay's memory does: for each session, over an hour's traffic, and with a client that reads nothing.

Run by `python -m bench.relay_memory`.
"""

from __future__ import annotations

import asyncio
import statistics
from contextlib import AsyncExitStack

import httpx
import orjson
import psutil
from websockets.asyncio.client import ClientConnection, connect

from bench.relay import ROOMY, SESSIONS, echo, p99, round_trips
from bench.report import report
from bench.system import System, running
from bench.talker import CHUNK_SECONDS, address, relayed

SESSION_KB, HOUR_GROWTH, DEAF_MB = 400, 1.05, 16
DEAF_SECONDS = 60
_HOUR_MESSAGES, _CARRIERS, _TIMES_FASTER = round(3600 / CHUNK_SECONDS), 8, 10


async def measure_session(system: System, *, client: httpx.AsyncClient) -> bool:
    """The growth for 64 sessions that have talked, over what it took with one."""
    relay = _relay(system.pid)
    async with AsyncExitStack() as stack:
        await round_trips([await stack.enter_async_context(relayed(system, client=client))])
        before = _megabytes(relay)
        talkers = [await stack.enter_async_context(relayed(system, client=client)) for _ in range(SESSIONS)]
        await round_trips(talkers)
        each = 1000 * (_megabytes(relay) - before) / SESSIONS
    return report(
        "memory of the relay for a live session", each, limit=SESSION_KB, unit="kB", note=f" {before:.0f} MB before"
    )


async def measure_hour(system: System, *, client: httpx.AsyncClient) -> bool:
    """An hour's messages of one session over eight of them, ten times as fast; the end beside the first quarter."""
    relay = _relay(system.pid)
    async with AsyncExitStack() as stack:
        talkers = [await stack.enter_async_context(relayed(system, client=client)) for _ in range(_CARRIERS)]
        sizes = []
        for _ in range(4):
            share = _HOUR_MESSAGES // 4 // _CARRIERS
            await asyncio.gather(*(t.talk(messages=share, every=CHUNK_SECONDS / _TIMES_FASTER) for t in talkers))
            sizes.append(_megabytes(relay))
    note = f" MB: {', '.join(f'{size:.0f}' for size in sizes)}"
    return report(
        "memory after an hour's traffic, of a quarter's", sizes[-1] / sizes[0], limit=HOUR_GROWTH, unit="x", note=note
    )


async def measure_deaf(system: System, *, client: httpx.AsyncClient) -> bool:
    """While one client, to whom the voice talks without an end, reads nothing, others talk on."""
    relay = _relay(system.pid)
    async with AsyncExitStack() as stack:
        talkers = [await stack.enter_async_context(relayed(system, client=client)) for _ in range(_CARRIERS)]
        calm = await round_trips(talkers)
        before, highest = _megabytes(relay), 0.0
        deaf = await stack.enter_async_context(
            connect(
                await address(system, client=client), compression=None, max_size=None, max_queue=1, ping_interval=None
            )
        )
        await _begin_talk(deaf)
        talks, disturbed = asyncio.get_running_loop().time() + DEAF_SECONDS, list[float]()
        while asyncio.get_running_loop().time() < talks:
            disturbed += await round_trips(talkers)
            highest = max(highest, _megabytes(relay))
    disturbed.sort()
    tails = f"{p99(calm):.1f} → {p99(disturbed):.1f}"
    middles = f"{statistics.median(calm):.2f} → {statistics.median(disturbed):.2f}"
    note = f" the others' round trip: median {middles} ms, p99 {tails} ms"
    name = f"memory for a client that reads nothing for {DEAF_SECONDS} s"
    return report(name, highest - before, limit=DEAF_MB, unit="MB", note=note)


async def _begin_talk(socket: ClientConnection) -> None:
    """Asks for an hour of speech once the session is configured, and then reads no more."""
    while '"session.updated"' not in str(await socket.recv())[:200]:
        pass
    content = [{"type": "input_text", "text": "Please talk for 1 hour"}]
    item = {"type": "message", "role": "user", "content": content}
    await socket.send(orjson.dumps({"type": "conversation.item.create", "item": item}).decode())
    await socket.send('{"type": "response.create"}')
    socket.transport.pause_reading()


def _relay(pid: int) -> psutil.Process:
    processes = psutil.Process(pid).children(recursive=True)
    return next(process for process in processes if process.cmdline()[1:3] == ["-m", "relay"])


def _megabytes(process: psutil.Process) -> float:
    return float(process.memory_full_info().pss) / 1e6


async def measure(system: System) -> bool:
    """All three."""
    async with httpx.AsyncClient() as client:
        await echo(system, client=client)
        kept = [await scene(system, client=client) for scene in (measure_session, measure_hour, measure_deaf)]
        return all(kept)


if __name__ == "__main__":
    # The voice talks a hundred times faster than anybody listens.
    with running(**ROOMY, RELAY_MESSAGES_PER_SECOND="1000", SIMULATOR_PACE="100") as system:
        raise SystemExit(not asyncio.run(measure(system)))
