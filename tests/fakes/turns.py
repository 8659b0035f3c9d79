"""The processes that share a run's tests take turns: a test that a busy machine would spoil has the machine alone."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Turns:
    """Locks on two files in a folder that all processes see; a process that dies lets go."""

    def __init__(self, folder: Path) -> None:
        self._gate, self._turn = folder / "gate", folder / "turn"

    @contextmanager
    def taken(self, *, alone: bool) -> Iterator[None]:
        """Beside others, or once all others have ended, while no other begins."""
        with self._gate.open("w") as gate, self._turn.open("w") as turn:
            # Whoever waits to be alone holds the gate, or there would always be another.
            fcntl.flock(gate, fcntl.LOCK_EX)
            fcntl.flock(turn, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            fcntl.flock(gate, fcntl.LOCK_UN)
            yield
