"""The sound of a reply: claimed as any job is, and told in one word and one sentence where there is none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from time import monotonic
from typing import Any

from api.services import Services
from audio.codecs import resolve_rendition
from speech.card import Card
from speech.client import XAI, Client
from speech.errors import InvalidRequest, ReciteError, UnknownJob
from speech.job import Cache, Job, JobStatus
from speech.markdown import speakable
from speech.ports import Claim
from speech.recipe import Recipe
from speech.request import SpeechRequest
from speech.text import is_speakable
from storage.paying import Payer

log = logging.getLogger(__name__)

# The chat waits no longer for a job's name, nor for bytes that are ready.
CLAIM_SECONDS, READ_SECONDS = 1.0, 1.0
# `auto` hands out no more than this within an answer, `data` no more than that.
_LIMITS = {"auto": 200_000, "data": 8_000_000, "url": 0, "none": 0}
# Longer replies don't come twice.
_HELD_WORDS = 2000
_REASONS = {
    "over_budget": "over_budget",
    "spend_limit": "over_budget",
    "queue_full": "busy",
    "upstream_unavailable": "upstream_down",
    "unavailable": "unavailable",
    "misconfigured": "unavailable",
    "text_too_long": "too_long",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Voiced:
    """What an answer says of its sound; `url` is None when there is none, and `reason` says why."""

    url: str | None = None
    kind: str = "none"
    cache: Cache | None = None
    job_id: str | None = None
    reason: str | None = None
    message: str | None = None

    def document(self) -> dict[str, Any]:
        """The members of an answer that tell of the sound."""
        audio = {"kind": self.kind, "cache": self.cache, "job_id": self.job_id, "reason": self.reason}
        return {"audio_url": self.url, "audio": {**audio, "message": self.message}}


def silent(reason: str, message: str, *, job_id: str | None = None) -> Voiced:
    """No sound, and why."""
    return Voiced(reason=reason, message=message, job_id=job_id)


OFF = silent("off", "No audio was asked for")
SILENT_PROVIDER = silent("provider_silent", "Only the provider xai speaks")
NOTHING = silent("nothing", "There is nothing in the reply that can be spoken")


@lru_cache(maxsize=1024)
def _spoken(
    words: str, is_markdown: bool, voice: str, format: str, pronunciations: tuple[tuple[str, str], ...]
) -> SpeechRequest | None:
    """What is to be spoken of a reply, or of its sentence; None when nothing can be. The same often comes again."""
    text = speakable(words) if is_markdown else words
    if not is_speakable(text):
        return None
    rendition = resolve_rendition(format, sample_rate=None, bit_rate=None)
    return SpeechRequest.of(text, voice=voice, rendition=rendition, pronunciations=dict(pronunciations))


@dataclass(frozen=True, kw_only=True)
class Voicing:
    """Speaks for one client and caller in one way. Nothing that goes wrong here is raised, nor waited for."""

    services: Services
    client: Client
    voice: str
    mode: str
    caller: str
    payer: Payer
    audio_url: Callable[[str], str]

    @property
    def silence(self) -> Voiced | None:
        """Why nothing is spoken whatever the reply is; None when it is."""
        if self.client.ai_provider != XAI:
            return SILENT_PROVIDER
        return OFF if self.mode == "none" else None

    async def reply(self, markdown: str) -> Voiced:
        """The sound of a whole reply; `data` waits for it, as long as the client allows."""
        if self.silence:
            return self.silence
        patience = self.client.data_wait_seconds if self.mode == "data" else 0
        return await self._voiced(markdown, is_markdown=True, patience=patience)

    async def sentence(self, text: str) -> Voiced:
        """The sound of a sentence of a reply that is still being written; never waits for it."""
        return await self._voiced(text, is_markdown=False, patience=0)

    async def kept(self, markdown: str) -> Voiced | None:
        """The sound of a whole reply if it is there already; None otherwise."""
        try:
            recipe = await self._recipe(markdown, is_markdown=True)
            async with asyncio.timeout(READ_SECONDS):
                card = None if recipe is None else await self.services.card(recipe.job_name)
        except (ReciteError, TimeoutError):
            return None
        return None if card is None else self._by_url(card.name, Cache.HIT)

    async def _voiced(self, words: str, *, is_markdown: bool, patience: float) -> Voiced:
        started, name = monotonic(), None
        try:
            recipe = await self._recipe(words, is_markdown=is_markdown)
            if recipe is None:
                return NOTHING
            name = recipe.job_name
            if hit := self._held(name):
                return hit
            claim = await self._claim(recipe)
            job = claim.job
            if patience and not job.status.is_end:
                job = await self._awaited(job, seconds=patience - (monotonic() - started))
            return await self._delivered(job, claim.cache)
        except TimeoutError:
            log.warning("[X.AI TTS] %s: could not be asked for in time", name)
            return silent("timeout", "The audio could not be asked for in time", job_id=name)
        except ReciteError as error:
            log.warning("[X.AI TTS] %s: the chat stays silent: %s", name, error.code)
            return silent(_REASONS.get(error.code, "failed"), _sentence(error), job_id=name)
        except Exception:
            log.exception("[X.AI TTS] %s: the chat stays silent", name)
            return silent("failed", "The audio could not be made", job_id=name)

    async def _recipe(self, words: str, *, is_markdown: bool) -> Recipe | None:
        # Players within pages take WAV from a data URL, and anything from an address.
        format = self.client.format or ("mp3" if self.mode == "url" else "wav")
        asked = words, is_markdown, self.voice, format, self.client.pronunciations
        # Reading a long one takes a while.
        is_long = len(words) > _HELD_WORDS
        request = await asyncio.to_thread(_spoken.__wrapped__, *asked) if is_long else _spoken(*asked)
        return None if request is None else self.services.scoped(self.services.recipe(request), self.client)

    def _held(self, name: str) -> Voiced | None:
        """The sound if this process knows and holds all of it: nobody is asked then, but it counts as any hit."""
        card = self.services.held_card(name)
        if card is None:
            return None
        voiced = self._by_url(name, Cache.HIT)
        if card.size < _LIMITS[self.mode]:
            url = self.services.popular.held_data_url(card)
            if url is None:
                return None
            voiced = replace(voiced, url=url, kind="data")
        self.services.paying.served(self.payer, card)
        return voiced

    async def _claim(self, recipe: Recipe) -> Claim:
        async with asyncio.timeout(CLAIM_SECONDS):
            return await self.services.claim(recipe, refresh=False, caller=self.caller, payer=self.payer)

    async def _awaited(self, job: Job, *, seconds: float) -> Job:
        """The job as it stands when it has ended, or when the time is over."""
        try:
            async with asyncio.timeout(max(0, seconds)):
                return await self.services.job(job.name, wait=max(0, seconds)) or job
        except (ReciteError, TimeoutError):
            return job

    async def _delivered(self, job: Job, cache: Cache) -> Voiced:
        if job.error is not None:
            log.warning("[X.AI TTS] %s: the chat stays silent: %s", job.name, job.error.code)
            return silent("failed", job.error.message, job_id=job.name)
        by_url = self._by_url(job.name, cache)
        if job.status is not JobStatus.READY or (job.size or 0) >= _LIMITS[self.mode]:
            return by_url
        try:
            async with asyncio.timeout(READ_SECONDS):
                card = await self.services.card(job.name)
                return by_url if card is None else replace(by_url, url=await self._data_url(card), kind="data")
        except (ReciteError, TimeoutError):
            log.warning("[X.AI TTS] %s: its bytes did not come in time; the chat answers with its URL", job.name)
            return by_url

    async def _data_url(self, card: Card) -> str:
        try:
            return await self.services.popular.data_url(card)
        except UnknownJob:
            await self.services.lost(card.name)
            raise

    def _by_url(self, name: str, cache: Cache) -> Voiced:
        return Voiced(url=self.audio_url(name), kind="url", cache=cache, job_id=name)


def _sentence(error: ReciteError) -> str:
    return error.title if isinstance(error, InvalidRequest) else error.detail
