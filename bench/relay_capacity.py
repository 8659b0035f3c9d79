"""How many sessions one relay process carries until the slowest hundredth of events is 20 ms late.

Run by `python -m bench.relay_capacity`.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import httpx

from bench.relay import ROOMY, SESSIONS, echo, p99, round_trips
from bench.report import report
from bench.system import System, running
from bench.talker import direct, relayed

LATE_MS, STEP, MOST = 20, 32, 256


async def measure(system: System) -> bool:
    """The highest number that kept it; the same number of sessions straight to the simulator is taken off."""
    best, note = 0, ""
    async with httpx.AsyncClient() as client, AsyncExitStack() as stack:
        await echo(system, client=client)
        straight = [await stack.enter_async_context(direct(system)) for _ in range(SESSIONS)]
        through = [await stack.enter_async_context(relayed(system, client=client)) for _ in range(SESSIONS)]
        while True:
            added = (p99(await round_trips(through)) - (bare := p99(await round_trips(straight)))) / 2
            print(
                f"{len(through)} sessions: p99 {added:.1f} ms more for an event (bare round trip {bare:.1f} ms)",
                flush=True,
            )
            if added > LATE_MS:
                break
            best, note = len(through), f" p99 {added:.1f} ms"
            if best >= MOST:
                break
            straight += [await stack.enter_async_context(direct(system)) for _ in range(STEP)]
            through += [await stack.enter_async_context(relayed(system, client=client)) for _ in range(STEP)]
    name = f"live sessions until p99 passes {LATE_MS} ms"
    return report(name, best, limit=SESSIONS, unit="", at_least=True, note=note)


if __name__ == "__main__":
    # Hundreds of handshakes one after the other would take longer than all else.
    with running(**ROOMY, SIMULATOR_HANDSHAKE_MS="0") as system:
        raise SystemExit(not asyncio.run(measure(system)))
