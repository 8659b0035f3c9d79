"""What the relay adds: to a frame's way through it while 64 sessions talk, and to the set-up of a session.

Run by `python -m bench.relay`.
"""

from __future__ import annotations

import asyncio
import statistics
from contextlib import AsyncExitStack
from time import perf_counter

import httpx

from bench.report import report
from bench.system import System, running
from bench.talker import CHUNK_SECONDS, Talker, direct, relayed

SESSIONS, SECONDS, ROUNDS = 64, 8, 3
MEDIAN_MS, P99_MS, SET_UP_MS = 1, 8, 15
_SET_UPS = 20
# The relay's own limits are for one person's browser.
ROOMY = {
    "XAI_MAX_SESSIONS": "400",
    "RELAY_MAX_SESSIONS": "399",
    "SIMULATOR_SESSIONS": "800",
    "RELAY_SESSIONS_PER_ADDRESS": "0",
    "RELAY_SESSIONS_PER_CLIENT": "0",
}


async def echo(system: System, *, client: httpx.AsyncClient) -> None:
    """From now on the simulator sends back what it hears."""
    (await client.post(f"{system.simulator}/control/settings", json={"echoes": True})).raise_for_status()


async def round_trips(talkers: list[Talker]) -> list[float]:
    """Milliseconds of all messages of all talkers, who speak at once but not in step, sorted."""
    step, messages = CHUNK_SECONDS / len(talkers), round(SECONDS / CHUNK_SECONDS)
    took = await asyncio.gather(
        *(talker.talk(messages=messages, delay=number * step) for number, talker in enumerate(talkers))
    )
    # The first second is for sockets to get warm.
    warm = round(1 / CHUNK_SECONDS)
    return sorted(1000 * seconds for each in took for seconds in each[warm:])


def p99(values: list[float]) -> float:
    """Of sorted values."""
    return values[len(values) * 99 // 100]


async def measure_latency(system: System, *, client: httpx.AsyncClient) -> bool:
    """A round trip through the relay, less one straight to the simulator, is two events; medians of paired rounds."""
    async with AsyncExitStack() as stack:
        straight = [await stack.enter_async_context(direct(system)) for _ in range(SESSIONS)]
        through = [await stack.enter_async_context(relayed(system, client=client)) for _ in range(SESSIONS)]
        medians, tails = [], []
        for _ in range(ROUNDS):
            bare, relay = await round_trips(straight), await round_trips(through)
            medians.append((statistics.median(relay) - statistics.median(bare)) / 2)
            tails.append((p99(relay) - p99(bare)) / 2)
        inside = (await client.get(f"{system.relay}/health")).json()["added_latency_ms"]
    note = f" bare round trip {statistics.median(bare):.2f} ms; inside the relay {inside['median']:.2f} ms"
    name = f"added to an event, {SESSIONS} live sessions"
    kept = report(f"{name}, median", statistics.median(medians), limit=MEDIAN_MS, unit="ms", note=note)
    note = f" bare round trip {p99(bare):.2f} ms; inside the relay {inside['p99']:.2f} ms"
    return report(f"{name}, p99", statistics.median(tails), limit=P99_MS, unit="ms", note=note) and kept


async def measure_set_up(system: System, *, client: httpx.AsyncClient) -> bool:
    """From the call to the confirmed settings, over the same straight to the simulator; the median of pairs."""
    added = []
    for _ in range(_SET_UPS):
        straight, through = await _set_up(system, None), await _set_up(system, client)
        added.append(through - straight)
    note = f" to {straight:.0f} ms"
    return report(
        "added to the set-up of a live session", statistics.median(added), limit=SET_UP_MS, unit="ms", note=note
    )


async def _set_up(system: System, client: httpx.AsyncClient | None) -> float:
    begun = perf_counter()
    async with relayed(system, client=client) if client else direct(system):
        return 1000 * (perf_counter() - begun)


async def measure(system: System) -> bool:
    """Both."""
    async with httpx.AsyncClient() as client:
        await echo(system, client=client)
        kept = await measure_set_up(system, client=client)
        return await measure_latency(system, client=client) and kept


if __name__ == "__main__":
    with running(**ROOMY) as system:
        raise SystemExit(not asyncio.run(measure(system)))
