"""The interfaces that cross rooms; floor 1 implements them, floor 2 wires them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from speech.card import Card
from speech.job import Cache, Job, JobError
from speech.recipe import Recipe
from speech.request import Lane
from speech.upstream_key import UpstreamKey
from speech.usage import Allowance, Purse


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

    async def use(self, utterance: str, *, job: str) -> None:
        """Marks that a job uses a master: before it looks whether there is one, or before it puts one."""

    async def read(self, key: str, *, start: int = 0, end: int | None = None) -> bytes:
        """The object's bytes from `start` up to but not including `end`."""

    def stream(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The same bytes in pieces, for objects too large to hold."""

    async def presigned_url(self, key: str, *, seconds: int, content_type: str, file_name: str | None = None) -> str:
        """A URL by which a browser gets the object itself; `file_name` makes it a download."""


class Spool(Protocol):
    """Where masters wait, on this machine, until they are in the bucket; they survive the worker that bought them."""

    def keep(self, card: Card, content: Path) -> AbstractAsyncContextManager[Path]:
        """Copies a file here, with its card; the block puts them into the bucket. Left well, they go, else they wait.

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

    `is_promoted`: it waited in the bulk lane, and the caller sends its task to the interactive one. `allowance`: how a
    client with a rate stands.
    """

    job: Job
    cache: Cache
    generation: int
    is_promoted: bool = False
    allowance: Allowance | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """The right to work on a reading. `token` grows with every lease: the fence against late writers."""

    reading: str
    token: int


class JobBoard(Protocol):
    """The only truth about jobs that are under way. All methods raise Unavailable when it does not answer."""

    async def check(self) -> None:
        """Returns when the board answers."""

    async def claim(
        self,
        recipe: Recipe,
        *,
        now: float,
        refresh: bool = False,
        caller: str = ANYBODY,
        purse: Callable[[], Purse] | None = None,
    ) -> Claim:
        """Starts the job or joins it, in one atomic step; Cache.MISS means: the caller sends the task.

        A recent failure is joined too, unless `refresh`. Raises QueueFull when it would be one too many. What a start
        may come to is reserved in the same step, until the job ends: raises OverBudget or SpendLimit when that is more
        than the purse, which hits don't ask for, has; Unread when nobody knows.
        """

    async def job(self, name: str) -> Job | None:
        """The job's present state, or None when the board knows nothing of it."""

    async def order(self, name: str) -> Recipe | None:
        """What to render, or None when nobody waits for it any more (ended, or unknown)."""

    async def forget(self, name: str, *, generation: int) -> None:
        """Takes back a claim whose task could not be sent; a job that somebody joined meanwhile stays queued."""

    async def lost(self, name: str) -> None:
        """Forgets a ready job whose audio is no longer in the bucket, so that it can be asked for again."""

    async def lease(self, reading: str, *, seconds: float) -> Lease | None:
        """The right to work on a reading, or None while somebody else has it."""

    async def renew(self, lease: Lease, *, seconds: float) -> bool:
        """Keeps the lease, and tells whether the board had lost it; raises StaleToken when it is somebody else's."""

    async def release(self, lease: Lease) -> None:
        """Gives the lease back; a lost one is left alone."""

    async def restore(self, recipe: Recipe, lease: Lease, *, now: float) -> None:
        """A job that is being rendered is known again to a board that forgot it; any other stays as it is."""

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

    async def clients(self, name: str) -> list[str]:
        """The clients for whom the job is wanted, in the order in which they asked; empty for those who named none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stray:
    """A live job that nobody works on, or whose worker died: that had its turn before.

    `is_hopeless`: whoever worked on it died, too often for it to be chance.
    """

    name: str
    lane: Lane
    had_its_turn: bool
    is_hopeless: bool


class StrayJobs(Protocol):
    """Finds the jobs that are to be sent again; asked every second or so by every worker."""

    async def due(self) -> list[Stray]:
        """Queued jobs whose message may be lost, and such as lost their worker, which are queued again by then.

        Nobody else is told of the same ones, nor is anybody again until a while has passed; raises Unavailable.
        """

    async def unsent(self, strays: Sequence[Stray]) -> None:
        """These could not be sent: they are told again in a few seconds, not later and later."""


class Dispatch(Protocol):
    """The way of a job, or of what else has a name, to the workers."""

    async def send(self, name: str, *, lane: str, is_first: bool = False) -> None:
        """Puts the name into the lane's queue, or before all others; raises Unavailable.

        It may arrive twice, or late.
        """

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
    """How a text is to be spoken: what the upstream session is set to, how urgent it is, and with whose key.

    `place` is the utterance's number in its reading: a long reading's later ones let others pass.
    """

    voice: str
    speed: float
    language: str
    pronunciations: tuple[tuple[str, str], ...]
    speak_mode: str
    lane: Lane = Lane.INTERACTIVE
    place: int = 0
    key: UpstreamKey | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoken:
    """What the upstream said of an utterance: the way it was really spoken, and the words when it sent them."""

    speak_mode: str
    transcript: str | None


class Synthesizer(Protocol):
    """Speaks one utterance, in one attempt."""

    async def speak(self, text: str, *, delivery: Delivery, on_audio: Callable[[bytes], Awaitable[None]]) -> Spoken:
        """Hands 24 kHz mono s16le PCM of any length to `on_audio` as it arrives; raises an UpstreamError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """What a process does with upstream sessions now: how many callers it serves and lets wait, by lane.

    Beside them it has `idle` sessions and some that are `closing`; the longest of its callers waits for `waited`
    seconds. Whatever it holds is in these numbers. `most_live` above 0: they are conversations, which come before all
    others and are never taken away, but no more than so many in the whole group.
    """

    serving: Mapping[Lane, int]
    waiting: Mapping[Lane, int]
    idle: int
    closing: int
    waited: float
    most_live: int = 0

    @property
    def open(self) -> int:
        """How many seats it goes on to need."""
        return sum(self.serving.values()) + self.idle


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """A process's part of the sessions: how many it may have, and how many callers of each lane it may serve at once.

    The seat of one that is closing is not among them: whoever waits longest may get it.
    `owed` of them others wait for: idle ones are closed at once, then those that come free.
    """

    seats: int
    callers: Mapping[Lane, int]
    owed: int


class Seats(Protocol):
    """One process's place among all that share a quota group's sessions. Raises Unavailable when it can't ask."""

    async def settle(self, need: Need) -> Share:
        """Says what the process has and wants; its share from now on. Without a word for seconds it has nothing."""

    async def follow(self, on_call: Callable[[], None]) -> None:
        """Calls whenever the share may have changed, until it is cancelled."""

    async def leave(self) -> None:
        """Gives everything up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """Whether a session may be opened now, or in how many seconds to ask again; `is_down`: the upstream is not there.

    `is_suspect`: earlier ones failed to open, so that a success is news.
    """

    wait: float = 0.0
    is_down: bool = False
    is_suspect: bool = False


class Breaker(Protocol):
    """What a quota group's processes know of the upstream together. Raises Unavailable when it can't ask."""

    async def admit(self) -> Admission:
        """Asked before a session is opened; after an outage one caller at a time is let through to try."""

    async def succeeded(self) -> None:
        """The upstream answered."""

    async def failed(self) -> None:
        """It could not be reached."""

    async def pause(self, seconds: float | None) -> float:
        """It answered that it wants no more sessions, for so long if it said so; the seconds for which all pause.

        Without a time these grow with every such answer in a row.
        """

    async def down_for(self) -> float:
        """For how many seconds nobody tries; 0 when it is there."""


class TokenCache(Protocol):
    """Where a bearer for the upstream comes from."""

    async def bearer(self) -> str:
        """The key itself or an ephemeral token that is still good; raises an UpstreamError."""


class LiveKind(StrEnum):
    """What a live stream says of its utterance: sound, that all of it was void, or that it is complete and proven."""

    PCM = "pcm"
    AGAIN = "again"
    END = "end"


@dataclass(frozen=True, kw_only=True, slots=True)
class LivePiece:
    """One entry of a live stream; `pcm` is polished 24 kHz mono s16le, empty unless the kind is PCM."""

    kind: LiveKind
    pcm: bytes = b""


class LiveStream(Protocol):
    """The sound of utterances that are being spoken; each has a stream of its own under its reading's lease.

    What airs never fails and never waits for others: a listener who misses something is told, the render goes on.
    """

    async def air(self, lease: Lease, pcm: bytes, *, utterance: int) -> None:
        """Appends polished PCM; utterances count from 0."""

    async def again(self, lease: Lease, *, utterance: int) -> None:
        """What was aired of this utterance is void: it is spoken anew."""

    async def end(self, lease: Lease, *, utterance: int) -> None:
        """The utterance is complete and proven."""

    async def let_go(self, lease: Lease, *, utterance: int) -> None:
        """Its master is kept, or nobody wants it: the stream is gone within seconds."""

    async def token(self, reading: str) -> int | None:
        """Whose lease the reading is now; None when nobody works on it. Raises Unavailable."""

    def follow(self, reading: str, *, token: int, utterance: int, seconds: float) -> AsyncGenerator[LivePiece]:
        """Everything from the stream's first entry on, as it comes, without a gap; raises Unavailable.

        Ends after END, or when nothing that joins on came for `seconds`.
        """


class Audience(Protocol):
    """Which jobs somebody listens to, in any process."""

    async def listens(self, name: str, *, seconds: float) -> None:
        """Somebody listens to the job, for the next `seconds` at least; raises Unavailable."""
