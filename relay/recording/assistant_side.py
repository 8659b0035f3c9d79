"""The assistant's channel: answers come faster than they are heard, and end where they were interrupted."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from audio.pcm import MASTER_RATE
from audio.run import Run
from audio.track import Track
from audio.wire import WireFormat, WireReader

# A player hides so short a wait for the next chunk of an answer.
_JITTER = round(0.2 * MASTER_RATE)
_ANSWERS_KEPT = 100
_SAMPLES_PER_MS = MASTER_RATE // 1000


@dataclass(kw_only=True, slots=True)
class Answer:
    """One item's sound: the stretches (start, end) that it was laid out in, and whether it was interrupted."""

    response: str
    stretches: list[tuple[int, int]] = field(default_factory=list)
    is_cut: bool = False

    @property
    def start(self) -> int:
        """Where it is first heard."""
        return self.stretches[0][0]

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.stretches[-1][1]

    def place(self, samples: int) -> int:
        """Where so many of its samples have been heard."""
        for start, end in self.stretches:
            if samples <= end - start:
                return start + samples
            samples -= end - start
        return self.end

    def extend(self, start: int, end: int) -> None:
        """It goes on there."""
        if self.stretches and self.end == start:
            start = self.stretches.pop()[0]
        self.stretches.append((start, end))

    def shorten(self, place: int) -> None:
        """It is not heard from there on."""
        kept = [(start, min(end, place)) for start, end in self.stretches if start < place]
        self.stretches = kept or [(self.start, self.start)]


class AssistantSide:
    """Places are samples of a 24 kHz clock; an answer's chunks are laid end to end from the first one's arrival on."""

    def __init__(self, form: WireFormat) -> None:
        self.track = Track()
        self.answers: dict[str, Answer] = {}
        self._reader = WireReader(form)
        self._run: Run | None = None
        self._speaking = ""
        self._cancelled: deque[str] = deque(maxlen=_ANSWERS_KEPT)

    @property
    def form(self) -> WireFormat:
        """The format that comes."""
        return self._reader.form

    def change(self, form: WireFormat) -> None:
        """From now on it comes in another format."""
        if form != self._reader.form:
            self._pause()
            self._reader = WireReader(form)

    def speak(self, chunk: bytes, *, item: str, response: str, at: int) -> None:
        """Takes in a chunk of an answer; what comes after it was interrupted is not heard."""
        if item != self._speaking:
            self._reader.restart()
            self._speaking = item
        pcm = self._reader.feed(chunk)
        answer = self._answer(item, response)
        if not pcm or answer.is_cut:
            return
        run = self._continued(at, has_begun=bool(answer.stretches))
        start, place = run.end, run.given
        self.track.lay(run.feed(pcm), at=place)
        answer.extend(start, run.end)

    def truncate(self, item: str, *, milliseconds: int) -> None:
        """Only so much of an answer was heard."""
        answer = self.answers.get(item)
        if answer is not None and answer.stretches:
            self._cut(answer, answer.place(milliseconds * _SAMPLES_PER_MS))

    def cancel(self, response: str, *, at: int) -> None:
        """A response was stopped: what was not heard by now never is."""
        self._cancelled.append(response)
        for answer in self.answers.values():
            if answer.response == response and not answer.is_cut:
                answer.is_cut = True
                if answer.stretches:
                    self._cut(answer, at)

    def stop(self, *, at: int) -> None:
        """Nothing is heard any more."""
        for answer in self.answers.values():
            if answer.stretches and answer.end > at:
                self._cut(answer, at)

    def take(self, until: int) -> bytes:
        """The channel up to a place; a run that ends before it is over."""
        if self._run and self._run.end <= until:
            self._pause()
        return self.track.take(until)

    def _answer(self, item: str, response: str) -> Answer:
        answer = self.answers.get(item)
        if answer is None:
            if len(self.answers) >= _ANSWERS_KEPT:
                del self.answers[next(iter(self.answers))]
            answer = self.answers[item] = Answer(response=response, is_cut=response in self._cancelled)
        return answer

    def _continued(self, at: int, *, has_begun: bool) -> Run:
        patience = _JITTER if has_begun else 0
        if self._run is None or self._run.end + patience < at:
            self._pause()
            self._run = Run(start=max(at, self.track.end), rate=self.form.pcm_rate)
        return self._run

    def _cut(self, answer: Answer, place: int) -> None:
        answer.is_cut = True
        place, end = max(place, answer.start, self.track.edge), answer.end
        if place >= end:
            return
        self._pause()
        if end >= self.track.end:
            self.track.cut(since=place)
        else:
            self.track.hush(place, end)
        answer.shorten(place)

    def _pause(self) -> None:
        if self._run:
            place = self._run.given
            self.track.lay(self._run.finish(), at=place)
            self._run = None
