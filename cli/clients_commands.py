"""`recite clients …`: names, arguments and help."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import completion
from cli.options import Json, Key, Url, Yes

app = typer.Typer(help="Who may ask under a name, and what they used.", no_args_is_help=True)

_Id = Annotated[str, typer.Argument(help="The client's id.", autocompletion=completion.clients, show_default=False)]


@app.command("list")
def list_(as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """List all clients."""
    from cli.api_client import open_admin
    from cli.clients import list_clients

    with open_admin(url=url, key=key) as api:
        list_clients(api, as_json=as_json)


@app.command()
def show(id: _Id, as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """Show a client's settings."""
    from cli.api_client import open_admin
    from cli.clients import show_client

    with open_admin(url=url, key=key) as api:
        show_client(api, id, as_json=as_json)


@app.command(
    "set",
    epilog="[bold]Example[/bold]   recite clients set shop name=Shop voice=eve system_prompt=@prompt.txt "
    "allowed_origins=https://shop.example.com monthly_character_budget=100000 cache=null",
)
def set_(
    id: _Id,
    fields: Annotated[
        list[str] | None,
        typer.Argument(help="name=value; @file reads a text, null is the default again.", show_default=False),
    ] = None,
    ai_key: Annotated[
        bool, typer.Option("--ai-key", help="Take its upstream key from RECITE_AI_KEY or standard input.")
    ] = False,
    no_ai_key: Annotated[bool, typer.Option("--no-ai-key", help="Remove its upstream key.")] = False,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Make a client, or change these fields of one."""
    from cli.api_client import open_admin
    from cli.clients import set_client

    with open_admin(url=url, key=key) as api:
        set_client(api, id, fields or [], reads_key=ai_key, drops_key=no_ai_key, as_json=as_json)


@app.command()
def delete(id: _Id, yes: Yes = False, url: Url = None, key: Key = None) -> None:
    """Remove a client and its key; its audio stays."""
    from cli.api_client import open_admin
    from cli.clients import delete_client

    with open_admin(url=url, key=key) as api:
        delete_client(api, id, yes=yes)


@app.command()
def usage(
    id: _Id,
    month: Annotated[str | None, typer.Option(help="2026-11; by default the present one.", show_default=False)] = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Show what a client used in a month."""
    from cli.api_client import open_admin
    from cli.clients import client_usage

    with open_admin(url=url, key=key) as api:
        client_usage(api, id, month=month, as_json=as_json)
