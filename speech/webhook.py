"""A webhook: what is told, and to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from speech.client import Client


class EventType(StrEnum):
    """What may be told."""

    JOB_READY = "job.ready"
    JOB_FAILED = "job.failed"
    BATCH_COMPLETED = "batch.completed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that happened `at` Unix seconds to the job or batch of this id; `data` is what is told of it."""

    type: EventType
    subject: str
    at: float
    data: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where a caller wants to be told. `client` is the one that it named, if any.

    `is_signed_by_client`: by that client's own secret, else by the service's. `is_standing`: it is the client's own
    webhook, which a 410 switches off.
    """

    url: str
    caller: str = ""
    client: str = ""
    is_signed_by_client: bool = False
    is_standing: bool = False


def targets_of(url: str | None, *, client: Client | None, caller: str = "", client_id: str = "") -> list[Target]:
    """Who is to be told: the address of the request itself, and the client's standing one; equal ones once.

    `client_id` is what the caller called itself, also when no such client is stored.
    """
    named, is_signed = client.id if client else client_id, client is not None and client.has_webhook_secret
    standing = client.webhook_url if client is not None and not client.webhook_disabled else None
    return [
        Target(
            url=one,
            caller=caller,
            client=named,
            is_signed_by_client=is_signed,
            is_standing=one == standing,
        )
        for one in dict.fromkeys((url, standing))
        if one is not None
    ]
