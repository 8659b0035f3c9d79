"""A client as JSON in the bucket: all that it is, and its upstream key and webhook secrets under a seal."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

from speech.client import Client

_FIELDS = frozenset(field.name for field in fields(Client)) - {"id", "has_key", "has_webhook_secret"}


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedSecret:
    """What webhooks are signed with; an older one counts until then, in Unix seconds."""

    sealed: str
    until: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientRecord:
    """What one object of the bucket holds; `object_key` is where it lies."""

    client: Client
    sealed: str | None
    webhook_secrets: tuple[SealedSecret, ...] = ()
    object_key: str = ""

    def to_json(self) -> bytes:
        """The object's body."""
        settings = {name: value for name, value in asdict(self.client).items() if name in _FIELDS}
        secrets = [asdict(secret) for secret in self.webhook_secrets]
        sealed = {"sealed_key": self.sealed, "webhook_secrets": secrets}
        return json.dumps({"version": 1, **settings, **sealed}, ensure_ascii=False).encode()

    @classmethod
    def of(cls, body: bytes, *, id: str, object_key: str) -> ClientRecord:
        """Reads a body; raises ValueError for half of one. What a newer version added is left out."""
        document = json.loads(body)
        try:
            sealed = document["sealed_key"]
            known = {name: document[name] for name in _FIELDS & document.keys()}
            known["pronunciations"] = tuple((word, sound) for word, sound in known.get("pronunciations", ()))
            known["allowed_origins"] = tuple(known.get("allowed_origins", ()))
            secrets = tuple(SealedSecret(**secret) for secret in document.get("webhook_secrets", ()))
        except (KeyError, TypeError, AttributeError):
            raise ValueError("this is no client") from None
        client = Client(id=id, has_key=sealed is not None, has_webhook_secret=bool(secrets), **known)
        return cls(client=client, sealed=sealed, webhook_secrets=secrets, object_key=object_key)
