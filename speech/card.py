"""The card: what is known of an audio object, kept as JSON beside it and put last. No card, not ready."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """Describes one object in the bucket. `key` names the object, `sha256` is its ETag; the text is not in it."""

    name: str
    key: str
    sha256: str
    size: int
    content_type: str
    samples: int
    duration_ms: int
    characters: int
    utterances: int
    attempts: int
    created_at: float
    recipe: dict[str, Any]
    speak_modes: tuple[str, ...]
    proof: dict[str, Any]
    timings: dict[str, int]

    def to_json(self) -> bytes:
        """The card's document."""
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True).encode()

    @classmethod
    def from_json(cls, document: bytes) -> Card:
        """Reads `to_json`'s document; raises ValueError for a torn or foreign one."""
        known = {field.name for field in fields(cls)}
        loaded = json.loads(document)
        if not isinstance(loaded, dict) or not known <= loaded.keys():
            raise ValueError("not a card")
        values = {name: loaded[name] for name in known}
        if not isinstance(values["speak_modes"], list):
            raise ValueError("not a card")
        return cls(**{**values, "speak_modes": tuple(values["speak_modes"])})
