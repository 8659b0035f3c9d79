"""`recite voices`: the voices as a table."""

from __future__ import annotations

import json

import typer
from rich.console import Console
from rich.table import Table

from cli.api_client import ApiClient


def voices(api: ApiClient, *, as_json: bool = False) -> None:
    """Prints id, name and description of each."""
    listed = api.voices()
    if as_json:
        typer.echo(json.dumps(listed, indent=2))
        return
    table = Table("id", "name", "description", box=None, pad_edge=False, header_style="bold")
    for voice in listed:
        table.add_row(voice["id"], voice["name"], voice["description"])
    Console().print(table)
