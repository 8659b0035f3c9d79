"""Asks before something goes for good."""

from __future__ import annotations

import sys

import typer

from cli.failure import Failure


def confirm(question: str, *, yes: bool) -> None:
    """Returns when it is meant; raises Failure where nobody can answer, and ends the command when it isn't."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Failure("nobody is there to ask: add --yes if it is meant")
    if not typer.confirm(question, err=True):
        typer.echo("Nothing is changed.", err=True)
        raise typer.Exit(1)
