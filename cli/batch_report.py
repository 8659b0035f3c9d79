"""What `recite batch` says at the end: a table, and the lines that went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.amounts import duration, money

_SHOWN = 10


def print_report(document: dict[str, Any], results: Sequence[dict[str, Any]], *, folder: Path) -> None:
    """The batch as it ended; `results` have a `file` where one was saved."""
    console, counts = Console(highlight=False), document["counts"]
    saved = [result for result in results if result.get("file") is not None]
    table = _table(document["id"])
    for name in ("cached", "rendered", "failed", "cancelled"):
        if counts[name] or name in ("cached", "rendered", "failed"):
            table.add_row(name, str(counts[name]))
    if document["skipped"]:
        table.add_row("left out", str(document["skipped"]))
    table.add_row("audio", duration(sum(result["duration_ms"] or 0 for result in saved) / 1000))
    table.add_row("upstream", money(document["upstream_usd"]))
    table.add_row("saved", f"{len(saved)} files in {folder}")
    console.print(table)
    wrong = [result for result in results if result.get("file") is None]
    for result in wrong[:_SHOWN]:
        error = result["error"] or {"message": result["status"]}
        console.print(Text(f"line {result['line']}, {result['custom_id']}: {error['message']}"), soft_wrap=True)
    if len(wrong) > _SHOWN:
        console.print(f"and {len(wrong) - _SHOWN} more: {folder / 'results.jsonl'} has all")
    if wrong:
        console.print("The same command runs them again.")


def print_estimate(document: dict[str, Any]) -> None:
    """What a dry run found."""
    console, table = Console(highlight=False), _table("dry run")
    table.add_row("lines", str(document["lines"]))
    table.add_row("there already", str(document["hits"]))
    table.add_row("to make", str(document["misses"]))
    table.add_row("duplicates", str(document["duplicates"]))
    table.add_row("characters", f"{document['characters_to_buy']:,}")
    table.add_row("audio", f"about {duration(document['audio_seconds_to_buy'])}")
    table.add_row("upstream", f"about {money(document['upstream_usd'])}")
    table.add_row("time", f"about {duration(document['upstream_seconds'])}")
    if document["skipped"]:
        table.add_row("left out", str(document["skipped"]))
    console.print(table)


def _table(title: str) -> Table:
    table = Table(title=Text(title), show_header=False, title_justify="left", min_width=len(title) + 4)
    table.add_column(style="bold")
    table.add_column()
    return table
