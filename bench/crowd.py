"""1,000 simultaneous requests for one text over two api processes are one utterance. `python -m bench.crowd`"""

from __future__ import annotations

import asyncio
from time import perf_counter

import httpx
import uvloop

from bench.listener import Listener
from bench.report import report
from bench.system import System, another_api, running
from bench.texts import distinct

CROWD, ROUNDS = 1000, 3


async def measure(system: System, doors: tuple[str, str]) -> bool:
    """The most utterances that a crowd led to, and the most kinds of sound that were heard, over some rounds."""
    texts = distinct()
    crowd = [await Listener.connect(doors[number % 2]) for number in range(CROWD)]
    spoken, kinds, seconds = 0, 0, 0.0
    try:
        for _ in range(ROUNDS):
            before, text, started = await _utterances(system), next(texts), perf_counter()
            heard = await asyncio.gather(*(_ask(listener, text) for listener in crowd))
            seconds = max(seconds, perf_counter() - started)
            spoken = max(spoken, await _utterances(system) - before)
            kinds = max(kinds, len(set(heard)))
    finally:
        for listener in crowd:
            listener.close()
    note = f" {ROUNDS} rounds, the longest {seconds:.1f} s"
    once = report(f"utterances for {CROWD} requests", spoken, limit=1, unit="", note=note)
    return report("different sounds that they heard", kinds, limit=1, unit="") and once


async def _ask(listener: Listener, text: str) -> tuple[str, int]:
    return await listener.listen(await listener.order(text))


async def _utterances(system: System) -> int:
    async with httpx.AsyncClient(base_url=system.simulator) as client:
        spoken: int = (await client.get("/control/stats")).json()["utterances"]
        return spoken


if __name__ == "__main__":
    with running() as system, another_api(system) as other:
        raise SystemExit(not uvloop.run(measure(system, (system.api, other))))
