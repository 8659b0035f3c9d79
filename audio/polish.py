"""One utterance made fit to stand beside others, as it comes: edges trimmed and faded, a fixed headroom. By pydub."""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING

from audio.pcm import BYTES_PER_SAMPLE, MASTER_RATE
from speech.errors import AudioUnusable

if TYPE_CHECKING:
    from pydub import AudioSegment

_MILLISECOND = MASTER_RATE // 1000 * BYTES_PER_SAMPLE
_STEP = 10 * _MILLISECOND
# A step that is quieter than this is silence: a weak f or h at an edge is some 45 dB below the voice's peak. It can't
# be told from the utterance's own peak, which nobody knows before its end.
_SILENT_DBFS = -66.0
# What is kept of the silence: an attack needs less of it than a voice that dies away.
_LEAD, _TAIL = 40 * _MILLISECOND, 60 * _MILLISECOND
_FADE_MS = 5
_FADE = _FADE_MS * _MILLISECOND
# Resampling and lossy codecs overshoot a full-scale peak by up to 2 dB and would clip it. The gain is the same for
# all: levelling each utterance for itself would flatten the difference between a whispered and a loud sentence.
_HEADROOM_DB = -2.0


class Polisher:
    """Polishes one utterance; what comes out does not depend on how it was cut. Loud sound is held for 5 ms.

    Offsets count the utterance's bytes from its start.
    """

    def __init__(self) -> None:
        self._fed = 0
        self._begun = 0
        self._held = bytearray()
        self._step = b""
        # Up to here it is certain that nothing is trimmed.
        self._kept_until = 0
        self._is_faded_in = False

    def feed(self, pcm: bytes) -> bytes:
        """Takes whole samples of 24 kHz PCM; returns what is polished by now, possibly nothing."""
        self._held += pcm
        self._fed += len(pcm)
        steps = self._step + pcm
        whole = len(steps) - len(steps) % _STEP
        self._step = steps[whole:]
        self._judge(steps[:whole], at=self._fed - len(steps))
        return self._taken(min(self._fed, self._kept_until) - _FADE)

    def finish(self) -> bytes:
        """The rest; raises AudioUnusable when the utterance was empty or silent."""
        self._judge(self._step, at=self._fed - len(self._step))
        if not self._kept_until:
            raise AudioUnusable("The utterance is empty or silent")
        rest = bytes(self._held[: min(self._fed, self._kept_until) - self._begun])
        if not self._is_faded_in:
            return _quieter(_faded(_segment(rest)))
        return _quieter(_segment(rest[:-_FADE] + _segment(rest[-_FADE:]).fade_out(_FADE_MS).raw_data))

    def _judge(self, steps: bytes, *, at: int) -> None:
        """Notes where these steps sound; before the first sound only the lead is kept."""
        starts = range(0, len(steps), _STEP)
        if not self._kept_until:
            first = next((start for start in starts if _sounds(steps, start)), None)
            self._trim(at + (len(steps) if first is None else first) - _LEAD)
            starts = range(0) if first is None else starts
        last = next((start for start in reversed(starts) if _sounds(steps, start)), None)
        if last is not None:
            self._kept_until = at + last + _STEP + _TAIL

    def _trim(self, until: int) -> None:
        if until > self._begun:
            del self._held[: until - self._begun]
            self._begun = until

    def _taken(self, until: int) -> bytes:
        """What is held up to here, polished; the first piece is long enough for its fade."""
        if until - self._begun < (BYTES_PER_SAMPLE if self._is_faded_in else _FADE):
            return b""
        piece = bytes(self._held[: until - self._begun])
        self._trim(until)
        if not self._is_faded_in:
            self._is_faded_in = True
            piece = _segment(piece[:_FADE]).fade_in(_FADE_MS).raw_data + piece[_FADE:]
        return _quieter(_segment(piece))


def polish(pcm: bytes) -> bytes:
    """24 kHz PCM of a whole utterance, polished; raises AudioUnusable when it is empty, torn or silent."""
    if len(pcm) % BYTES_PER_SAMPLE:
        raise AudioUnusable("The utterance ends with half a sample")
    polisher = Polisher()
    return polisher.feed(pcm) + polisher.finish()


def _sounds(steps: bytes, start: int) -> bool:
    return bool(_segment(steps[start : start + _STEP]).dBFS >= _SILENT_DBFS)


def _faded(utterance: AudioSegment) -> AudioSegment:
    fade = min(_FADE_MS, len(utterance) // 2)
    return utterance.fade_in(fade).fade_out(fade) if fade else utterance


def _quieter(segment: AudioSegment) -> bytes:
    adjusted: bytes = segment.apply_gain(_HEADROOM_DB).raw_data
    return adjusted


def _segment(pcm: bytes) -> AudioSegment:
    return _segments()(data=pcm, sample_width=BYTES_PER_SAMPLE, frame_rate=MASTER_RATE, channels=1)


@cache
def _segments() -> type[AudioSegment]:
    # Only pydub's PCM operations are used: it need not tell everybody that it found no ffmpeg.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Couldn't find ffmpeg or avconv", category=RuntimeWarning)
        import pydub
    kind: type[AudioSegment] = pydub.AudioSegment
    return kind
