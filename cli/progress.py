"""How far a job is, in one line on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

Show = Callable[[dict[str, Any]], None]


@contextmanager
def progress() -> Iterator[Show | None]:
    """Shows each job it is given, as the api tells it; the line is gone at the end. None when nobody would see it."""
    # FORCE_COLOR makes a terminal of anything for rich.
    if not sys.stderr.isatty():
        yield None
        return
    console = Console(stderr=True)
    # The audio itself may go to standard output meanwhile.
    with Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False) as line:
        yield lambda job: line.update(Text(_line(job)), refresh=True)


def _line(job: dict[str, Any]) -> str:
    of = job.get("utterances")
    done = f": {job.get('utterances_done', 0)} of {of} {'utterance' if of == 1 else 'utterances'} done" if of else ""
    return f"{job['status']}{done}"
