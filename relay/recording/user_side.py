"""The user's channel: what the microphone sent stands where it arrived, without the jitter of the way."""

from __future__ import annotations

from audio.pcm import MASTER_RATE, peak, sample_count
from audio.run import Run, samples_at_master_rate
from audio.track import Track
from audio.wire import WireFormat, WireReader

# Sound that comes so much later than it would without a pause is a pause, unless what follows catches up in time: then
# it was held up on its way. What overtakes the clock by more than that was no microphone's, or is an old recording.
_JITTER = round(0.3 * MASTER_RATE)
_DOUBT = MASTER_RATE
# A microphone that was held up for longer stays behind the clock by that; its quiet moments, below 1 % of full scale,
# bring it back. What is sent faster than it is spoken, and then is over, is left as it is.
_MOST_AHEAD, _AHEAD_FOR = round(0.5 * MASTER_RATE), 2 * MASTER_RATE
_QUIET = 330


class UserSide:
    """Places are samples of a 24 kHz clock; `at` is when a chunk arrived, and so about when it ended."""

    def __init__(self, form: WireFormat) -> None:
        self.track = Track()
        self._reader = WireReader(form)
        self._run: Run | None = None
        # Sound after what may be a pause, since when it waits, and where it starts: by its first chunk, and by the one
        # that was least late.
        self._doubtful = bytearray()
        self._since = self._first = self._least = 0
        self._ahead_since: int | None = None

    @property
    def form(self) -> WireFormat:
        """The format that comes."""
        return self._reader.form

    @property
    def end(self) -> int:
        """Where the sound that is certain of its place ends."""
        return self._run.end if self._run else self.track.end

    def change(self, form: WireFormat) -> None:
        """From now on it comes in another format."""
        if form != self._reader.form:
            self._decide()
            self._pause()
            self._reader = WireReader(form)

    def restart(self) -> None:
        """The microphone's buffer was emptied or taken as a whole: the next chunk begins with a whole sample."""
        self._reader.restart()

    def hear(self, chunk: bytes, *, at: int) -> None:
        """Takes in what arrived."""
        self.wait(at)
        pcm = self._reader.feed(chunk)
        if not pcm or self._is_left_out(pcm, at):
            return
        start = at - self._length(len(self._doubtful) + len(pcm))
        if self._doubtful:
            self._least = min(start, self._least)
        else:
            self._since, self._first, self._least = at, start, start
        self._doubtful += pcm
        if self._run and self._first <= self._run.end + _JITTER:
            self._decide()

    def wait(self, now: int) -> None:
        """Time has passed: what did not catch up came after a pause."""
        if self._doubtful and now - self._since >= _DOUBT:
            self._decide()

    def take(self, until: int) -> bytes:
        """The channel up to a place; a run that ends before it is over."""
        if self._run and self._run.end <= until:
            self._pause()
        return self.track.take(until)

    def finish(self) -> int:
        """Nothing more comes; the place where the last sound ends."""
        self._decide()
        self._pause()
        return self.track.end

    def _is_left_out(self, pcm: bytes, at: int) -> bool:
        if self._run is None or self._run.end - at <= _JITTER or self._doubtful:
            self._ahead_since = None
        elif self._run.end - at > _MOST_AHEAD and self._ahead_since is None:
            self._ahead_since = at
        is_late = self._ahead_since is not None and at - self._ahead_since >= _AHEAD_FOR
        return is_late and peak(pcm) < _QUIET

    def _decide(self) -> None:
        pcm, self._doubtful = bytes(self._doubtful), bytearray()
        if not pcm:
            return
        run = self._run
        # A chunk that comes early goes on with the sound; so does what caught up, within reason.
        is_early = run is not None and self._first <= run.end + _JITTER
        if run is None or not (is_early or run.end - _DOUBT <= self._least <= run.end + _JITTER):
            self._pause()
            start = self._least if self._first - self._least <= _DOUBT else self._first
            run = self._run = Run(start=max(start, self.track.end), rate=self.form.pcm_rate)
        place = run.given
        self.track.lay(run.feed(pcm), at=place)

    def _pause(self) -> None:
        if self._run:
            place = self._run.given
            self.track.lay(self._run.finish(), at=place)
            self._run = None

    def _length(self, size: int) -> int:
        return samples_at_master_rate(sample_count(bytes(size)), rate=self.form.pcm_rate)
