"""Whether an utterance sounds like a whole one: no noise, no long hole, not clipped, not cut off in mid-sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audio.pcm import MASTER_RATE
from speech.errors import AudioUnusable

if TYPE_CHECKING:
    from numpy import floating
    from numpy.typing import NDArray

_WINDOW = MASTER_RATE // 100
# Below the utterance's own peak: a pause has breath and room in it.
_SILENT = 10 ** (-50 / 20)
# Speakers pause for two seconds at most, also at the slowest speed.
_LONGEST_PAUSE, _MOST_SILENCE = 4.0, 0.7
_FULL_SCALE, _MOST_CLIPPED = 32_767, 0.01
# Half of all samples of noise change sides, a quarter of a hiss: bytes that were shifted by one are noise.
_NOISE = 0.4
# The last 5 ms, as a share of the loud windows' level: a voice that ends falls within them.
_ENDING, _ABRUPT = MASTER_RATE // 200, 0.5


def check_soundness(pcm: bytes) -> None:
    """Raises AudioUnusable for 24 kHz PCM, as it came, that no voice sounds like; what is too short passes."""
    import numpy

    samples = numpy.frombuffer(pcm, dtype="<i2").astype(numpy.float32)
    windows = samples[: len(samples) // _WINDOW * _WINDOW].reshape(-1, _WINDOW)
    peaks = numpy.abs(windows).max(axis=1) if len(windows) else windows
    (audible,) = numpy.nonzero(peaks.ravel() > peaks.max(initial=0) * _SILENT)
    if not len(audible):
        return
    if numpy.mean(numpy.abs(samples) >= _FULL_SCALE) > _MOST_CLIPPED:
        raise AudioUnusable("The utterance is clipped")
    pauses = numpy.diff(audible) - 1
    inside = audible[-1] - audible[0] + 1
    if pauses.max(initial=0) * _WINDOW > _LONGEST_PAUSE * MASTER_RATE or pauses.sum() > _MOST_SILENCE * inside:
        raise AudioUnusable("The utterance has a hole in it")
    voiced = windows[audible]
    if numpy.median(numpy.mean(numpy.diff(numpy.signbit(voiced), axis=1), axis=1)) > _NOISE:
        raise AudioUnusable("The utterance is noise")
    if _level(samples[-_ENDING:]) > _ABRUPT * numpy.percentile(_level(voiced), 90):
        raise AudioUnusable("The utterance is cut off in the middle of a sound")


def _level(samples: NDArray[floating]) -> NDArray[floating]:
    import numpy

    level: NDArray[floating] = numpy.sqrt(numpy.mean(numpy.square(samples), axis=-1))
    return level
