"""`recite up` as a user starts it: a process of its own, what it says line by line, and everything it started."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.fakes.environment import plain_environment
from tests.fakes.services import free_port

READY_SECONDS = 60.0
END_SECONDS = 60.0
_AT_ONCE = {
    "SIMULATOR_HANDSHAKE_MS": "0",
    "SIMULATOR_FIRST_AUDIO_MS": "0",
    "SIMULATOR_PACE": "0",
    "SIMULATOR_FIRST_TOKEN_MS": "0",
    "SIMULATOR_TOKEN_MS": "0",
}


def own_settings(directory: Path, **variables: str) -> dict[str, str]:
    """An environment in which a system runs beside others: its own ports and data, a simulator without delays."""
    own = {
        "API_PORT": str(free_port()),
        "PORT": str(free_port()),
        "SIMULATOR_PORT": str(free_port()),
        "RECITE_DATA_DIR": str(directory / "data"),
    }
    return {**plain_environment(), **_AT_ONCE, **own, **variables}


def recite(
    *arguments: str, environment: Mapping[str, str], directory: Path, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs a command of `recite` to its end; it reads `stdin`."""
    command = [sys.executable, "-m", "cli", *arguments]
    return subprocess.run(
        command, env=environment, cwd=directory, input=stdin, capture_output=True, text=True, check=False, timeout=120
    )


def runs(process: psutil.Process) -> bool:
    """Whether it runs; one that only waits to be buried doesn't."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def eventually(check: Callable[[], bool], *, seconds: float = END_SECONDS) -> bool:
    """Whether something comes true in time."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class RunningRecite:
    """A started system. `lines` holds what it has said so far, standard error included."""

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str], directory: Path) -> None:
        self.environment = dict(environment)
        self.directory = directory
        self.lines: list[str] = []
        self._said: queue.Queue[str | None] = queue.Queue()
        self._process = subprocess.Popen(
            command, env=environment, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process that a user's Ctrl-C reaches."""
        return self._process.pid

    @property
    def url(self) -> str:
        """The api's address."""
        return f"http://127.0.0.1:{self.environment['API_PORT']}"

    def wait_for(self, words: str, *, seconds: float = READY_SECONDS) -> str:
        """The next line that holds these words; raises AssertionError with everything said when none comes."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._said.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"never said {words!r}: {self.lines}")
            if words in line:
                return line

    @property
    def relay_url(self) -> str:
        """The relay's address."""
        return f"http://127.0.0.1:{self.environment['PORT']}"

    def processes(self) -> list[psutil.Process]:
        """The supervisor and everything below it."""
        top = psutil.Process(self.pid)
        return [top, *(one for one in top.children(recursive=True) if runs(one))]

    def program(self, *words: str) -> psutil.Process | None:
        """The process whose command line holds all of these words, if it runs."""
        found = [one for one in self.processes()[1:] if set(words) <= set(_command(one))]
        return found[0] if found else None

    def recite(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command with the same settings."""
        return recite(*arguments, environment=self.environment, directory=self.directory)

    def interrupt(self) -> None:
        """Ctrl-C; what comes of it takes its time."""
        self._process.send_signal(signal.SIGINT)

    def stop(self, number: signal.Signals = signal.SIGINT) -> list[psutil.Process]:
        """Ends it as Ctrl-C does and returns whatever of it still runs then; kills that, too."""
        return self._end(lambda: self._process.send_signal(number))

    def close(self) -> None:
        """Leaves nothing behind, whatever state it is in."""
        if self._process.poll() is None:
            self.stop()
        self._reader.join(timeout=5)
        if self._process.stdout:
            self._process.stdout.close()

    def _end(self, act: Callable[[], None]) -> list[psutil.Process]:
        below = self.processes()[1:]
        act()
        try:
            self._process.wait(timeout=END_SECONDS)
        finally:
            left = [one for one in below if runs(one)]
            for one in left:
                one.kill()
            self._process.kill()
            self._process.wait()
        return left

    def _read(self) -> None:
        stream = self._process.stdout
        for line in stream or ():
            self.lines.append(line.rstrip("\n"))
            self._said.put(self.lines[-1])
        self._said.put(None)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@contextmanager
def running_recite(
    directory: Path, *, environment: Mapping[str, str], command: Sequence[str] = (sys.executable, "-m", "cli", "up")
) -> Iterator[RunningRecite]:
    """A system that is ready, for as long as the block runs."""
    running = RunningRecite(command, environment=environment, directory=directory)
    try:
        running.wait_for("Recite is ready")
        yield running
    finally:
        running.close()
