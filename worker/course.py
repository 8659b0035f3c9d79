"""One batch on its way: which of its lines wait, which are being made, and what is known and told of the others."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from speech.batch import PIECE_LINES, Batch, BatchLine, BatchState, BatchStatus, LineResult, Outcome
from worker.outcomes import Ending, Outcomes
from worker.pace import Pace


@dataclass(kw_only=True)
class Piece:
    """Lines that were read and of which not all is told yet; `told` of them are, under `key`.

    So many from the first on are `readable`.
    """

    lines: list[BatchLine]
    key: str | None
    told: int = 0
    readable: int = 0


@dataclass(kw_only=True)
class Course:
    """The batch's latest run. Lines are read by pieces, in order, and no further ahead than is needed."""

    batch: Batch
    run: int
    outcomes: Outcomes
    clock: Callable[[], float]
    pieces: dict[int, Piece] = field(default_factory=dict)
    in_flight: dict[int, asyncio.Task[Any]] = field(default_factory=dict)
    is_read: bool = False
    is_called_off: bool = False
    is_broken: bool = False
    # Told once, and then the same again, if need be.
    end: BatchState | None = None
    # An earlier driver may have asked for the first so many of those of which nothing is known.
    doubtful: int = 0
    turn: int = 0
    room: asyncio.Event = field(default_factory=asyncio.Event)
    _waiting: deque[BatchLine] = field(default_factory=deque)
    _done: Counter[Outcome] = field(default_factory=Counter)
    _settled: set[int] = field(default_factory=set)
    _keys: dict[int, str] = field(default_factory=dict)
    _pace: Pace = field(default_factory=Pace)

    def __post_init__(self) -> None:
        self._make_room()

    @property
    def has_lines(self) -> bool:
        """Whether there is a line that nobody makes yet."""
        return bool(self._waiting)

    @property
    def is_made(self) -> bool:
        """Whether every line that could be read has its outcome."""
        return self.is_read and not self._waiting and not self.in_flight

    def places(self, number: int) -> range:
        """The lines of a piece."""
        return range(number * PIECE_LINES, min((number + 1) * PIECE_LINES, self.batch.lines))

    def recall(self, number: int, results: list[LineResult], *, key: str) -> None:
        """What was told of a piece before; one of which all is known need not be read."""
        self.outcomes.recall(results)
        if len(results) == len(self.places(number)):
            self._settle(number)
        else:
            self._keys[number] = key

    def is_settled(self, number: int) -> bool:
        """Whether all of the piece is told."""
        return number in self._settled

    def take_in(self, number: int, lines: list[BatchLine]) -> None:
        """The piece was read."""
        self.pieces[number] = Piece(lines=lines, key=self._keys.pop(number, None))
        for line in lines:
            self.outcomes.equate(line)
        asked = [line for line in lines if line.first == line.place and not self.outcomes.knows(line.place)]
        self._waiting += self._dropped(asked) if self.is_called_off else asked
        self._make_room()

    def next_line(self) -> BatchLine:
        """The next line to be made; there must be one."""
        line = self._waiting.popleft()
        self._make_room()
        return line

    def call_off(self) -> None:
        """Nobody wants what isn't done any more."""
        self.is_called_off = True
        self._waiting = deque(self._dropped(self._waiting))
        self._make_room()
        for task in self.in_flight.values():
            task.cancel()

    def untold(self, number: int) -> list[LineResult]:
        """All that is known of a read piece; nothing when that is told."""
        piece = self.pieces[number]
        known = [line for line in piece.lines if self.outcomes.knows(line.place)]
        return [self.outcomes.result(line) for line in known] if len(known) > piece.told else []

    def tell(self, number: int, results: list[LineResult], *, key: str) -> str | None:
        """These results of a piece are in the bucket; the key of those that they replace.

        A piece of which all is told is let go.
        """
        piece = self.pieces[number]
        old, piece.key, piece.told = piece.key, key, len(results)
        in_order = takewhile(lambda pair: pair[0].place == pair[1].place, zip(piece.lines, results, strict=False))
        piece.readable = sum(1 for _ in in_order)
        if piece.told == len(piece.lines):
            del self.pieces[number]
            self._settle(number)
        return old

    def ended(self, *, now: float) -> BatchState:
        """How the batch came out; `now` is Unix time."""
        status = BatchStatus.FAILED if self.is_broken else BatchStatus.COMPLETED
        if self.is_called_off and self.state().counts[Outcome.CANCELLED]:
            status = BatchStatus.CANCELLED
        return self.state(status, ended_at=now)

    def state(self, status: BatchStatus | None = None, *, ended_at: float | None = None) -> BatchState:
        """How the batch stands, by its status if that is known."""
        counts = Counter(self._done)
        for number in (*self.pieces, *self._keys):
            counts.update(self.outcomes.counts(self.places(number)))
        known = sum(counts.values())
        self._pace.note(known, now=self.clock())
        going_on = BatchStatus.CANCELLING if self.is_called_off else BatchStatus.IN_PROGRESS
        return BatchState(
            status=status or going_on,
            run=self.run,
            counts=counts,
            results=self._readable(),
            cost=self.outcomes.cost,
            ended_at=ended_at,
            seconds_left=None if status else self._pace.left(self.batch.lines - known),
        )

    def _settle(self, number: int) -> None:
        self._settled.add(number)
        self._done.update(self.outcomes.counts(self.places(number)))

    def _dropped(self, lines: Iterable[BatchLine]) -> list[BatchLine]:
        """Nobody wants these; the doubtful ones are left to be given up."""
        left = list(lines)
        doubtful, others = left[: self.doubtful], left[self.doubtful :]
        self.doubtful -= len(doubtful)
        for line in others:
            self.outcomes.set(line.place, Ending(outcome=Outcome.CANCELLED))
        return doubtful

    def _make_room(self) -> None:
        """There is room for another piece while few lines wait: they never run out."""
        if len(self._waiting) < PIECE_LINES // 2:
            self.room.set()
        else:
            self.room.clear()

    def _readable(self) -> int:
        """How many lines from the first on are told."""
        number = next((number for number in range(self.batch.pieces) if number not in self._settled), None)
        if number is None:
            return self.batch.lines
        piece = self.pieces.get(number)
        return number * PIECE_LINES + (piece.readable if piece else 0)
