"""One utterance made fit to stand beside others: edges trimmed and faded, a fixed headroom. By pydub."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from audio.pcm import BYTES_PER_SAMPLE, MASTER_RATE
from speech.errors import AudioUnusable

if TYPE_CHECKING:
    from pydub import AudioSegment

# Silence is what stays this far below the utterance's own peak: a weak f or h at an edge is some 45 dB below it.
_SILENCE_BELOW_PEAK_DB = 55.0
# An utterance whose peak is lower than this can't be heard.
_INAUDIBLE_DBFS = -60.0
# What is kept of the silence: an attack needs less of it than a voice that dies away.
_LEAD_MS, _TAIL_MS = 40, 60
_FADE_MS = 5
# Resampling and lossy codecs overshoot a full-scale peak by up to 2 dB and would clip it. The gain is the same for
# all: levelling each utterance for itself would flatten the difference between a whispered and a loud sentence.
_HEADROOM_DB = -2.0
_STEP_MS = 10


def polish(pcm: bytes) -> bytes:
    """24 kHz PCM of one utterance, polished; raises AudioUnusable when it is empty, torn or silent."""
    if not pcm or len(pcm) % BYTES_PER_SAMPLE:
        raise AudioUnusable("The utterance has no audio, or half a sample")
    utterance = _segment(pcm)
    if utterance.max_dBFS < _INAUDIBLE_DBFS:
        raise AudioUnusable("The utterance is silent")
    polished: bytes = _faded(_trimmed(utterance)).apply_gain(_HEADROOM_DB).raw_data
    return polished


def _trimmed(utterance: AudioSegment) -> AudioSegment:
    from pydub.silence import detect_leading_silence

    threshold = utterance.max_dBFS - _SILENCE_BELOW_PEAK_DB
    lead = detect_leading_silence(utterance, silence_threshold=threshold, chunk_size=_STEP_MS)
    tail = detect_leading_silence(utterance.reverse(), silence_threshold=threshold, chunk_size=_STEP_MS)
    start, end = max(0, lead - _LEAD_MS), len(utterance) - max(0, tail - _TAIL_MS)
    # pydub cuts at whole milliseconds: what needs no cut keeps the samples beyond the last one.
    return utterance if (start, end) == (0, len(utterance)) else utterance[start:end]


def _faded(utterance: AudioSegment) -> AudioSegment:
    fade = min(_FADE_MS, len(utterance) // 2)
    return utterance.fade_in(fade).fade_out(fade) if fade else utterance


def _segment(pcm: bytes) -> AudioSegment:
    # Only pydub's PCM operations are used: it need not tell everybody that it found no ffmpeg.
    warnings.filterwarnings("ignore", message="Couldn't find ffmpeg or avconv", category=RuntimeWarning)
    from pydub import AudioSegment

    return AudioSegment(data=pcm, sample_width=BYTES_PER_SAMPLE, frame_rate=MASTER_RATE, channels=1)
