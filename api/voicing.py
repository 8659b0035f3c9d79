"""The sound of a reply: claimed as any job is, and told in one word and one sentence where there is none."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from api.services import Services
from audio.codecs import resolve_rendition
from speech.card import Card
from speech.client import Client
from speech.errors import InvalidRequest, ReciteError
from speech.job import Cache, Job, JobStatus
from speech.markdown import speakable
from speech.recipe import Recipe
from speech.request import SpeechRequest
from speech.text import is_speakable

log = logging.getLogger(__name__)

# The chat waits no longer for a job's name, nor for bytes that are ready.
CLAIM_SECONDS, READ_SECONDS = 1.0, 1.0
# `auto` hands out no more than this within an answer, `data` no more than that.
AUTO_BYTES, DATA_BYTES = 200_000, 8_000_000
_PROVIDER_THAT_SPEAKS = "xai"
_REASONS = {
    "over_budget": "over_budget",
    "spend_limit": "over_budget",
    "rate_limited": "over_rate",
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


@dataclass(frozen=True, kw_only=True)
class Voicing:
    """Speaks for one client and caller in one way. Nothing that goes wrong here is raised, nor waited for."""

    services: Services
    client: Client
    voice: str
    mode: str
    caller: str
    audio_url: Callable[[str], str]

    @property
    def silence(self) -> Voiced | None:
        """Why nothing is spoken whatever the reply is; None when it is."""
        if self.client.ai_provider != _PROVIDER_THAT_SPEAKS:
            return SILENT_PROVIDER
        return OFF if self.mode == "none" else None

    async def reply(self, markdown: str) -> Voiced:
        """The sound of a whole reply; `data` waits for it, as long as the client allows."""
        if self.silence:
            return self.silence
        return await self._voiced(lambda: speakable(markdown), patience=self._patience)

    async def sentence(self, text: str) -> Voiced:
        """The sound of a sentence of a reply that is still being written; never waits for it."""
        return await self._voiced(lambda: text, patience=0)

    async def kept(self, markdown: str) -> Voiced | None:
        """The sound of a whole reply if it is there already; None otherwise."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                card = await self.services.card(self._recipe(speakable(markdown)).job_name)
        except (ReciteError, TimeoutError):
            return None
        return None if card is None else self._by_url(Job.ready(card), Cache.HIT)

    @property
    def _patience(self) -> float:
        return self.client.data_wait_seconds if self.mode == "data" else 0

    async def _voiced(self, words: Callable[[], str], *, patience: float) -> Voiced:
        started, name = monotonic(), None
        try:
            text = words()
            if not is_speakable(text):
                return NOTHING
            recipe = self._recipe(text)
            name = recipe.job_name
            async with asyncio.timeout(CLAIM_SECONDS):
                claim = await self.services.claim(recipe, refresh=False, caller=self.caller)
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

    def _recipe(self, text: str) -> Recipe:
        # Players within pages take WAV from a data URL, and anything from an address.
        format = self.client.format or ("mp3" if self.mode == "url" else "wav")
        request = SpeechRequest.of(
            text,
            voice=self.voice,
            rendition=resolve_rendition(format, sample_rate=None, bit_rate=None),
            pronunciations=dict(self.client.pronunciations),
        )
        return self.services.recipe(request)

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
        by_url = self._by_url(job, cache)
        limit = {"auto": AUTO_BYTES, "data": DATA_BYTES}.get(self.mode, 0)
        if job.status is not JobStatus.READY or (job.size or 0) >= limit:
            return by_url
        try:
            async with asyncio.timeout(READ_SECONDS):
                card = await self.services.card(job.name)
                content = None if card is None else await self.services.content(card)
        except (ReciteError, TimeoutError):
            log.warning("[X.AI TTS] %s: its bytes did not come in time; the chat answers with its URL", job.name)
            return by_url
        return by_url if card is None or content is None else replace(by_url, url=data_url(card, content), kind="data")

    def _by_url(self, job: Job, cache: Cache) -> Voiced:
        return Voiced(url=self.audio_url(job.name), kind="url", cache=cache, job_id=job.name)


def data_url(card: Card, content: bytes) -> str:
    """The audio as a URL that needs no other request."""
    return f"data:{card.content_type};base64,{base64.b64encode(content).decode()}"


def _sentence(error: ReciteError) -> str:
    return error.title if isinstance(error, InvalidRequest) else error.detail
