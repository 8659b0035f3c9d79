"""Options that many commands have, with one meaning everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

URL, KEY = "RECITE_URL", "RECITE_KEY"

Url = Annotated[
    str | None,
    typer.Option(envvar=URL, help="Address of the API; by default the one of the settings.", show_default=False),
]
Key = Annotated[
    str | None,
    typer.Option(envvar=KEY, help="API key; by default the first fitting one of RECITE_API_KEYS.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
