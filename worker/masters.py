"""The master of an utterance: the one that is kept, or a new one, spoken until it is sound."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from audio.codecs import FORMATS
from audio.masters import decode_master, encode_master
from audio.pcm import BYTES_PER_SAMPLE, MASTER_RATE, duration_ms
from audio.polish import polish
from speech.card import Card
from speech.errors import AudioUnusable, UnknownJob
from speech.ports import Area, AudioStore, Delivery, Synthesizer
from speech.proof import Proof, check_duration, prove
from speech.recipe import Recipe
from worker.airing import Airing
from worker.retrying import Retrying
from worker.take import Take

_FLAC = FORMATS["flac"]


@dataclass(frozen=True, kw_only=True)
class Master:
    """One utterance: files of 24 kHz PCM, `polished` as it is heard and, when it is new, `raw` as it was sent.

    Times in milliseconds.
    """

    name: str
    characters: int
    polished: Path
    raw: Path | None
    speak_mode: str
    attempts: int
    first_audio_ms: int
    spoken_ms: int
    proof: Proof


@dataclass(frozen=True, kw_only=True)
class Masters:
    """Finds, speaks and keeps masters. `clock` gives Unix seconds, `monotonic` seconds that never jump."""

    store: AudioStore
    synthesizer: Synthesizer
    speaking: Retrying
    insist: Retrying
    clock: Callable[[], float]
    monotonic: Callable[[], float]

    async def kept(self, text: str, *, recipe: Recipe, polished: Path) -> Master | None:
        """The master that the bucket has, in this file; None when there is none, or none that can be read."""
        name = recipe.utterance_name(text)
        card = await self.insist(lambda: self.store.card(name), name=recipe.job_name)
        if card is None:
            return None
        key = card.key
        try:
            flac = await self.insist(lambda: self.store.read(key), name=recipe.job_name)
            await asyncio.to_thread(lambda: polished.write_bytes(polish(decode_master(flac))))
            return Master(
                name=name,
                characters=len(text),
                polished=polished,
                raw=None,
                speak_mode=card.speak_modes[0],
                attempts=0,
                first_audio_ms=0,
                spoken_ms=0,
                proof=Proof.from_json(card.proof),
            )
        except (AudioUnusable, UnknownJob, LookupError, TypeError, ValueError):
            return None

    async def spoken(
        self, text: str, *, recipe: Recipe, airing: Airing, folder: Path, again: Callable[[], Awaitable[object]]
    ) -> Master:
        """A new master in this folder, aired while it is spoken; `again` runs before every further attempt.

        Raises a RenderError when it is given up.
        """
        attempts = 0

        async def attempt() -> Master:
            nonlocal attempts
            attempts += 1
            return await self._speak(text, recipe=recipe, airing=airing, folder=folder, attempts=attempts)

        return await self.speaking(attempt, name=recipe.job_name, again=again)

    async def keep(self, master: Master, *, recipe: Recipe, airing: Airing, folder: Path) -> None:
        """Puts a new master and then its card into the bucket; from then on it need not be on air."""
        raw = master.raw
        if raw is None:
            return
        samples = raw.stat().st_size // BYTES_PER_SAMPLE
        flac = await asyncio.to_thread(lambda: encode_master(raw.read_bytes()))
        await asyncio.to_thread(raw.unlink)
        sha256 = hashlib.sha256(flac).hexdigest()
        body, size = folder / f"{master.name}.{_FLAC.extension}", len(flac)
        await asyncio.to_thread(body.write_bytes, flac)
        del flac
        key = await self.insist(
            lambda: self.store.put(
                Area.MASTERS,
                master.name,
                body,
                sha256=sha256,
                extension=_FLAC.extension,
                content_type=_FLAC.content_type,
            ),
            name=recipe.job_name,
        )
        await asyncio.to_thread(body.unlink)
        card = Card(
            name=master.name,
            key=key,
            sha256=sha256,
            size=size,
            content_type=_FLAC.content_type,
            samples=samples,
            duration_ms=duration_ms(samples, MASTER_RATE),
            characters=master.characters,
            utterances=1,
            attempts=master.attempts,
            created_at=self.clock(),
            recipe=recipe.public_sound(),
            speak_modes=(master.speak_mode,),
            proof=master.proof.to_json(),
            timings={"first_audio_ms": master.first_audio_ms, "rendered_ms": master.spoken_ms},
        )
        await self.insist(lambda: self.store.put_card(card), name=recipe.job_name)
        await airing.let_go()

    async def _speak(self, text: str, *, recipe: Recipe, airing: Airing, folder: Path, attempts: int) -> Master:
        started, take = self.monotonic(), Take(airing, folder=folder, monotonic=self.monotonic)
        try:
            spoken = await self.synthesizer.speak(text, delivery=_delivery(recipe), on_audio=take.hear)
            ended = self.monotonic()
            # What is empty or silent is refused, and then it is spoken again.
            await take.finish()
            check_duration(text, take.seconds, speed=recipe.request.speed)
            proof = prove(text, spoken.transcript, pronunciations=recipe.request.pronunciations)
        except BaseException:
            await airing.again()
            raise
        await airing.end()
        return Master(
            name=recipe.utterance_name(text),
            characters=len(text),
            polished=take.polished,
            raw=take.raw,
            speak_mode=spoken.speak_mode,
            attempts=attempts,
            first_audio_ms=round((take.first_at - started) * 1000),
            spoken_ms=round((ended - started) * 1000),
            proof=proof,
        )


def _delivery(recipe: Recipe) -> Delivery:
    request = recipe.request
    return Delivery(
        voice=request.voice,
        speed=request.speed,
        language=request.language,
        pronunciations=request.pronunciations,
        speak_mode=recipe.speak_mode,
    )
