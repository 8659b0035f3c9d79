"""`recite voices`: the voices as a table."""

from __future__ import annotations

from cli.api_client import ApiClient
from cli.output import console, print_json, table


def voices(api: ApiClient, *, as_json: bool = False) -> None:
    """Prints id, name and description of each."""
    listed = api.voices()
    if as_json:
        print_json(listed)
        return
    made = table("id", "name", "description")
    for voice in listed:
        made.add_row(voice["id"], voice["name"], voice["description"])
    console().print(made)
