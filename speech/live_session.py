"""A live session as every process of the relay knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class LiveState(StrEnum):
    """Made and not yet connected, connected, or waiting for a connection that broke."""

    CREATED = "created"
    OPEN = "open"
    DETACHED = "detached"


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveSession:
    """`order`: what it is allowed to be; `caller`: a key's id and the client that it speaks for.

    `expires_at`: when it is forgotten unless something happens, `opened_at`: when it was first connected, both in Unix
    seconds. `conversation_id`: with which the upstream could go on.
    """

    id: str
    state: LiveState
    caller: str
    address: str
    created_at: float
    expires_at: float
    order: Mapping[str, Any]
    client_id: str | None = None
    opened_at: float | None = None
    conversation_id: str | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
