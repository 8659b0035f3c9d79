"""A caller as the board knows it: the id of a key, and the client that is asked for, apart by a colon."""

from __future__ import annotations


def client_of(caller: str) -> str:
    """The client that a caller asks for; empty when it named none."""
    return caller.partition(":")[2]
