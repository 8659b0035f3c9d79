"""Reads a reading's sound in order: what is spoken now from its live streams, what was spoken from its masters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

from audio.join import Joiner
from audio.masters import decode_master
from audio.polish import polish
from speech.errors import AudioUnusable, CutOff, Unavailable, UnknownJob
from speech.ports import AudioStore, LiveKind, LiveStream
from speech.recipe import Recipe
from speech.utterances import cut

# How long a live stream may be silent before its token and its master are looked at again.
_SILENT_SECONDS = 1.0
# Between two looks for a token: the render's first sound comes later than the second.
_TOKEN_DELAYS = (0.0, 0.02, 0.03, 0.05, 0.1, 0.2, 0.2, 0.2, 0.2)
# A bucket that hangs must not delay what is spoken: once for each utterance, and not long.
_FIRST_LOOK_SECONDS = 0.3


@dataclass(frozen=True, kw_only=True)
class LiveReader:
    """Needs no state of its own; one serves every reading of the process."""

    live: LiveStream
    store: AudioStore
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    async def pcm(self, recipe: Recipe, *, is_over: Callable[[], bool]) -> AsyncGenerator[bytes]:
        """Every sample of the joined reading from the first one on, as it comes: 24 kHz s16le.

        Raises CutOff when what was handed on is void, or when the render is over and its sound is nowhere.
        """
        joiner, request = Joiner(), recipe.request
        utterances = await asyncio.to_thread(cut, request.text, language=request.language)
        for number, utterance in enumerate(utterances):
            part = _Part(reader=self, recipe=recipe, number=number, text=utterance.text, is_over=is_over)
            begun = False
            async with aclosing(part.pieces()) as pieces:
                async for pcm in pieces:
                    yield pcm if begun else joiner.add(pcm, ending=utterance.ending)
                    begun = True


@dataclass(kw_only=True)
class _Part:
    """One utterance of a reading. What was handed on of it is kept: whatever it is continued from must begin so."""

    reader: LiveReader
    recipe: Recipe
    number: int
    text: str
    is_over: Callable[[], bool]
    token: int | None = None
    is_complete: bool = False
    has_looked: bool = False
    heard: bytearray = field(default_factory=bytearray)

    async def pieces(self) -> AsyncGenerator[bytes]:
        while True:
            was_over, before = self.is_over(), len(self.heard)
            master = await self._master()
            if master is not None:
                yield self._unheard(master, at=0)
                return
            async with aclosing(self._aired()) as aired:
                async for pcm in aired:
                    yield pcm
            if self.is_complete:
                return
            if was_over and len(self.heard) == before:
                raise CutOff

    async def _aired(self) -> AsyncGenerator[bytes]:
        """What the present lease's stream has beyond what was heard, until it ends or is silent for a while."""
        token = await self._token()
        if token is None:
            return
        if self.heard and token != self.token:
            raise CutOff
        self.token, at = token, 0
        live, reading = self.reader.live, self.recipe.reading_name
        follow = live.follow(reading, token=token, utterance=self.number, seconds=_SILENT_SECONDS)
        with suppress(Unavailable):
            async with aclosing(follow) as pieces:
                async for piece in pieces:
                    if piece.kind is LiveKind.END:
                        self.is_complete = 0 < at == len(self.heard)
                        return
                    if piece.kind is LiveKind.AGAIN and at:
                        raise CutOff
                    pcm, at = self._unheard(piece.pcm, at=at), at + len(piece.pcm)
                    if pcm:
                        yield pcm

    def _unheard(self, pcm: bytes, *, at: int) -> bytes:
        """What is new of PCM that stands `at` this byte of the utterance; raises CutOff when the rest differs."""
        known = bytes(self.heard[at : at + len(pcm)])
        if not pcm.startswith(known):
            raise CutOff
        new = pcm[len(known) :]
        self.heard += new
        return new

    async def _token(self) -> int | None:
        """The token of the lease that the reading is under; waits a second for one."""
        for delay in _TOKEN_DELAYS:
            await self.reader.sleep(delay)
            with suppress(Unavailable):
                token = await self.reader.live.token(self.recipe.reading_name)
                if token is not None:
                    return token
        return None

    async def _master(self) -> bytes | None:
        """The polished sound of the master that the bucket has; None when there is none, or none that can be read."""
        store, name = self.reader.store, self.recipe.utterance_name(self.text)
        seconds, self.has_looked = None if self.has_looked else _FIRST_LOOK_SECONDS, True
        try:
            async with asyncio.timeout(seconds):
                card = await store.card(name)
            return None if card is None else await asyncio.to_thread(_polished, await store.read(card.key))
        except (AudioUnusable, Unavailable, UnknownJob, TimeoutError):
            return None


def _polished(flac: bytes) -> bytes:
    return polish(decode_master(flac))
