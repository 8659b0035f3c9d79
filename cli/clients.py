"""`recite clients`: who may ask under a name, with which settings, and what they used."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer

from cli.api_client import ApiClient
from cli.confirm import confirm
from cli.failure import Failure
from cli.output import as_time, console, pairs, print_json, table

AI_KEY = "RECITE_AI_KEY"
_KEY_FIELDS = ("ai_api_key", "ai_key")
_SHOWN_ONLY = ("id", "has_ai_api_key", "has_webhook_secret", "webhook_disabled", "webhook_secret")
# What is several words is written with commas.
_LISTS = ("allowed_origins",)


def list_clients(api: ApiClient, *, as_json: bool = False) -> None:
    """Prints all clients, by id."""
    listed = api.document("GET", "/v1/clients")["clients"]
    if as_json:
        print_json(listed)
        return
    made = table("id", "name", "voice", "cache", "own key", "letters a month", right=("letters a month",))
    for client in listed:
        budget = client["monthly_character_budget"]
        own_key = "yes" if client["has_ai_api_key"] else ""
        row = (client["name"], client["voice"] or "", client["cache"], own_key)
        made.add_row(client["id"], *row, "" if budget is None else f"{budget:,}")
    console().print(made)


def show_client(api: ApiClient, id: str, *, as_json: bool = False) -> None:
    """Prints a client's settings."""
    _print(api.document("GET", f"/v1/clients/{id}"), as_json=as_json)


def set_client(
    api: ApiClient, id: str, fields: Iterable[str], *, reads_key: bool = False, drops_key: bool = False, as_json: bool
) -> None:
    """Stores a client: a new one, or the one that there is with these fields changed."""
    status, known = api.get(f"/v1/clients/{id}")
    if status not in (200, 404):
        # In the api's own words.
        api.document("GET", f"/v1/clients/{id}")
    kept = {} if status == 404 else {name: value for name, value in known.items() if name not in _SHOWN_ONLY}
    key = {"ai_api_key": _read_key()} if reads_key else {"ai_api_key": ""} if drops_key else {}
    wanted = {**kept, **dict(_field(field) for field in fields), **key}
    # What is left out takes its default.
    body = {name: value for name, value in wanted.items() if value is not None}
    _print(api.document("PUT", f"/v1/clients/{id}", json=body), as_json=as_json)


def delete_client(api: ApiClient, id: str, *, yes: bool) -> None:
    """Removes a client and its key."""
    confirm(f"Remove the client {id}, its key and its pages' tokens?", yes=yes)
    api.document("DELETE", f"/v1/clients/{id}")
    typer.echo(f"{id} is removed; its audio stays")


def client_usage(api: ApiClient, id: str, *, month: str | None = None, as_json: bool = False) -> None:
    """Prints what a client used in a month."""
    used = api.document("GET", f"/v1/clients/{id}/usage", params={"month": month} if month else None)
    if as_json:
        print_json(used)
        return
    left, budget = used["characters_left"], used["monthly_character_budget"]
    console().print(
        pairs(
            {
                "client": f"{used['client_id']}, {used['month']}",
                "requests": f"{used['requests']:,}",
                "  hits, joins, misses": f"{used['hits']:,}, {used['joins']:,}, {used['misses']:,}",
                "  refused": f"{used['refused']:,}",
                "bought": f"{used['characters_bought']:,} letters, {as_time(used['seconds_bought'])}, "
                f"{used['upstream_usd']:.2f} $",
                "served": f"{used['characters_served']:,} letters, {as_time(used['seconds_served'])}",
                "left": "no limit" if budget is None else f"{left:,} of {budget:,} letters",
            }
        )
    )


def _field(written: str) -> tuple[str, Any]:
    name, separator, value = written.partition("=")
    if not separator:
        raise Failure(f"{name}: write name=value, such as voice=eve")
    if name in _KEY_FIELDS:
        raise Failure(f"a key on the command line can be read by others: use --ai-key, which takes it from {AI_KEY}")
    if value.startswith("@"):
        return name, _text_of(Path(value[1:]))
    if name in _LISTS and not value.startswith("["):
        return name, [part.strip() for part in value.split(",") if part.strip()]
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise Failure(f"{file} can't be read as text: name another file behind @") from None


def _read_key() -> str:
    key = os.environ.get(AI_KEY) or (
        getpass.getpass("The client's upstream key: ") if sys.stdin.isatty() else sys.stdin.readline()
    )
    if not key.strip():
        raise Failure(f"there is no key: put it into {AI_KEY}, or hand it to standard input")
    return key.strip()


def _print(client: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(client)
        return
    console().print(pairs({name: _shown(value) for name, value in client.items() if value not in (None, "", [], {})}))


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
