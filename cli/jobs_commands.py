"""`recite jobs …`: names, arguments and help."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import completion
from cli.options import Json, Key, Url

app = typer.Typer(help="The jobs that were asked for last.", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(help="The job's id.", autocompletion=completion.jobs, show_default=False)]
_STATUSES = ("queued", "rendering", "ready", "failed", "cancelled")


def _statuses(incomplete: str) -> list[str]:
    return [status for status in _STATUSES if status.startswith(incomplete)]


@app.command("list")
def list_(
    status: Annotated[
        str | None, typer.Option("--status", "-s", help=f"{', '.join(_STATUSES)}.", autocompletion=_statuses)
    ] = None,
    voice: Annotated[str | None, typer.Option("--voice", "-v", autocompletion=completion.voices)] = None,
    audio_format: Annotated[str | None, typer.Option("--format", "-f", autocompletion=completion.formats)] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many at the most.")] = 20,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Look every second, until Ctrl-C.")] = False,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """List the latest jobs, newest first; those of private clients are left out."""
    from cli.api_client import open_api
    from cli.jobs import Filter, list_jobs

    with open_api(url=url, key=key) as api:
        wanted = Filter(status=status, voice=voice, format=audio_format, limit=limit)
        list_jobs(api, wanted=wanted, watch=watch, as_json=as_json)


@app.command(epilog="Exit status 1 when it failed or was cancelled.")
def show(name: _Name, as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """Show how one job stands."""
    from cli.api_client import open_api
    from cli.jobs import show_job

    with open_api(url=url, key=key) as api:
        show_job(api, name, as_json=as_json)


@app.command()
def cancel(
    name: _Name,
    client_id: Annotated[str | None, typer.Option("--client", help="The client that it was asked for.")] = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Say that you no longer want a job; it ends unless somebody else does."""
    from cli.api_client import open_api
    from cli.jobs import cancel_job

    with open_api(url=url, key=key) as api:
        cancel_job(api, name, client_id=client_id, as_json=as_json)
