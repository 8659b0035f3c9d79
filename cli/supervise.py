"""The process that owns all others: supervisord, which also says what dies and takes its programs with it when killed.

Run as `python -m cli.supervise <configuration> <directory of process notes>` and by `recite up` only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from supervisor import events  # type: ignore[import-untyped]
from supervisor.medusa import asyncore_25  # type: ignore[import-untyped]
from supervisor.options import ServerOptions  # type: ignore[import-untyped]
from supervisor.states import ProcessStates  # type: ignore[import-untyped]
from supervisor.supervisord import Supervisor  # type: ignore[import-untyped]

from cli import leftovers

_PR_SET_PDEATHSIG = 1
_SAY_AT_TRIES = (3, 30)
# What came back shall not wait long for the programs that need it.
_LONGEST_PAUSE = 3
_HURRIED_SECONDS = 1
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
_RUNNING = (ProcessStates.RUNNING, ProcessStates.STARTING)


class _Options(ServerOptions):  # type: ignore[misc]
    """Notes every process, and asks Linux to end it should this one be killed without a chance to do so."""

    first, test = True, False

    def __init__(self, run: Path) -> None:
        super().__init__()
        self._run = run
        self._parent = os.getpid()
        self._prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def fork(self) -> int:
        pid = int(super().fork())
        if pid:
            leftovers.note(self._run, pid)
        return pid

    def setpgrp(self) -> None:
        super().setpgrp()
        if self._prctl is not None:
            # Not SIGTERM: a worker whose Redis is gone at the same moment would wait for it and never end.
            self._prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != self._parent:
                os._exit(1)

    def pending(self, numbers: tuple[int, ...]) -> bool:
        """Whether the next signal to be handled is one of these."""
        received = self.signal_receiver._signals_recvd
        return bool(received) and received[0] in numbers

    def waitpid(self) -> tuple[int | None, int | None]:
        pid, status = super().waitpid()
        if pid:
            leftovers.forget(self._run, pid)
        return pid, status


class _Owner(Supervisor):  # type: ignore[misc]
    """Passes the announcement on, and says what dies or doesn't start. A second signal ends everything at once."""

    def runforever(self) -> None:
        events.subscribe(events.ProcessLogStdoutEvent, lambda event: _say(event.data.decode(), to=sys.stdout))
        events.subscribe(events.ProcessStateExitedEvent, _tell_death)
        events.subscribe(events.ProcessStateBackoffEvent, _tell_backoff)
        events.subscribe(events.SupervisorStoppingEvent, lambda _: self._tell_stop())
        super().runforever()

    def handle_signal(self) -> None:
        if self.stopping and self.options.pending(_ENDING):
            _say("Recite stops at once; what it was rendering goes on at the next start\n")
            self._hurry()
        super().handle_signal()

    def _hurry(self) -> None:
        """What was told to stop is killed; the others, Redis and the bucket among them, get a second."""
        for process in (one for group in self.process_groups.values() for one in group.processes.values()):
            process.config.stopwaitsecs = _HURRIED_SECONDS
            if process.get_state() == ProcessStates.STOPPING:
                process.kill(signal.SIGKILL)
            elif process.get_state() in _RUNNING:
                process.stop()

    def _tell_stop(self) -> None:
        processes = [one for group in self.process_groups.values() for one in group.processes.values()]
        seconds = max(one.config.stopwaitsecs for one in processes)
        _say(f"Recite stops; renders and talks have {seconds} s at most. Press Ctrl-C again to stop at once\n")


def _tell_death(event: Any) -> None:
    if not event.expected:
        _say(f"{event.process.config.name} ended by itself and is started again; see {_log(event)}\n")


def _tell_backoff(event: Any) -> None:
    shorten_pause(event.process, now=time.time())
    if event.process.backoff in _SAY_AT_TRIES:
        _say(f"{event.process.config.name} doesn't start ({event.process.backoff} tries); see {_log(event)}\n")


def shorten_pause(process: Any, *, now: float) -> None:
    """The supervisor's own pauses between tries to start grow by a second each, without end."""
    process.delay = min(process.delay, now + _LONGEST_PAUSE)


def _log(event: Any) -> str:
    return str(event.process.config.stdout_logfile)


def _say(text: str, *, to: TextIO = sys.stderr) -> None:
    # Whoever read this output may be gone; the programs run on.
    with suppress(OSError):
        to.write(text)
        to.flush()


def main() -> None:
    """Runs until SIGINT, SIGTERM or SIGHUP, then ends every program in order."""
    configuration, run = sys.argv[1:]
    options = _Options(Path(run))
    options.realize(["--nodaemon", "--silent", "--configuration", configuration], doc=__doc__)
    with suppress(asyncore_25.ExitNow):
        _Owner(options).main()


if __name__ == "__main__":
    main()
