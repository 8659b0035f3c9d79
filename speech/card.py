"""The card: what is known of an audio object, kept as JSON beside it and put last. No card, not ready."""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """Describes one object in the bucket. `key` names the object, `sha256` is its ETag; the text is not in it.

    `masters` are the utterances that it was made of, each once; a master's own has none, and None stands in cards that
    were written before anybody kept account of who uses what. `owner` tells a private client's audio.
    """

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
    reading: str | None = None
    masters: tuple[str, ...] | None = None
    owner: str | None = None

    def to_json(self) -> bytes:
        """The card's document."""
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True).encode()

    @classmethod
    def from_json(cls, document: bytes) -> Card:
        """Reads `to_json`'s document; raises ValueError for a torn or foreign one."""
        needed = {field.name for field in fields(cls) if field.default is MISSING}
        loaded = json.loads(document)
        if not isinstance(loaded, dict) or not needed <= loaded.keys():
            raise ValueError("not a card")
        values = {field.name: loaded[field.name] for field in fields(cls) if field.name in loaded}
        lists = {name: values[name] for name in ("speak_modes", "masters") if values.get(name) is not None}
        if not all(isinstance(value, list) for value in lists.values()):
            raise ValueError("not a card")
        return cls(**{**values, **{name: tuple(value) for name, value in lists.items()}})
