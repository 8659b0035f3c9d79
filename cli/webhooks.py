"""`recite webhooks`: what receivers need to know."""

from __future__ import annotations

import typer

from settings import load_settings


def secret(*, as_json: bool) -> None:
    """Prints what signs the webhooks of callers without a client of their own; the first is the present one."""
    secrets = load_settings().webhook_secrets
    if as_json:
        import json

        typer.echo(json.dumps({"secrets": secrets}))
        return
    for one in secrets:
        typer.echo(one)
