"""The master of an utterance: the one that is kept, or a new one, spoken until it is sound."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from audio.codecs import FORMATS
from audio.masters import decode_master, encode_master
from audio.pcm import MASTER_RATE, PcmStitcher, duration_ms, sample_count
from audio.polish import polish
from speech.card import Card
from speech.errors import AudioUnusable, Unavailable, UnknownJob
from speech.ports import Area, AudioStore, Delivery, Spool, Synthesizer
from speech.proof import Proof, check_duration, prove
from speech.recipe import Recipe
from storage.keys import object_key
from worker.retrying import Retrying

_FLAC = FORMATS["flac"]


@dataclass(frozen=True, kw_only=True)
class Master:
    """One utterance at 24 kHz: `pcm` as the upstream sent it, `polished` as it is heard. Times in milliseconds."""

    name: str
    characters: int
    pcm: bytes
    polished: bytes
    speak_mode: str
    attempts: int
    first_audio_ms: int
    spoken_ms: int
    proof: Proof

    def without_audio(self) -> Master:
        """What is known of it, for as long as the whole reading takes."""
        return replace(self, pcm=b"", polished=b"")


@dataclass(frozen=True, kw_only=True)
class Masters:
    """Finds, speaks and keeps masters. `clock` gives Unix seconds, `monotonic` seconds that never jump."""

    store: AudioStore
    spool: Spool
    synthesizer: Synthesizer
    speaking: Retrying
    insist: Retrying
    clock: Callable[[], float]
    monotonic: Callable[[], float]

    async def kept(self, text: str, *, recipe: Recipe) -> Master | None:
        """The master that the spool or the bucket has; None when there is none, or none that can be read."""
        name = recipe.utterance_name(text)
        try:
            found = await self.spool.find(name) or await self._stored(name, recipe=recipe)
            if found is None:
                return None
            card, flac = found
            pcm = await asyncio.to_thread(decode_master, flac)
            polished = await asyncio.to_thread(polish, pcm)
            return Master(
                name=name,
                characters=len(text),
                pcm=pcm,
                polished=polished,
                speak_mode=card.speak_modes[0],
                attempts=0,
                first_audio_ms=0,
                spoken_ms=0,
                proof=Proof.from_json(card.proof),
            )
        except (AudioUnusable, UnknownJob, LookupError, TypeError, ValueError):
            return None

    async def spoken(self, text: str, *, recipe: Recipe, again: Callable[[], Awaitable[object]]) -> Master:
        """A new master; `again` runs before every further attempt. Raises a RenderError when it is given up."""
        attempts = 0

        async def attempt() -> Master:
            nonlocal attempts
            attempts += 1
            return await self._speak(text, recipe=recipe, attempts=attempts)

        return await self.speaking(attempt, name=recipe.job_name, again=again)

    async def _stored(self, name: str, *, recipe: Recipe) -> tuple[Card, bytes] | None:
        card = await self.insist(lambda: self.store.card(name), name=recipe.job_name)
        if card is None:
            return None
        key = card.key
        return card, await self.insist(lambda: self.store.read(key), name=recipe.job_name)

    async def keep(self, master: Master, *, recipe: Recipe, folder: Path) -> None:
        """Puts a new master and then its card into the bucket; while that is away they wait in the spool.

        Raises Unavailable when it stays away. Without room in the spool they wait as long, but in the `folder` of the
        render; without room there, too, Unavailable (`disk`) is raised at once.
        """
        flac = await asyncio.to_thread(encode_master, master.pcm)
        card = self._card(master, flac, recipe=recipe)
        # It may be long until the bucket is back.
        master = master.without_audio()
        try:
            async with self.spool.keep(card, flac) as body:
                await self.insist(lambda: put_master(self.store, card, body), name=recipe.job_name)
        except Unavailable as error:
            if error.dependency != "disk":
                raise
            body = await asyncio.to_thread(_written, folder / f"{card.name}.{_FLAC.extension}", flac)
            await self.insist(lambda: put_master(self.store, card, body), name=recipe.job_name)
            await asyncio.to_thread(body.unlink)

    def _card(self, master: Master, flac: bytes, *, recipe: Recipe) -> Card:
        samples, sha256 = sample_count(master.pcm), hashlib.sha256(flac).hexdigest()
        return Card(
            name=master.name,
            key=object_key(Area.MASTERS, master.name, sha256=sha256, extension=_FLAC.extension),
            sha256=sha256,
            size=len(flac),
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

    async def _speak(self, text: str, *, recipe: Recipe, attempts: int) -> Master:
        started, first = self.monotonic(), 0.0
        stitcher, pieces = PcmStitcher(), []

        async def listen(pcm: bytes) -> None:
            nonlocal first
            first = first or self.monotonic()
            pieces.append(stitcher.feed(pcm))

        spoken = await self.synthesizer.speak(text, delivery=_delivery(recipe), on_audio=listen)
        ended, pcm = self.monotonic(), b"".join(pieces)
        # Polishing refuses what is empty or silent, and then it is spoken again.
        polished = await asyncio.to_thread(polish, pcm)
        seconds = sample_count(polished) / MASTER_RATE
        check_duration(text, seconds, speed=recipe.request.speed)
        return Master(
            name=recipe.utterance_name(text),
            characters=len(text),
            pcm=pcm,
            polished=polished,
            speak_mode=spoken.speak_mode,
            attempts=attempts,
            first_audio_ms=round((first - started) * 1000),
            spoken_ms=round((ended - started) * 1000),
            proof=prove(text, spoken.transcript, pronunciations=recipe.request.pronunciations),
        )


async def put_master(store: AudioStore, card: Card, body: Path) -> None:
    """Puts a master's file and then its card, in one attempt; what is there already is left alone."""
    await store.put(
        Area.MASTERS,
        card.name,
        body,
        sha256=card.sha256,
        extension=_FLAC.extension,
        content_type=_FLAC.content_type,
    )
    await store.put_card(card)


def _written(body: Path, content: bytes) -> Path:
    try:
        body.write_bytes(content)
    except OSError as error:
        body.unlink(missing_ok=True)
        raise Unavailable("disk") from error
    return body


def _delivery(recipe: Recipe) -> Delivery:
    request = recipe.request
    return Delivery(
        voice=request.voice,
        speed=request.speed,
        language=request.language,
        pronunciations=request.pronunciations,
        speak_mode=recipe.speak_mode,
    )
