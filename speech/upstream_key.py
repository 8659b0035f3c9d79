"""With whose key a client's speech is bought: its own, or the service's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from speech.client_ports import Clients

_GROUP_LENGTH = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamKey:
    """A key of the upstream; it never leaves the process. `group`: what is counted together, told by a hash.

    `client`: for whom, empty for who is nobody that we know; `is_own`: it is the client's, not the service's.
    """

    group: str
    secret: str = field(repr=False)
    client: str = ""
    is_own: bool = False


class UpstreamKeys:
    """Every client's key, as it is at the moment; `service` is the key of those that have none."""

    def __init__(self, clients: Clients, *, service: UpstreamKey) -> None:
        self._clients = clients
        self._service = service

    async def of(self, client_id: str) -> UpstreamKey:
        """The key for a client, or for who names none that is stored.

        Raises KeySealed for one that can't be read, and Unavailable: the service's own never takes its place.
        """
        # What isn't the form of a stored client's id is the caller's own business.
        client = await self._clients.get(client_id) if client_id.strip(".") else None
        if client is None:
            return self._service
        secret = await self._clients.key(client.id) if client.pays_itself else None
        if not secret:
            return replace(self._service, client=client.id)
        # Who has the same key as the service shares its sessions.
        group = self._service.group if secret == self._service.secret else group_of(secret)
        return UpstreamKey(group=group, secret=secret, client=client.id, is_own=True)


def group_of(secret: str) -> str:
    """What the upstream counts together unless somebody names it: all that uses this key."""
    return hashlib.sha256(secret.encode()).hexdigest()[:_GROUP_LENGTH]
