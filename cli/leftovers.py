"""Notes of the processes that a supervisor started, so that the next one can end those that outlived it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path


def note(run: Path, pid: int) -> None:
    """Remembers a process that was just started."""
    (run / str(pid)).write_text(_birth(pid))


def forget(run: Path, pid: int) -> None:
    """Forgets a process that ended."""
    (run / str(pid)).unlink(missing_ok=True)


def end(run: Path, *, patience: float = 10) -> int:
    """Ends every noted process that still runs, by force after `patience` seconds; returns how many there were."""
    noted = [int(path.name) for path in run.iterdir() if path.name.isdecimal()]
    alive = [pid for pid in noted if _is_ours(run, pid)]
    for pid in alive:
        _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while any(_is_ours(run, pid) for pid in alive):
        if time.monotonic() > deadline:
            for pid in alive:
                if _is_ours(run, pid):
                    _signal(pid, signal.SIGKILL)
        time.sleep(0.05)
    for pid in noted:
        forget(run, pid)
    return len(alive)


def _is_ours(run: Path, pid: int) -> bool:
    """Whether the process is the noted one: ids are given out again, but not with the same time of birth."""
    birth = _birth(pid)
    return birth != "" and (run / str(pid)).read_text() == birth


def _birth(pid: int) -> str:
    """When a process started, in the system's own words; empty when it doesn't run."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] == "Z" else fields[19]
    listed = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout.strip()


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
