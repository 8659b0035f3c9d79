"""Runs the whole system as `recite up` does, on free ports and in a folder of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from settings import setting_names

_ROOT = Path(__file__).resolve().parent.parent
_READY = re.compile(r"Recite is ready: (\S+)")


@dataclass(frozen=True, kw_only=True)
class System:
    """A running system: where its api, its relay and its simulator listen, and what belongs to it."""

    api: str
    relay: str
    simulator: str
    pid: int
    data_dir: Path

    @property
    def realtime(self) -> str:
        """The simulator's WebSocket, as an upstream client opens it."""
        return f"{self.simulator.replace('http', 'ws', 1)}/v1/realtime?model=grok-voice-latest"


@contextmanager
def running(**environment: str) -> Iterator[System]:
    """The system with these settings in its environment; it is gone at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="recite-bench-") as folder:
        api_port, relay_port, simulator_port = free_port(), free_port(), free_port()
        own = {
            "RECITE_DATA_DIR": folder,
            "API_PORT": str(api_port),
            "PORT": str(relay_port),
            "SIMULATOR_PORT": str(simulator_port),
            **environment,
        }
        # Started elsewhere: an `.env` here may lead to the real upstream.
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "up"],
            cwd=folder,
            env={**_plain_environment(), **own},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield System(
                api=_announced(process),
                relay=f"http://127.0.0.1:{relay_port}",
                simulator=f"http://127.0.0.1:{simulator_port}",
                pid=process.pid,
                data_dir=Path(folder),
            )
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


@contextmanager
def another_api(system: System, **environment: str) -> Iterator[str]:
    """One more api process on a running system, with more settings if need be; its address."""
    port = free_port()
    own = {"RECITE_DATA_DIR": str(system.data_dir), "API_PORT": str(port), **environment}
    with (system.data_dir / "another-api.log").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "api"],
            cwd=system.data_dir,
            env={**_plain_environment(), **own},
            stdout=said,
            stderr=said,
        )
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
            client.get(f"http://127.0.0.1:{port}/health").raise_for_status()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _plain_environment() -> dict[str, str]:
    """The shell's environment without its settings: neither may they lead to the real upstream."""
    inherited = {name: value for name, value in os.environ.items() if name not in setting_names()}
    return {**inherited, "PYTHONPATH": str(_ROOT)}


def _announced(process: subprocess.Popen[str]) -> str:
    said = []
    for line in process.stdout or ():
        said.append(line)
        if match := _READY.search(line):
            return match[1]
    raise SystemExit("the system did not start:\n" + "".join(said))
