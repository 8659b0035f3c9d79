"""The second `./start.sh`: how long until everything is ready, and how much memory all of it takes.

Run by `python -m bench.startup`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter

import httpx
import psutil

from bench.report import report
from bench.system import free_port
from settings import setting_names

READY_LIMIT_S, MEMORY_LIMIT_MB = 8, 800

_START = Path(__file__).resolve().parent.parent / "start.sh"
_FORMATS = ("wav", "mp3", "flac", "opus", "aac")


def measure() -> bool:
    """Starts once to set everything up, then once more, which is measured."""
    if (_START.parent / ".env").exists():
        raise SystemExit("there is an .env beside start.sh: move it away, it may lead to the real upstream")
    with tempfile.TemporaryDirectory(prefix="recite-bench-") as folder:
        ports = {name: str(free_port()) for name in ("API_PORT", "PORT", "SIMULATOR_PORT")}
        plain = {name: value for name, value in os.environ.items() if name not in setting_names()}
        environment = {**plain, **ports, "RECITE_DATA_DIR": folder}
        _stop(_started(environment))
        began = perf_counter()
        process = _started(environment)
        seconds = perf_counter() - began
        try:
            _use(f"http://127.0.0.1:{ports['API_PORT']}")
            megabytes, processes = _memory(process.pid)
        finally:
            _stop(process)
    in_time = report("second ./start.sh until ready", seconds, limit=READY_LIMIT_S, unit="s")
    note = f" PSS of {processes} processes, after renders in both lanes"
    return report("memory of everything", megabytes, limit=MEMORY_LIMIT_MB, unit="MB", note=note) and in_time


def _started(environment: dict[str, str]) -> subprocess.Popen[str]:
    """The system, once it says that it is ready."""
    process = subprocess.Popen([str(_START)], env=environment, stdout=subprocess.PIPE, text=True)
    said = []
    for line in process.stdout or ():
        said.append(line)
        if line.startswith("Recite is ready"):
            return process
    raise SystemExit(f"the system did not start:\n{''.join(said)}")


def _stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


def _use(api: str) -> None:
    """A job in each format and in both lanes: what is loaded only when needed counts, too."""
    with httpx.Client(base_url=api, timeout=60, headers={"Prefer": "wait=30"}) as client:
        for priority in ("interactive", "bulk"):
            for name in _FORMATS:
                order = {"text": f"A {priority} sentence as {name}.", "format": name, "priority": priority}
                job = client.post("/v1/jobs", json=order).raise_for_status().json()
                if job["status"] != "ready":
                    raise SystemExit(f"a job is {job['status']}: {job['error']}")


def _memory(pid: int) -> tuple[float, int]:
    """Megabytes of the whole process tree, shared pages divided among those who share them."""
    top = psutil.Process(pid)
    tree = [top, *top.children(recursive=True)]
    return sum(process.memory_full_info().pss for process in tree) / 1e6, len(tree)


if __name__ == "__main__":
    raise SystemExit(0 if measure() else 1)
