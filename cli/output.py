"""How commands print: tables without lines, figures as people say them, or JSON for programs."""

from __future__ import annotations

import json
import sys
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

_UNITS = ("B", "kB", "MB", "GB", "TB")


def print_json(document: Any) -> None:
    """The document as it is; what is piped stays one document."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """An empty table; the columns named in `right` hold figures."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return made


def pairs(rows: dict[str, str]) -> Table:
    """Names and what they are, below each other."""
    made = Table(box=None, pad_edge=False, show_header=False)
    made.add_column(style="bold")
    made.add_column(overflow="fold")
    for name, value in rows.items():
        made.add_row(name, value)
    return made


def console() -> Console:
    """Where tables are printed; what is piped is not folded."""
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200)


def as_size(count: int) -> str:
    """`3.4 MB`."""
    size, unit = float(count), _UNITS[0]
    for unit in _UNITS:
        if size < 1000 or unit == _UNITS[-1]:
            break
        size /= 1000
    return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"


def as_time(seconds: float) -> str:
    """`2 h 05 min`, `1 min 12 s` or `3.1 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def as_count(number: int, one: str, more: str = "") -> str:
    """`1 job`, `2 jobs`."""
    return f"{number:,} {one if number == 1 else more or f'{one}s'}"
