"""The master of an utterance: the one that is kept, or a new one, spoken until it is sound."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from audio.codecs import FORMATS
from audio.masters import decode_master
from audio.polish import polish
from audio.soundness import check_soundness
from speech.card import Card
from speech.errors import AudioUnusable, UnknownJob
from speech.ports import Area, Delivery, Synthesizer
from speech.proof import Proof, check_duration
from speech.recipe import Recipe
from speech.upstream_key import UpstreamKey
from storage.keys import object_key
from worker.airing import Airing
from worker.bill import Bill
from worker.draft import Encoded
from worker.finishing import finished
from worker.keeper import Keeper
from worker.retrying import Retrying
from worker.take import Take
from worker.wording import Wording

_FLAC = FORMATS["flac"]


@dataclass(frozen=True, kw_only=True)
class Master:
    """One utterance: a file of 24 kHz PCM, `polished` as it is heard, and when it is new the FLAC of what was sent.

    One that is drafted is in its reading's file already. Times in milliseconds.
    """

    name: str
    characters: int
    polished: Path
    flac: Encoded | None
    is_drafted: bool
    speak_mode: str
    attempts: int
    first_audio_ms: int
    spoken_ms: int
    proof: Proof
    duration_ms: int


@dataclass(frozen=True, kw_only=True)
class Masters:
    """Finds, speaks and keeps masters. `clock` gives Unix seconds, `monotonic` seconds that never jump."""

    keeper: Keeper
    synthesizer: Synthesizer
    speaking: Retrying
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    # LAME holds 2 MB: a hundred of them would be most of a worker.
    early: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(16))

    async def kept(self, text: str, *, recipe: Recipe, polished: Path) -> Master | None:
        """The master that the keeper has, in this file; None when there is none, or none that can be read."""
        name = recipe.utterance_name(text)
        try:
            found = await self.keeper.find(name, job=recipe.job_name)
            if found is None:
                return None
            card, flac = found
            await asyncio.to_thread(lambda: polished.write_bytes(polish(decode_master(flac))))
            return Master(
                name=name,
                characters=len(text),
                polished=polished,
                flac=None,
                is_drafted=False,
                speak_mode=card.speak_modes[0],
                attempts=0,
                first_audio_ms=0,
                spoken_ms=0,
                proof=Proof.from_json(card.proof),
                duration_ms=card.duration_ms,
            )
        except (AudioUnusable, UnknownJob, LookupError, TypeError, ValueError):
            return None

    async def spoken(
        self,
        text: str,
        *,
        recipe: Recipe,
        airing: Airing,
        folder: Path,
        bill: Bill,
        again: Callable[[], Awaitable[object]],
    ) -> Master:
        """A new master in this folder, aired while it is spoken; `again` runs before every further attempt.

        Every attempt is on the bill. Raises a RenderError when it is given up.
        """
        attempts, wording = 0, Wording(synthesizer=self.synthesizer)

        async def attempt(key: UpstreamKey) -> Master:
            nonlocal attempts
            attempts += 1
            return await self._speak(
                *(text, wording),
                recipe=recipe,
                airing=airing,
                folder=folder,
                bill=bill,
                key=key,
                attempts=attempts,
            )

        return await self.speaking(lambda: bill.payers.speak(attempt, again=again), name=recipe.job_name, again=again)

    async def keep(self, master: Master, flac: Encoded, *, recipe: Recipe, airing: Airing) -> None:
        """Puts a new master into the bucket; from then on it need not be on air."""
        await self.keeper.keep(self._card(master, flac, recipe=recipe), flac.path, job=recipe.job_name)
        await asyncio.to_thread(flac.path.unlink)
        await airing.let_go()

    def _card(self, master: Master, flac: Encoded, *, recipe: Recipe) -> Card:
        return Card(
            name=master.name,
            key=object_key(Area.MASTERS, master.name, sha256=flac.sha256, extension=_FLAC.extension),
            sha256=flac.sha256,
            size=flac.size,
            content_type=_FLAC.content_type,
            samples=flac.samples,
            duration_ms=flac.duration_ms,
            characters=master.characters,
            utterances=1,
            attempts=master.attempts,
            created_at=self.clock(),
            recipe=recipe.public_sound(),
            speak_modes=(master.speak_mode,),
            proof=master.proof.to_json(),
            timings={"first_audio_ms": master.first_audio_ms, "rendered_ms": master.spoken_ms},
            masters=(),
            owner=recipe.owner,
        )

    async def _speak(
        self,
        text: str,
        wording: Wording,
        *,
        recipe: Recipe,
        airing: Airing,
        folder: Path,
        bill: Bill,
        key: UpstreamKey,
        attempts: int,
    ) -> Master:
        started, take = self.monotonic(), Take(airing, folder=folder, monotonic=self.monotonic, early=self.early)
        try:
            delivery = _delivery(recipe, place=airing.utterance, key=key)
            speaking = wording.speak(text, delivery=delivery, on_audio=take.hear)
            spoken, proof = await bill.payers.while_served(key, speaking)
            ended = self.monotonic()
            flac = await finished(_finish(take, text, speed=recipe.request.speed, airing=airing, bill=bill, key=key))
        except BaseException:
            if take.heard:
                bill.wasted(take.heard, key=key)
            take.discard()
            await airing.again()
            raise
        return Master(
            name=recipe.utterance_name(text),
            characters=len(text),
            polished=take.polished,
            flac=flac,
            is_drafted=take.is_early and airing.draft is not None,
            speak_mode=spoken.speak_mode,
            attempts=attempts,
            first_audio_ms=round((take.first_at - started) * 1000),
            spoken_ms=round((ended - started) * 1000),
            proof=proof,
            duration_ms=flac.duration_ms,
        )


async def _finish(take: Take, text: str, *, speed: float, airing: Airing, bill: Bill, key: UpstreamKey) -> Encoded:
    # What is empty or silent is refused, and then it is spoken again.
    flac = await take.finish()
    check_duration(text, take.seconds, speed=speed)
    await asyncio.to_thread(_check_sound, take.raw)
    await bill.bought(len(text), seconds=take.heard, key=key)
    await airing.end()
    return flac


def _check_sound(raw: Path) -> None:
    """Raises AudioUnusable; a sound file is not needed any more."""
    check_soundness(raw.read_bytes())
    raw.unlink()


def _delivery(recipe: Recipe, *, place: int, key: UpstreamKey) -> Delivery:
    request = recipe.request
    return Delivery(
        voice=request.voice,
        speed=request.speed,
        language=request.language,
        pronunciations=request.pronunciations,
        speak_mode=recipe.speak_mode,
        lane=request.lane,
        place=place,
        key=key,
    )
