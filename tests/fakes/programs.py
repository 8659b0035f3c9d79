"""Programs of the system as processes of their own, in one folder and with one set of settings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx

from tests.fakes.services import LOOPBACK

_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 30.0
AT_ONCE = {
    "SIMULATOR_HANDSHAKE_MS": "0",
    "SIMULATOR_FIRST_AUDIO_MS": "0",
    "SIMULATOR_PACE": "0",
    "SIMULATOR_FIRST_TOKEN_MS": "0",
    "SIMULATOR_TOKEN_MS": "0",
}
SECRET = "testing-secret-that-must-not-show"


@dataclass
class Program:
    """One process of the system; it can be ended and started again."""

    arguments: list[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    _file: IO[bytes] | None = None

    def start(self) -> None:
        """Starts it; it need not be ready yet."""
        self._file = self.log.open("ab")
        self.process = subprocess.Popen(
            self.arguments,
            cwd=self.log.parent,
            env=self.environment,
            stdout=self._file,
            stderr=self._file,
            start_new_session=True,
        )

    def end(self, number: signal.Signals = signal.SIGTERM, *, seconds: float = 40) -> int:
        """Sends the signal, SIGCONT to let it end by itself, and waits for the end; the exit status."""
        if self.process is None:
            return 0
        self.process.send_signal(number)
        status = self.process.wait(timeout=seconds)
        self.process = None
        if self._file is not None:
            self._file.close()
        return status

    def said(self) -> str:
        """All that it has logged."""
        return self.log.read_text()


@dataclass
class Programs:
    """What runs in the folder."""

    folder: Path
    simulator_port: int
    settings: dict[str, str]
    programs: dict[str, Program] = field(default_factory=dict, init=False)

    def control(self, method: str, call: str, **body: Any) -> dict[str, Any]:
        """A control call to the simulator, such as `POST`, `faults`."""
        url = f"http://{LOOPBACK}:{self.simulator_port}/control/{call}"
        answer = httpx.request(method, url, json=body or None)
        document: dict[str, Any] = answer.raise_for_status().json()
        return document

    def start(self, name: str, *arguments: str, **environment: str) -> Program:
        """Starts one more program of the system, by `python -m`, with more settings if need be."""
        inherited = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        program = Program(
            arguments=[sys.executable, "-m", *arguments],
            environment={**inherited, "PYTHONPATH": str(_ROOT), **self.settings, **environment},
            log=self.folder / f"{name}.log",
        )
        self.programs[name] = program
        program.start()
        return program

    def start_simulator(self) -> Program:
        """Starts the simulator and waits until it answers."""
        program = self.start("simulator", "simulator")
        self.wait(lambda: self.control("GET", "stats"))
        return program

    def wait(self, condition: Callable[[], object]) -> None:
        """Waits until a condition on other processes holds; they can only be asked again and again."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                if condition():
                    return
            except (httpx.HTTPError, KeyError):
                pass
            if time.monotonic() > deadline:
                raise RuntimeError("\n".join(f"{name}:\n{p.said()[-2000:]}" for name, p in self.programs.items()))
            time.sleep(0.05)

    def end(self) -> None:
        """Ends what still runs."""
        for program in reversed(self.programs.values()):
            program.end(signal.SIGTERM if program.process and program.process.poll() is None else signal.SIGCONT)
