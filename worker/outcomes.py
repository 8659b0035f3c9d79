"""What became of all lines of a batch, in a few bytes each: a driver has many of them."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from speech.batch import BatchLine, LineResult, Outcome
from speech.job import JobError

_CODES = {outcome: code for code, outcome in enumerate(Outcome, start=1)}
_OUTCOMES = {code: outcome for outcome, code in _CODES.items()}
_UNKNOWN = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """The end of a job for the line that wanted it; milliseconds, and millionths of a dollar."""

    outcome: Outcome
    duration_ms: int | None = None
    cost: int = 0
    error: JobError | None = None


class Outcomes:
    """By the places of `lines` lines. One that asks for the same as an earlier one shares what that one has."""

    def __init__(self, lines: int) -> None:
        self._codes = bytearray(lines)
        self._durations = array("I", bytes(4 * lines))
        self._costs = array("Q", bytes(8 * lines))
        self._first = array("I", range(lines))
        self._errors: dict[int, JobError] = {}
        self.cost = 0

    def equate(self, line: BatchLine) -> None:
        """The line asks for the same as its first one."""
        self._first[line.place] = line.first

    def set(self, place: int, ending: Ending) -> None:
        """The end of a first line."""
        self._codes[place] = _CODES[ending.outcome]
        self._durations[place] = ending.duration_ms or 0
        self._costs[place] = ending.cost
        self.cost += ending.cost
        if ending.error is not None:
            self._errors[place] = ending.error

    def recall(self, results: Iterable[LineResult]) -> None:
        """What an earlier driver told."""
        for one in results:
            ending = Ending(outcome=one.outcome, duration_ms=one.duration_ms, cost=one.cost, error=one.error)
            self.set(one.place, ending)

    def knows(self, place: int) -> bool:
        """Whether it is known what became of the line."""
        return self._code(place) != _UNKNOWN

    def counts(self, places: range) -> Counter[Outcome]:
        """How many of these lines came to what."""
        codes = Counter(self._code(place) for place in places)
        return Counter({_OUTCOMES[code]: count for code, count in codes.items() if code != _UNKNOWN})

    def result(self, line: BatchLine) -> LineResult:
        """What became of a line of which that is known."""
        at = self._at(line.place)
        outcome = _OUTCOMES[self._codes[at]]
        return LineResult(
            place=line.place,
            number=line.number,
            custom_id=line.custom_id,
            job=line.recipe.job_name,
            outcome=outcome,
            duration_ms=self._durations[at] if outcome.has_audio else None,
            cost=self._costs[line.place],
            error=self._errors.get(at) if outcome is Outcome.FAILED else None,
        )

    def _code(self, place: int) -> int:
        return self._codes[self._at(place)]

    def _at(self, place: int) -> int:
        """Where the line's outcome stands: at its first one, or where an earlier driver has told it."""
        first = self._first[place]
        return first if self._codes[first] != _UNKNOWN else place
