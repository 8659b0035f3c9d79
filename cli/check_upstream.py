"""The doctor's checks of the upstream: the key opens it, and it speaks."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from audio.codecs import resolve_rendition
from audio.file import AudioFile
from audio.polish import polish
from cli.failure import Failure
from settings import Settings
from speech.errors import (
    KeyRejected,
    ReciteError,
    SettingsRefused,
    UpstreamBusy,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from speech.ports import Delivery
from xai.alone import OwnBreaker, OwnSeats
from xai.client import RealtimeClient
from xai.pool import SessionPool
from xai.tokens import EphemeralTokens, KeyBearer

OUTPUT = Path("test_output.wav")

_PHRASE = "Hello! If you can hear this, speech works from end to end."
_ADVICE = {
    KeyRejected: "correct XAI_API_KEY",
    SettingsRefused: "choose another VOICE or XAI_MODEL",
    UpstreamBusy: "wait for other sessions of this key to end, or lower XAI_MAX_SESSIONS",
    UpstreamTimeout: "look at the network and at RENDER_TIMEOUT",
    UpstreamUnreachable: "look at the network, at API_URL and XAI_REST_URL",
}


@dataclass(slots=True)
class _Heard:
    """What came back so far, and when the first of it did."""

    pcm: bytearray = field(default_factory=bytearray)
    first_at: float | None = None

    async def take(self, pcm: bytes) -> None:
        self.first_at = self.first_at or time.monotonic()
        self.pcm += pcm


def token(given: Settings, settings: Settings) -> str:
    """The token endpoint takes the key."""
    _need_key(settings)
    try:
        asyncio.run(_token(settings))
    except ReciteError as error:
        raise _failure(error, given, settings) from None
    place = urlsplit(settings.xai.rest_url).netloc
    return f"accepted by {place}" if given.xai.api_key else f"accepted by the simulator at {place}"


def phrase(given: Settings, settings: Settings) -> str:
    """One phrase is spoken straight through the upstream and saved."""
    _need_key(settings)
    heard, began = _Heard(), time.monotonic()
    try:
        mode = asyncio.run(_speak(settings, heard))
        pcm = polish(bytes(heard.pcm[: len(heard.pcm) // 2 * 2]))
        with AudioFile(OUTPUT, rendition=resolve_rendition("wav")) as file:
            file.feed(pcm)
    except ReciteError as error:
        raise _failure(error, given, settings) from None
    except OSError as error:
        raise Failure(f"{OUTPUT} can't be written here: {error.strerror}") from None
    waited = (heard.first_at or began) - began
    seconds = file.duration_ms / 1000
    speaker = "" if given.xai.api_key else "spoken by the simulator, "
    return f"{speaker}{seconds:.1f} s by {mode}, first sound after {waited * 1000:.0f} ms; listen to {OUTPUT}"


async def _token(settings: Settings) -> None:
    tokens = EphemeralTokens(settings.xai_key, rest_url=settings.xai.rest_url)
    try:
        await tokens.bearer()
    finally:
        await tokens.aclose()


async def _speak(settings: Settings, heard: _Heard) -> str:
    xai = settings.xai
    tokens = EphemeralTokens(settings.xai_key, rest_url=xai.rest_url)
    bearers = tokens if xai.auth == "ephemeral" else KeyBearer(settings.xai_key)
    opener = RealtimeClient(xai.realtime_url, model=xai.model, bearers=bearers)
    delivery = Delivery(
        voice=settings.server.voice, speed=1.0, language="auto", pronunciations=(), speak_mode=xai.speak_mode
    )
    try:
        seconds = xai.render_timeout.total_seconds()
        async with SessionPool(opener, seats=OwnSeats(1), breaker=OwnBreaker(), utterance_seconds=seconds) as pool:
            spoken = await pool.speak(_PHRASE, delivery=delivery, on_audio=heard.take)
    finally:
        await tokens.aclose()
    return spoken.speak_mode


def _need_key(settings: Settings) -> None:
    if settings.xai.api_key is None:
        raise Failure("XAI_API_KEY is not set: set it in .env, or run ./start.sh for the simulator")


def _failure(error: ReciteError, given: Settings, settings: Settings) -> Failure:
    if given.xai.api_key is None and isinstance(error, UpstreamUnreachable):
        return Failure("the simulator is not running: start everything with ./start.sh, or set XAI_API_KEY")
    advice = next((words for kind, words in _ADVICE.items() if isinstance(error, kind)), "try again")
    host = urlsplit(settings.xai.realtime_url).netloc
    return Failure(f"{error.detail} ({host}): {advice}")
