"""How a webhook stands in its Redis hash: what its log tells in the open, address and body under a seal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from speech.job import Job
from speech.webhook import Event, EventType, Target
from speech.webhook_delivery import Delivery, DeliveryStatus, Parcel, Problem, Subscription
from storage.board_record import read_job
from storage.sealing import Sealer

FIELDS = (
    *("type", "subject", "client", "host", "is_standing", "status", "attempts", "created_at"),
    *("last_at", "next_at", "answered", "problem"),
)


def body_of(event: Event) -> str:
    """What is sent: the event, thin."""
    happened = datetime.fromtimestamp(event.at, UTC).isoformat(timespec="milliseconds")
    document = {"type": event.type, "timestamp": happened.replace("+00:00", "Z"), "data": event.data}
    return orjson.dumps(document).decode()


def host_of(url: str) -> str:
    """Whom deliveries are shared out by, and what the log shows of an address: no more than host and port."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def open_fields(to: Target, *, subject: str) -> dict[str, str]:
    """What stands in the open."""
    return {
        "subject": subject,
        "client": to.client,
        "caller": to.caller,
        "is_signed": "1" if to.is_signed_by_client else "",
        "is_standing": "1" if to.is_standing else "",
    }


class Envelopes:
    """Seals what is secret of a delivery, for that delivery alone."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def seal(self, id: str, **content: Any) -> str:
        """Anything that JSON can hold."""
        return self._sealer.seal(orjson.dumps(content).decode(), owner=id)

    def open(self, id: str, sealed: bytes) -> dict[str, Any]:
        """What was sealed for it; raises KeySealed."""
        content: dict[str, Any] = orjson.loads(self._sealer.open(sealed.decode(), owner=id))
        return content

    def subscription(self, id: str, sealed: bytes) -> Subscription:
        """What waits for a job; raises KeySealed."""
        content = self.open(id, sealed)
        return Subscription(id=id, url=content["url"], audio_url=content["audio_url"], metadata=content["metadata"])

    def parcel(self, id: str, values: Sequence[Any]) -> Parcel:
        """What is to be sent, of what the script returned; raises KeySealed."""
        token, sealed, client, is_signed, is_standing, tries, age = values
        content = self.open(id, sealed)
        return Parcel(
            id=id,
            token=int(token),
            url=content["url"],
            body=content["body"],
            client=client.decode(),
            is_signed_by_client=bool(is_signed),
            is_standing=bool(is_standing),
            tries=int(tries),
            age=int(age) / 1000,
        )


def read_delivery(id: str, values: Sequence[bytes | None]) -> Delivery | None:
    """The delivery in the values of FIELDS, or None when there is none."""
    known: Mapping[str, str] = {
        name: value.decode() for name, value in zip(FIELDS, values, strict=True) if value is not None
    }
    if "status" not in known:
        return None
    return Delivery(
        id=id,
        type=EventType(known["type"]) if known.get("type") else None,
        subject=known["subject"],
        client=known["client"],
        host=known["host"],
        is_standing=bool(known["is_standing"]),
        status=DeliveryStatus(known["status"]),
        attempts=int(known["attempts"]),
        created_at=int(known["created_at"]) / 1000,
        last_at=_seconds(known.get("last_at")),
        next_at=_seconds(known.get("next_at")),
        answered=int(known["answered"]) if known.get("answered") else None,
        problem=Problem(known["problem"]) if known.get("problem") else None,
    )


def read_end(entry: bytes) -> tuple[str, Job | None, tuple[str, ...]]:
    """A job's name, how it ended, and who waits to be told, as the board's script wrote it."""
    name, values, subscribers = orjson.loads(entry)
    # A nil of Redis is a false there, and an empty list an object.
    known = [value.encode() if isinstance(value, str) else None for value in values]
    return name, read_job(name, known), tuple(subscribers)


def _seconds(milliseconds: str | None) -> float | None:
    return int(milliseconds) / 1000 if milliseconds else None
