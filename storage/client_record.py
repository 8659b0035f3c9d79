"""A client as JSON in the bucket: all that it is, and its upstream key under a seal."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

from speech.client import Client

_FIELDS = frozenset(field.name for field in fields(Client)) - {"id", "has_key"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientRecord:
    """What one object of the bucket holds; `object_key` is where it lies."""

    client: Client
    sealed: str | None
    object_key: str = ""

    def to_json(self) -> bytes:
        """The object's body."""
        settings = {name: value for name, value in asdict(self.client).items() if name in _FIELDS}
        return json.dumps({"version": 1, **settings, "sealed_key": self.sealed}, ensure_ascii=False).encode()

    @classmethod
    def of(cls, body: bytes, *, id: str, object_key: str) -> ClientRecord:
        """Reads a body; raises ValueError for half of one. What a newer version added is left out."""
        document = json.loads(body)
        try:
            sealed = document["sealed_key"]
            known = {name: document[name] for name in _FIELDS & document.keys()}
            known["pronunciations"] = tuple((word, sound) for word, sound in known.get("pronunciations", ()))
            known["allowed_origins"] = tuple(known.get("allowed_origins", ()))
        except (KeyError, TypeError, AttributeError):
            raise ValueError("this is no client") from None
        client = Client(id=id, has_key=sealed is not None, **known)
        return cls(client=client, sealed=sealed, object_key=object_key)
