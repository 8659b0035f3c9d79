"""How far a batch is: one bar, of lines that are done with and saved."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from cli.amounts import duration, money

# The batch as it stands, lines saved, and lines that have nothing to save.
Show = Callable[[dict[str, Any], int, int], None]


@contextmanager
def progress() -> Iterator[Show]:
    """Shows each state it is given; nothing when nobody would see it."""
    if not sys.stderr.isatty():
        yield lambda document, saved, without: None
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(document: dict[str, Any], saved: int, without: int) -> None:
            counts = document["counts"]
            bar.update(task, total=counts["total"], completed=saved + without, description=_words(document))

        yield show


def _words(document: dict[str, Any]) -> str:
    counts, left = document["counts"], document["estimated_seconds_left"]
    words = [f"{counts[name]} {name}" for name in ("cached", "rendered", "failed", "cancelled") if counts[name]]
    if left:
        words.append(f"{duration(left)} left")
    words.append(money(document["upstream_usd"]))
    return " · ".join(words)
