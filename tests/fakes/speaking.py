"""What a reading needs to be made without any service: a voice, somebody who listens, a board that lets it begin."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable

from speech.job import Job, JobStatus
from speech.ports import Delivery, Lease, LiveKind, LivePiece, Spoken
from tests.fakes.jobs import NOW, make_recipe
from tests.fakes.sounds import spoken

CHUNK = 4_800


class FakeVoice:
    """A Synthesizer that speaks at once, or waits at the gates of a text: `before` its sound, `amid` or `after` it.

    `problems` of a text are raised, one for each attempt, when half of its sound was sent.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.silent = asyncio.Event()
        self.problems: dict[str, list[Exception]] = defaultdict(list)
        self.words: dict[str, str] = {}
        self.gates: dict[tuple[str, str], asyncio.Event] = {}
        self.reached: dict[tuple[str, str], asyncio.Event] = defaultdict(asyncio.Event)

    def hold(self, text: str, at: str) -> asyncio.Event:
        """Closes a gate; it opens when what is returned is set."""
        return self.gates.setdefault((text, at), asyncio.Event())

    async def speak(self, text: str, *, delivery: Delivery, on_audio: Callable[[bytes], Awaitable[None]]) -> Spoken:
        self.asked.append(text)
        self.at_once += 1
        self.silent.clear()
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self._speak(text, on_audio)
        finally:
            self.at_once -= 1
            if not self.at_once:
                self.silent.set()
        return Spoken(speak_mode=delivery.speak_mode, transcript=self.words.pop(text, text))

    async def _speak(self, text: str, on_audio: Callable[[bytes], Awaitable[None]]) -> None:
        pcm = sound_of(text)
        half = len(pcm) // 4 * 2
        await self._pass(text, "before")
        await _sent(pcm[:half], on_audio)
        await self._pass(text, "amid")
        if self.problems[text]:
            raise self.problems[text].pop(0)
        await _sent(pcm[half:], on_audio)
        await self._pass(text, "after")

    async def _pass(self, text: str, at: str) -> None:
        self.reached[text, at].set()
        if gate := self.gates.get((text, at)):
            await gate.wait()


def sound_of(text: str) -> bytes:
    """What the voice makes of a text, as it sends it: it ends with a pause."""
    return spoken(round(len(text) / 15 * 4) / 4)


async def _sent(pcm: bytes, on_audio: Callable[[bytes], Awaitable[None]]) -> None:
    for start in range(0, len(pcm), CHUNK):
        await on_audio(pcm[start : start + CHUNK])


class Listener:
    """A LiveStream in memory: what was aired of each utterance, and what was let go."""

    def __init__(self) -> None:
        self.pieces: dict[int, list[LivePiece]] = defaultdict(list)
        self.left: set[int] = set()

    def heard(self, utterance: int) -> bytes:
        """What counts of an utterance in the end."""
        sound = b""
        for piece in self.pieces[utterance]:
            sound = b"" if piece.kind is LiveKind.AGAIN else sound + piece.pcm
        return sound

    def kinds(self, utterance: int) -> list[LiveKind]:
        """What came, sound that followed sound left out."""
        kinds = [piece.kind for piece in self.pieces[utterance]]
        return [kind for before, kind in zip([None, *kinds], kinds, strict=False) if kind is not before]

    async def air(self, lease: Lease, pcm: bytes, *, utterance: int) -> None:
        self.pieces[utterance].append(LivePiece(kind=LiveKind.PCM, pcm=pcm))

    async def again(self, lease: Lease, *, utterance: int) -> None:
        self.pieces[utterance].append(LivePiece(kind=LiveKind.AGAIN))

    async def end(self, lease: Lease, *, utterance: int) -> None:
        self.pieces[utterance].append(LivePiece(kind=LiveKind.END))

    async def let_go(self, lease: Lease, *, utterance: int) -> None:
        self.left.add(utterance)

    async def token(self, reading: str) -> int | None:
        return None

    async def follow(self, reading: str, *, token: int, utterance: int, seconds: float) -> AsyncGenerator[LivePiece]:
        for piece in self.pieces[utterance]:
            yield piece


class BegunBoard:
    """As much of a JobBoard as a reading needs: every start is fine."""

    def __init__(self) -> None:
        self.done: list[int] = []

    async def progress(self, name: str, lease: Lease, *, done: int) -> None:
        self.done.append(done)

    async def start(self, name: str, lease: Lease, *, now: float, utterances: int) -> Job:
        recipe = make_recipe()
        return Job(
            name=name,
            status=JobStatus.RENDERING,
            voice=recipe.request.voice,
            format=recipe.request.rendition.format,
            sample_rate=24_000,
            characters=1,
            created_at=NOW,
            attempts=1,
        )
