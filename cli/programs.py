"""The programs that make up the system, and the files that tell the supervisor and Redis how to run them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cli import binaries
from cli.data_dir import DataDir
from cli.failure import Failure
from cli.twins import BucketTwin, RedisTwin, Twins

# What a worker renders and what a relay's clients talk of may take SHUTDOWN_GRACE; then jobs go back to the queue and
# sessions are closed.
_MARGIN = 15
# Each of a worker's hundred threads would have glibc set memory aside, and what was large would stay with the process.
_THRIFTY = "PYTHONUNBUFFERED=1,MALLOC_ARENA_MAX=2,MALLOC_MMAP_THRESHOLD_=131072"
_BACKENDS, _UPSTREAM, _SLOW, _FRONT, _OBSERVER = 10, 20, 30, 40, 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A supervised program. Lower `priority`: earlier started, later stopped, with `stop_seconds` to stop by itself.

    What one that `is_heard` prints goes to the terminal.
    """

    name: str
    command: Sequence[str]
    priority: int
    stop_seconds: int = 10
    is_heard: bool = False
    environment: str = "PYTHONUNBUFFERED=1"


def programs(twins: Twins, *, home: DataDir, grace_seconds: float) -> list[Program]:
    """Everything that one start runs."""
    python = [sys.executable, "-m"]
    found = []
    if twins.redis:
        command = [str(binaries.redis_server()), str(home.child("redis.conf"))]
        found.append(Program(name="redis", command=command, priority=_BACKENDS))
    if twins.bucket:
        command = [str(binaries.rclone()), *_s3_arguments(twins.bucket, home)]
        found.append(Program(name="s3", command=command, priority=_BACKENDS))
    if twins.simulator:
        # HOST is the api's: nobody else needs to reach this one.
        local = 'PYTHONUNBUFFERED=1,HOST="127.0.0.1"'
        command = [*python, "simulator"]
        found.append(Program(name="simulator", command=command, priority=_UPSTREAM, environment=local))
    stop_seconds = int(grace_seconds) + _MARGIN
    for lane in ("interactive", "bulk", "outbox"):
        command = [*python, *_worker_arguments(lane)]
        name = f"worker-{lane}"
        found.append(
            Program(name=name, command=command, priority=_SLOW, stop_seconds=stop_seconds, environment=_THRIFTY)
        )
    found.append(Program(name="relay", command=[*python, "relay"], priority=_SLOW, stop_seconds=stop_seconds))
    found.append(Program(name="api", command=[*python, "api"], priority=_FRONT))
    found.append(Program(name="announce", command=[*python, "cli.announce"], priority=_OBSERVER, is_heard=True))
    return found


def bucket_environment(twin: BucketTwin) -> dict[str, str]:
    """rclone's key and its own settings left out; by environment, since everybody may read command lines."""
    # rclone reads this variable as one line of CSV.
    pair = f"{twin.access_key_id},{twin.secret_access_key}".replace('"', '""')
    return {"RCLONE_AUTH_KEY": f'"{pair}"', "RCLONE_CONFIG": "/dev/null"}


def redis_conf(twin: RedisTwin, *, home: DataDir) -> str:
    """redis.conf: loopback only, a password, every write kept in the append-only file."""
    return "\n".join(
        [
            "bind 127.0.0.1",
            f"port {twin.port}",
            f"requirepass {twin.password}",
            f"dir {_quoted(home.child('redis'))}",
            "daemonize no",
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
            "",
        ]
    )


def supervisor_conf(started: Sequence[Program], *, home: DataDir, directory: Path) -> str:
    """supervisord's configuration; holds no secret."""
    slow = ",".join(program.name for program in started if program.priority == _SLOW)
    head = [
        "[supervisord]",
        f"logfile={_escaped(home.log('supervisor'))}",
        "logfile_maxbytes=1MB",
        "logfile_backups=1",
        f"pidfile={_escaped(home.child('supervisor.pid'))}",
        f"childlogdir={_escaped(home.child('logs'))}",
        f"directory={_escaped(directory)}",
        # One group, because groups stop one after the other.
        "[group:slow]",
        f"programs={slow}",
        f"priority={_SLOW}",
    ]
    return "\n".join(head + [line for program in started for line in _section(program, home)]) + "\n"


def _section(program: Program, home: DataDir) -> list[str]:
    return [
        f"[program:{program.name}]",
        f"command={_escaped(shlex.join(program.command))}",
        f"priority={program.priority}",
        "redirect_stderr=true",
        f"stdout_logfile={_escaped(home.log(program.name))}",
        "stdout_logfile_maxbytes=5MB",
        "stdout_logfile_backups=2",
        f"stdout_events_enabled={str(program.is_heard).lower()}",
        f"environment={program.environment}",
        # Never given up; cli.supervise keeps the pauses between tries short.
        "autorestart=true",
        "startretries=1000000",
        "startsecs=3",
        f"stopwaitsecs={program.stop_seconds}",
        "killasgroup=true",
    ]


def _s3_arguments(twin: BucketTwin, home: DataDir) -> list[str]:
    address = ["--addr", f"127.0.0.1:{twin.port}"]
    return ["serve", "s3", *address, "--vfs-cache-mode", "off", str(home.child("s3"))]


def _worker_arguments(lane: str) -> list[str]:
    alone = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    pool = ["-P", "threads", "-Q", lane, "-n", f"{lane}@%h"]
    return ["celery", "-A", "celery_config", "worker", *pool, *alone]


def _escaped(value: str | Path) -> str:
    """supervisord expands % (in logs' paths twice) and takes what follows a space and ; or # for a comment."""
    text = str(value)
    if " ;" in text or " #" in text or (isinstance(value, Path) and "%" in text):
        raise Failure(f"{text}: a path with % or with a space before ; or # can't be used; move it")
    return text.replace("%", "%%")


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
