"""`recite bucket …`: names, arguments and help."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import Json

app = typer.Typer(help="The bucket that keeps everything.", no_args_is_help=True)


@app.callback()
def _bucket() -> None:
    pass


@app.command(epilog="Exit status 1 when the bucket's server has no such rules; the embedded one has none.")
def setup(
    expire_after: Annotated[
        str | None,
        typer.Option(help="Audio expires so long after it was made: 90d, or never.", show_default="as it is"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make the bucket, have its server expire audio, and let pages read from it where AUDIO_DELIVERY=redirect."""
    from cli.bucket_setup import setup as run

    run(expire_after=expire_after, as_json=as_json)
