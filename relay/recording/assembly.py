"""A whole recording out of its pieces: one WAV on one clock, and the document that says what was said when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import orjson

from audio.pcm import MASTER_RATE, duration_ms
from audio.wav import wav_head
from relay.recording.piece import BLOCK, CHANNELS, Piece, PieceName

_SAMPLES_PER_MS = MASTER_RATE // 1000
# Clocks of two machines that are further apart would make an absurd silence.
_LONGEST_PAUSE = 3600 * MASTER_RATE
_SILENCE = bytes(MASTER_RATE * BLOCK)


class Assembly:
    """Where each piece stands is known by its name alone, and so is the length of the whole."""

    def __init__(self, session_id: str, *, names: Sequence[PieceName]) -> None:
        self._session_id = session_id
        self._names = sorted(names)
        self._places: list[int] = []
        self._runs: dict[int, int] = {}
        self._gaps: list[dict[str, Any]] = []
        self._notes: list[dict[str, Any]] = []
        self._lines: dict[tuple[int, str], dict[str, Any]] = {}
        self._voice: str | None = None
        self._samples = 0
        self._lay_out()

    @property
    def names(self) -> Sequence[PieceName]:
        """The pieces as they are heard."""
        return self._names

    @property
    def size(self) -> int:
        """The WAV's bytes."""
        return len(self._head()) + self._samples * BLOCK

    def weave(self, bodies: Iterator[bytes]) -> Iterator[bytes]:
        """The WAV in chunks of a second or a piece, out of the pieces' bodies in the order of `names`."""
        yield self._head()
        done = 0
        for name, place, body in zip(self._names, self._places, bodies, strict=True):
            yield from _silence(place - done)
            done = place + name.samples
            try:
                piece = Piece.from_wav(body, samples=name.samples)
            except ValueError:
                self._gap(place, done, "unreadable")
                yield from _silence(name.samples)
                continue
            self._note(name, piece)
            yield piece.pcm

    def document(self) -> bytes:
        """What is known of the recording, as JSON; complete once the WAV is woven."""
        whole = duration_ms(self._samples, MASTER_RATE)
        # Who died had laid out what nobody heard any more.
        lines = [{**line, "end_ms": min(line["end_ms"], whole)} for line in self._lines.values()]
        began = datetime.fromtimestamp(self._names[0].run / 1000, UTC)
        document = {
            "session_id": self._session_id,
            "began_at": began.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "duration_ms": whole,
            "sample_rate": MASTER_RATE,
            "channels": ["user", "assistant"],
            "voice": self._voice,
            "transcript": sorted(lines, key=lambda line: (line["start_ms"], line["end_ms"])),
            "gaps": sorted(self._gaps, key=lambda gap: (gap["start_ms"], gap["end_ms"])),
            "notes": self._notes,
        }
        return orjson.dumps(document, option=orjson.OPT_INDENT_2)

    def _head(self) -> bytes:
        return wav_head(sample_rate=MASTER_RATE, samples=self._samples, channels=CHANNELS)

    def _lay_out(self) -> None:
        first, last = self._names[0], None
        for name in self._names:
            origin = (name.run - first.run) * _SAMPLES_PER_MS
            if last is not None and name.run != last.run:
                # A run starts where it began by the clock, and never before the one ahead of it ended.
                origin = min(max(origin, self._samples), self._samples + _LONGEST_PAUSE)
            origin = self._runs.setdefault(name.run, origin)
            place = max(origin + name.start, self._samples)
            if place > self._samples:
                is_pause = last is not None and name.run != last.run and name.start == 0
                self._gap(self._samples, place, "disconnected" if is_pause else "lost")
            self._places.append(place)
            self._samples, last = place + name.samples, name

    def _gap(self, start: int, end: int, reason: str) -> None:
        self._gaps.append({**_times(start, end), "reason": reason})

    def _note(self, name: PieceName, piece: Piece) -> None:
        offset = duration_ms(self._runs[name.run], MASTER_RATE)
        self._voice = piece.note.get("voice", self._voice)
        for line in piece.note.get("transcript", ()):
            times = {key: line[key] + offset for key in ("start_ms", "end_ms")}
            self._lines[(name.run, line["item_id"])] = {**line, **times}
        for note in piece.note.get("notes", ()):
            self._notes.append({**note, "at_ms": note["at_ms"] + offset})


def _times(start: int, end: int) -> dict[str, int]:
    return {"start_ms": duration_ms(start, MASTER_RATE), "end_ms": duration_ms(end, MASTER_RATE)}


def _silence(samples: int) -> Iterator[bytes]:
    whole, rest = divmod(max(0, samples) * BLOCK, len(_SILENCE))
    yield from islice(iter(lambda: _SILENCE, b""), whole)
    if rest:
        yield _SILENCE[:rest]
