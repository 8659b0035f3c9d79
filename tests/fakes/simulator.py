"""The simulator in a test's own event loop, on a free port, with handles on what it counts and gets wrong."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from simulator.options import Options
from simulator.server import Simulator
from simulator.stats import Stats, text_hash

MODEL = "grok-voice-latest"


@dataclass(frozen=True, slots=True)
class RunningSimulator:
    """A simulator that serves; `settings` values are those of simulator.options.Options."""

    simulator: Simulator
    port: int

    @property
    def realtime_url(self) -> str:
        """For `API_URL`; the model is not in it."""
        return f"ws://127.0.0.1:{self.port}/v1/realtime"

    @property
    def rest_url(self) -> str:
        """For `XAI_REST_URL`."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def control_url(self) -> str:
        """Where the control calls are."""
        return f"http://127.0.0.1:{self.port}/control"

    @property
    def stats(self) -> Stats:
        """The live counters."""
        return self.simulator.upstream.stats

    def fault_url(self, name: str) -> str:
        """A realtime URL whose every connection and utterance meets a fault."""
        return f"{self.realtime_url}?fault={name}"

    def plan(self, fault: str, *, times: int | None = None, text: str | None = None) -> None:
        """The next `times` connections, utterances or chats (of this text) meet the fault (None: all of them)."""
        self.simulator.upstream.plan_fault(fault, times=times, text=text)

    def clear_faults(self) -> None:
        """No fault is planned any more."""
        self.simulator.upstream.clear_faults()

    def change(self, **options: Any) -> None:
        """Changes options for connections and utterances to come."""
        self.simulator.upstream.options = self.simulator.upstream.options.changed(options)

    def times_spoken(self, text: str) -> int:
        """How often a text was begun to be spoken."""
        return self.stats.texts[text_hash(text)]


@asynccontextmanager
async def running_simulator(
    *, clock: Callable[[], float] = time.time, **options: Any
) -> AsyncIterator[RunningSimulator]:
    """A simulator for as long as the block runs; plain and without delays unless options say otherwise."""
    simulator = Simulator(Options.model_validate(options), clock=clock)
    async with simulator.serving() as port:
        yield RunningSimulator(simulator, port)
