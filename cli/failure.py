"""The one error of the command line: a sentence that says what is wrong and what to do."""

from __future__ import annotations


class Failure(Exception):
    """Ends a command with exit status 1; its text is for people and holds no secret."""


class Unreachable(Failure):
    """The service is away or not well at the moment: the same may work later."""
