"""`recite webhooks …`: names, arguments and help."""

from __future__ import annotations

import typer

from cli.options import Json

app = typer.Typer(help="What receivers of webhooks need.", no_args_is_help=True)


@app.callback()
def _webhooks() -> None:
    pass


@app.command(epilog="A client's own secret is shown when it is made: POST /v1/clients/{id}/webhook-secret.")
def secret(as_json: Json = False) -> None:
    """Print the secret that signs webhooks of callers without a client of their own, for their receivers."""
    from cli.webhooks import secret as run

    run(as_json=as_json)
