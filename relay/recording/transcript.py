"""What both sides said, by the upstream's word for it, with the times at which it stands in the recording."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from audio.pcm import MASTER_RATE, duration_ms
from relay.recording.assistant_side import Answer

# Lines and stretches of speech that may still change.
_KEPT = 200


@dataclass(kw_only=True, slots=True)
class Line:
    """What one item says; places in samples. `is_over`: no more words come."""

    role: Literal["user", "assistant"]
    start: int
    end: int
    text: str = ""
    is_over: bool = False
    is_cut: bool = False
    is_typed: bool = False

    def document(self, item: str) -> dict[str, Any]:
        """As it is written; times in milliseconds of the run."""
        times = {"start_ms": duration_ms(self.start, MASTER_RATE), "end_ms": duration_ms(self.end, MASTER_RATE)}
        marks = {"interrupted": self.is_cut, "typed": self.is_typed}
        return {"item_id": item, "role": self.role, **times, "text": self.text, **{k: v for k, v in marks.items() if v}}


class Transcript:
    """Lines by their item's id. What is written in a piece counts until a later piece says otherwise."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._written: dict[str, dict[str, Any]] = {}
        # The user's stretches of speech, the last one under no name until its item is known.
        self._heard: dict[str, tuple[int, int]] = {}
        self._latest = (0, 0)
        self._settled: deque[str] = deque(maxlen=_KEPT)

    def speech_started(self, item: str | None, *, at: int) -> None:
        """The user began to speak."""
        self._stretch(item, (at, at))

    def speech_stopped(self, item: str | None, *, at: int) -> None:
        """The user stopped."""
        self._stretch(item, (min(self._latest[0], at), at))

    def committed(self, item: str | None) -> None:
        """What was heard last has a name now."""
        if item:
            self._heard.setdefault(item, self._latest)

    def heard(self, item: str, text: str, *, at: int, is_over: bool) -> None:
        """The user's words so far."""
        start, end = self._heard.get(item) or (self._latest if self._latest[1] else (at, at))
        self._keep(item, Line(role="user", start=start, end=max(start, end), text=text, is_over=is_over))

    def typed(self, item: str, text: str, *, at: int) -> None:
        """The user wrote instead."""
        self._keep(item, Line(role="user", start=at, end=at, text=text, is_over=True, is_typed=True))

    def told(self, item: str, delta: str, *, at: int) -> None:
        """More of an answer's words."""
        line = self._answer(item, at)
        line.text += delta

    def told_all(self, item: str, text: str | None, *, at: int) -> None:
        """An answer's words are complete."""
        line = self._answer(item, at)
        line.text = line.text if text is None else text
        line.is_over = True

    def news(self, answers: Mapping[str, Answer], *, edge: int) -> list[dict[str, Any]]:
        """The lines that are not written as they stand; those that can't change once the recording got so far go."""
        news = []
        for item, line in list(self._lines.items()):
            answer = answers.get(item) if line.role == "assistant" else None
            if answer is not None and answer.stretches:
                line.start, line.end, line.is_cut = answer.start, answer.end, answer.is_cut
            document = line.document(item)
            if line.text and document != self._written.get(item):
                news.append(document)
                self._written[item] = document
            if line.is_over and line.end <= edge:
                self._forget(item)
        return news

    def _answer(self, item: str, at: int) -> Line:
        line = self._lines.get(item)
        if line is None or line.is_over:
            # What comes after the end is left out.
            line = Line(role="assistant", start=at, end=at)
            if item not in self._lines and item not in self._settled:
                self._keep(item, line)
        return line

    def _keep(self, item: str, line: Line) -> None:
        self._lines[item] = line
        if len(self._lines) > _KEPT:
            self._forget(next(iter(self._lines)))

    def _forget(self, item: str) -> None:
        self._settled.append(item)
        self._lines.pop(item, None)
        self._written.pop(item, None)
        self._heard.pop(item, None)

    def _stretch(self, item: str | None, stretch: tuple[int, int]) -> None:
        self._latest = stretch
        if item:
            self._heard[item] = stretch
        if len(self._heard) > _KEPT:
            del self._heard[next(iter(self._heard))]
