"""Live audio without a service: streams that the test airs itself, jobs that it ends, masters that it keeps."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace

from audio.join import Joiner
from audio.polish import polish
from speech.errors import Unavailable
from speech.job import Job, JobStatus
from speech.ports import Area, Lease, LiveKind, LivePiece
from speech.recipe import Recipe
from speech.utterances import cut
from storage.keys import object_key
from storage.memory_store import MemoryAudioStore
from tests.fakes.jobs import NOW, make_card
from tests.fakes.masters import flac_of
from tests.fakes.sounds import tone


@dataclass
class _Stream:
    entries: list[LivePiece] = field(default_factory=list)
    first: int = 0


class MemoryLiveStream:
    """Implements speech.ports.LiveStream; `now` is the token of every reading. A follower waits until `hush`."""

    def __init__(self, now: int | None = 1) -> None:
        self.now = now
        self.is_away = False
        self.followed = 0
        self._streams = defaultdict[tuple[int, int], _Stream](_Stream)
        self._changed = asyncio.Event()
        self._hushes = 0

    async def air(self, lease: Lease, pcm: bytes, *, utterance: int) -> None:
        self._add(lease, utterance, LivePiece(kind=LiveKind.PCM, pcm=pcm))

    async def again(self, lease: Lease, *, utterance: int) -> None:
        stream = self._streams[lease.token, utterance]
        stream.first = len(stream.entries)
        self._add(lease, utterance, LivePiece(kind=LiveKind.AGAIN))

    async def end(self, lease: Lease, *, utterance: int) -> None:
        self._add(lease, utterance, LivePiece(kind=LiveKind.END))

    async def let_go(self, lease: Lease, *, utterance: int) -> None:
        self._streams[lease.token, utterance] = _Stream()

    async def token(self, reading: str) -> int | None:
        if self.is_away:
            raise Unavailable("redis")
        return self.now

    async def follow(self, reading: str, *, token: int, utterance: int, seconds: float) -> AsyncGenerator[LivePiece]:
        self.followed += 1
        stream = self._streams[token, utterance]
        at = 0
        while True:
            at = max(at, stream.first)
            for piece in stream.entries[at:]:
                at += 1
                yield piece
                if piece.kind is LiveKind.END:
                    return
            changed, hushes = self._changed, self._hushes
            if at == len(stream.entries):
                await changed.wait()
            if self._hushes > hushes:
                return

    def hush(self, *, now: int | None) -> None:
        """Whoever follows has heard nothing for as long as it was willing to wait; the lease is this one's now."""
        self.now = now
        self._hushes += 1
        self._wake()

    def _add(self, lease: Lease, utterance: int, piece: LivePiece) -> None:
        self._streams[lease.token, utterance].entries.append(piece)
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class MemoryWatch:
    """Implements speech.ports.JobWatch for jobs that the test ends."""

    def __init__(self) -> None:
        self.is_open = True
        self._ended: dict[str, asyncio.Future[Job]] = {}

    async def close(self) -> None:
        self.is_open = False

    async def until_end(self, name: str, *, seconds: float) -> Job | None:
        return await asyncio.shield(self._end(name))

    async def until_changed(self, name: str, *, seen: tuple[int, int] | None, seconds: float) -> Job | None:
        """Nothing but the end changes these jobs."""
        return await self.until_end(name, seconds=seconds)

    def end(self, recipe: Recipe, status: JobStatus) -> None:
        """The job has ended like this."""
        self._end(recipe.job_name).set_result(replace(Job.born(recipe, now=NOW), status=status))

    def _end(self, name: str) -> asyncio.Future[Job]:
        return self._ended.setdefault(name, asyncio.get_running_loop().create_future())


class MemoryAudience:
    """Implements speech.ports.Audience; `told` are the jobs that somebody listened to."""

    def __init__(self) -> None:
        self.told = set[str]()

    async def listens(self, name: str, *, seconds: float) -> None:
        self.told.add(name)


@dataclass(frozen=True, kw_only=True)
class Voice:
    """What a recipe's utterances sound like: each a tone of its own."""

    recipe: Recipe

    @property
    def texts(self) -> list[str]:
        """The utterances."""
        return [utterance.text for utterance in cut(self.recipe.request.text)]

    def raw(self, number: int) -> bytes:
        """An utterance as the upstream would send it."""
        return tone(9_600 + 2_400 * number, hertz=200 + 40 * number)

    def polished(self, number: int) -> bytes:
        """The same as it is heard."""
        return polish(self.raw(number))

    def joined(self) -> bytes:
        """The whole reading."""
        joiner = Joiner()
        utterances = cut(self.recipe.request.text)
        return b"".join(joiner.add(self.polished(n), ending=part.ending) for n, part in enumerate(utterances))

    async def keep(self, store: MemoryAudioStore, number: int, *, raw: bytes | None = None) -> None:
        """Keeps the master of an utterance."""
        name = self.recipe.utterance_name(self.texts[number])
        flac = flac_of(raw or self.raw(number))
        key = object_key(Area.MASTERS, name, sha256=hashlib.sha256(flac).hexdigest(), extension="flac")
        store.objects[key] = flac
        await store.put_card(replace(make_card(self.recipe), name=name, key=key))
