"""The interfaces that cross rooms; floor 1 implements them, floor 2 wires them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from speech.card import Card
from speech.job import Cache, Job, JobError
from speech.recipe import Recipe
from speech.request import Lane


class Area(StrEnum):
    """The two kinds of audio in the bucket."""

    AUDIO = "audio"
    MASTERS = "masters"


class AudioStore(Protocol):
    """What is remembered: audio objects under their content's hash, and the cards that make them count."""

    async def ensure(self) -> None:
        """Makes the bucket when it is missing."""

    async def check(self) -> None:
        """Returns when the store answers; raises Unavailable otherwise."""

    async def card(self, name: str) -> Card | None:
        """The card of a name, or None when there is none; an outage raises Unavailable."""

    async def put(self, area: Area, name: str, body: Path, *, sha256: str, extension: str, content_type: str) -> str:
        """Puts a finished file whole and returns its key, `<area>/<name>/<sha256>.<extension>`."""

    async def put_card(self, card: Card) -> None:
        """Puts the card, which makes its object count; always the last step."""

    async def read(self, key: str, *, start: int = 0, end: int | None = None) -> bytes:
        """The object's bytes from `start` up to but not including `end`."""

    def stream(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The same bytes in pieces, for objects too large to hold."""

    async def presigned_url(self, key: str, *, seconds: int, content_type: str, file_name: str | None = None) -> str:
        """A URL by which a browser gets the object itself; `file_name` makes it a download."""


class Spool(Protocol):
    """Where masters wait, on this machine, until they are in the bucket; they survive the worker that bought them."""

    def keep(self, card: Card, content: bytes) -> AbstractAsyncContextManager[Path]:
        """Writes both down; the block puts them into the bucket. Left well, they are removed, else they wait.

        Raises Unavailable (`disk`), and leaves nothing, when there is no room.
        """

    async def find(self, name: str) -> tuple[Card, bytes] | None:
        """What waits under a name, its card and its content; None when there is nothing."""

    async def waiting(self) -> list[str]:
        """The entries that there are, those that somebody works on included."""

    def take(self, entry: str) -> AbstractAsyncContextManager[tuple[Card, Path] | None]:
        """As `keep` for one that waits; None when somebody else works on it, or did and is done."""


# Who asks without a key and without a client's id.
ANYBODY = ":"


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """The answer to asking for a job; `generation` counts how often it was started.

    `is_promoted`: it waited in the bulk lane, and the caller sends its task to the interactive one.
    """

    job: Job
    cache: Cache
    generation: int
    is_promoted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """The right to work on a reading. `token` grows with every lease: the fence against late writers."""

    reading: str
    token: int


class JobBoard(Protocol):
    """The only truth about jobs that are under way. All methods raise Unavailable when it does not answer."""

    async def check(self) -> None:
        """Returns when the board answers."""

    async def claim(self, recipe: Recipe, *, now: float, refresh: bool = False, caller: str = ANYBODY) -> Claim:
        """Starts the job or joins it, in one atomic step; Cache.MISS means: the caller sends the task.

        A recent failure is joined too, unless `refresh`. Raises QueueFull when it would be one too many.
        """

    async def job(self, name: str) -> Job | None:
        """The job's present state, or None when the board knows nothing of it."""

    async def order(self, name: str) -> Recipe | None:
        """What to render, or None when nobody waits for it any more (ended, or unknown)."""

    async def forget(self, name: str, *, generation: int) -> None:
        """Takes back a claim whose task could not be sent."""

    async def lost(self, name: str) -> None:
        """Forgets a ready job whose audio is no longer in the bucket, so that it can be asked for again."""

    async def lease(self, reading: str, *, seconds: float) -> Lease | None:
        """The right to work on a reading, or None while somebody else has it."""

    async def renew(self, lease: Lease, *, seconds: float) -> None:
        """Keeps the lease; raises StaleToken when it is somebody else's by now."""

    async def release(self, lease: Lease) -> None:
        """Gives the lease back; a lost one is left alone."""

    async def start(self, name: str, lease: Lease, *, now: float, utterances: int) -> Job:
        """queued → rendering, one attempt more; raises StaleToken after a newer lease's start."""

    async def progress(self, name: str, lease: Lease, *, done: int) -> None:
        """So many utterances of a rendering job are done; a stale token changes nothing."""

    async def finish(self, card: Card, lease: Lease | None = None) -> Job:
        """→ ready, with what the card says. A job that the board forgot comes back; a stale token raises StaleToken."""

    async def fail(self, name: str, lease: Lease | None, error: JobError) -> None:
        """→ failed, remembered for a minute; raises StaleToken for a stale one."""

    async def requeue(self, name: str, lease: Lease) -> None:
        """rendering → queued, by a worker that stops; raises StaleToken for a stale one."""


class Callers(Protocol):
    """Who wants the jobs that are under way: everybody who asked for one, and whoever hears it meanwhile."""

    async def withdraw(self, name: str, *, caller: str) -> None:
        """This caller no longer wants the job; it is cancelled when nobody else wants it.

        One that is being rendered goes on while another job on the same reading is wanted. Raises UnknownJob.
        """

    async def drop(self, name: str) -> None:
        """Cancels the job if nobody wants it any more, likewise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stray:
    """A live job that nobody works on. `is_hopeless`: whoever worked on it died, too often for it to be chance."""

    name: str
    lane: Lane
    is_hopeless: bool


class StrayJobs(Protocol):
    """Finds the jobs that are to be sent again; asked every second or so by every worker."""

    async def due(self) -> list[Stray]:
        """Queued jobs whose message may be lost, and such as lost their worker, which are queued again by then.

        Nobody else is told of the same ones, nor is anybody again until a while has passed; raises Unavailable.
        """


class Dispatch(Protocol):
    """The way of a job to the workers."""

    async def send(self, name: str, *, lane: Lane) -> None:
        """Puts the job's name into its lane's queue; raises Unavailable. It may arrive twice, or late."""

    async def check(self) -> None:
        """Returns when the queues can be reached; raises Unavailable otherwise."""


class JobWatch(Protocol):
    """Tells a process when jobs change."""

    @property
    def is_open(self) -> bool:
        """Whether it still listens; afterwards nobody is kept waiting."""

    async def close(self) -> None:
        """Stops to listen; whoever still waits gets the job as it stands."""

    async def until_end(self, name: str, *, seconds: float) -> Job | None:
        """Waits until the job stands at an end or the time is over; the job as it stands then, None if unknown."""

    async def until_changed(self, name: str, *, seen: tuple[int, int] | None, seconds: float) -> Job | None:
        """Waits until the job's stamp is another than `seen`, likewise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """How a text is to be spoken: what the upstream session is set to."""

    voice: str
    speed: float
    language: str
    pronunciations: tuple[tuple[str, str], ...]
    speak_mode: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoken:
    """What the upstream said of an utterance: the way it was really spoken, and the words when it sent them."""

    speak_mode: str
    transcript: str | None


class Synthesizer(Protocol):
    """Speaks one utterance, in one attempt."""

    async def speak(self, text: str, *, delivery: Delivery, on_audio: Callable[[bytes], Awaitable[None]]) -> Spoken:
        """Hands 24 kHz mono s16le PCM of any length to `on_audio` as it arrives; raises an UpstreamError."""


class TokenCache(Protocol):
    """Where a bearer for the upstream comes from."""

    async def bearer(self) -> str:
        """The key itself or an ephemeral token that is still good; raises an UpstreamError."""
