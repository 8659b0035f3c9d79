"""The interface of the clients' store; floor 1 implements it, floor 2 wires it."""

from __future__ import annotations

from typing import Protocol

from speech.client import Client


class Clients(Protocol):
    """The clients, kept for good. Ids that are none raise InvalidRequest; an outage raises Unavailable."""

    async def get(self, id: str) -> Client | None:
        """The client; from this process's memory for a minute at most, and a change elsewhere is seen at once."""

    async def key(self, id: str) -> str | None:
        """The client's own upstream key; None when it has none: the global one is meant.

        Raises KeySealed for one that can't be read any more: the global one must not be used in its place.
        """

    async def put(self, client: Client, *, key: str | None) -> str | None:
        """Stores the client whole. `key` None keeps the stored upstream key, an empty one removes it.

        A client with a webhook and no secret for it gets one: the answer, which nobody sees again.
        """

    async def webhook_secrets(self, id: str) -> tuple[str, ...]:
        """What the client's webhooks are signed with, the present one first; raises KeySealed."""

    async def rotate_webhook_secret(self, id: str) -> str:
        """A new secret, beside which the one before counts for another day; raises UnknownClient."""

    async def disable_webhook(self, id: str, *, url: str) -> None:
        """Switches the client's webhook off, if it still is this one."""

    async def delete(self, id: str) -> bool:
        """Removes the client and its key; False when there was none."""

    async def all(self) -> list[Client]:
        """Every client, by id; from memory as `get`."""

    async def origins(self) -> frozenset[str]:
        """The pages that any client allows; from memory as `get`."""
