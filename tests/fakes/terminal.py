"""A command at a terminal: what it asks can be answered."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_SECONDS = 60


def recite_at_terminal(
    *arguments: str, environment: Mapping[str, str], directory: Path, answer: str
) -> tuple[int, str]:
    """Runs a command of `recite` to its end, and types the answer ahead; its exit status and what the screen showed."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "r+b", buffering=0) as screen:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", *arguments],
            env={**environment, "TERM": "xterm", "COLUMNS": "120"},
            cwd=directory,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        screen.write(f"{answer}\n".encode())
        shown = b""
        try:
            while piece := _read(screen.fileno()):
                shown += piece
            return process.wait(timeout=_SECONDS), shown.decode(errors="replace")
        finally:
            process.kill()
            process.wait()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:
        # A terminal whose other side is closed.
        return b""
