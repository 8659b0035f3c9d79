"""`python -m cli` is the same as `recite`."""

from cli.main import app

app(prog_name="recite")
