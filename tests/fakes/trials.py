"""Jobs that meet a fault of the simulator on purpose, and what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import httpx

from simulator.fates import Fate, Kept
from simulator.faults import Act, Fault
from simulator.stats import text_hash
from speech.recipe import Recipe
from speech.request import Rendition, SpeechRequest
from tests.fakes.raw_realtime import raw_realtime
from tests.fakes.stack import Stack

# So many jobs at once leave a machine of two cores time to speak.
_AT_ONCE = 6
_STRUCK = "The fault called {} is met by this sentence, {}."
_SPARED = "While {} happens {}, this one is left in peace."


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One row of the table on one occasion: `once` or `always`."""

    fault: Fault
    occasion: str

    @property
    def fate(self) -> Fate:
        """What the table says of it."""
        return self.fault.fates.once if self.occasion == "once" else self.fault.fates.always

    @property
    def struck(self) -> str:
        """The text that meets the fault."""
        return _STRUCK.format(self.fault.name.replace("_", " "), self.occasion)

    @property
    def spared(self) -> str | None:
        """Another utterance of the same text, where there is time for one."""
        has_time = self.fault.fates.always.kept is not Kept.NOTHING
        return _SPARED.format(self.fault.name.replace("_", " "), self.occasion) if has_time else None

    @property
    def recipe(self) -> Recipe:
        """What is asked for."""
        text = f"{self.spared}\n\n{self.struck}" if self.spared else self.struck
        rendition = Rendition(format="wav", sample_rate=24_000, bit_rate=None)
        request = SpeechRequest.of(text, voice="rex", rendition=rendition)
        return Recipe(request=request, model="grok-voice-latest", speak_mode="force_message")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The job at its end, its audio's HTTP status, how often its text was asked for and the fault met, its objects."""

    job: dict[str, Any]
    audio: int
    paid: int
    met: int
    kept: Kept


async def try_speaking(system: Stack, trials: Sequence[Trial]) -> list[Outcome]:
    """What becomes of faults of utterances: rows side by side, since each strikes its own text."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def run(row: Iterable[Trial]) -> list[Outcome]:
        async with turns:
            return [await _run(system, trial) for trial in row]

    rows = [list(row) for _, row in groupby(trials, key=lambda trial: trial.fault)]
    return [outcome for row in await asyncio.gather(*map(run, rows)) for outcome in row]


async def try_connecting(system: Stack, trials: Sequence[Trial]) -> list[Outcome]:
    """What becomes of faults of connections: one after the other, since they strike whoever comes."""
    return [await _run(system, trial) for trial in trials]


async def _run(system: Stack, trial: Trial) -> Outcome:
    control = f"http://127.0.0.1:{system.simulator_port}/control"
    plan: dict[str, Any] = {"fault": trial.fault.name, "times": 1 if trial.occasion == "once" else None}
    if not trial.fault.strikes_connection:
        plan["text"] = trial.struck
    request = trial.recipe.request
    body = {"text": request.text, "voice": request.voice, "format": "wav"}
    async with AsyncExitStack() as others, system.client() as client, httpx.AsyncClient(base_url=control) as simulator:
        if trial.fault.strikes_connection:
            # The handshake is met by whoever has no session.
            (await simulator.post("hang_up")).raise_for_status()
        if trial.fault.act is Act.FULL:
            url, key = system.settings["API_URL"], system.settings["XAI_API_KEY"]
            for _ in range(2):
                await others.enter_async_context(raw_realtime(url, key=key))
        before = (await simulator.get("stats")).json()["faults"].get(trial.fault.name, 0)
        (await simulator.post("faults", json=plan)).raise_for_status()
        job = (await client.post("/v1/jobs", json=body)).json()
        while job["status"] in ("queued", "rendering"):
            job = (await client.get(f"/v1/jobs/{job['id']}", params={"wait": 30})).json()
        if trial.fault.strikes_connection:
            await simulator.delete("faults")
        stats = (await simulator.get("stats")).json()
        return Outcome(
            job=job,
            audio=(await client.get(f"/v1/audio/{job['id']}", params={"finished": True})).status_code,
            paid=stats["texts"].get(text_hash(trial.struck), 0),
            met=stats["faults"].get(trial.fault.name, 0) - before,
            kept=await asyncio.to_thread(_kept, system, trial.recipe),
        )


def _kept(system: Stack, recipe: Recipe) -> Kept:
    """What of a recipe the bucket holds; an object without its card counts, too."""
    names = (recipe.utterance_name(text) for text in recipe.request.text.split("\n\n"))
    if system.keys(f"cards/{recipe.job_name}") or system.keys(f"audio/{recipe.job_name}/"):
        return Kept.AUDIO
    return Kept.MASTERS if any(system.keys(f"masters/{name}/") for name in names) else Kept.NOTHING


def all_trials(faults: Iterable[Fault]) -> list[Trial]:
    """Every row, on both occasions: first always, then once, so that the upstream is found well again."""
    return [Trial(fault=fault, occasion=occasion) for fault in faults for occasion in ("always", "once")]
