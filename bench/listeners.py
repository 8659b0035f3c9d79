"""200 listeners on one render: every byte for each, and what the api's memory grows by. `python -m bench.listeners`"""

from __future__ import annotations

import asyncio

import psutil

from bench.listener import Listener
from bench.report import report
from bench.system import System, running
from bench.texts import distinct

LISTENERS, LIMIT_MB = 200, 64


async def measure(system: System) -> bool:
    """The growth of the api's memory at its highest, over what it took before the first of them came."""
    texts = distinct()
    api = _api(system.pid)
    listeners = [await Listener.connect(system.api) for _ in range(LISTENERS + 1)]
    try:
        # What one listener needs is loaded, and all connections are there.
        await listeners[0].listen(await listeners[0].order(next(texts)))
        before, highest = _megabytes(api), 0.0
        name = await listeners[0].order(" ".join(text for text, _ in zip(texts, range(6), strict=False)))
        heard = asyncio.gather(*(listener.listen(name) for listener in listeners[1:]))
        while not heard.done():
            highest = max(highest, _megabytes(api))
            await asyncio.wait([heard], timeout=0.1)
        answers = set(await heard)
    finally:
        for listener in listeners:
            listener.close()
    if len(answers) != 1:
        raise SystemExit("listeners of one render heard different sound")
    note = f" from {before:.0f} MB (PSS); {answers.pop()[1] / 1e6:.1f} MB to each"
    return report(
        f"memory of the api for {LISTENERS} listeners", highest - before, limit=LIMIT_MB, unit="MB", note=note
    )


def _api(pid: int) -> psutil.Process:
    processes = psutil.Process(pid).children(recursive=True)
    return next(process for process in processes if process.cmdline()[1:3] == ["-m", "api"])


def _megabytes(process: psutil.Process) -> float:
    return float(process.memory_full_info().pss) / 1e6


if __name__ == "__main__":
    with running() as system:
        raise SystemExit(not asyncio.run(measure(system)))
