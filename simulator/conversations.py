"""The conversations that may be gone on with: kept for a while after their connection ended, and not too many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.conversation import Conversation, Item

_MOST = 1_000


@dataclass(frozen=True, slots=True)
class _Kept:
    conversation: Conversation
    until: float | None  # None while it goes on


class Conversations:
    """Found by the key that began them and their id; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: dict[tuple[str, str], _Kept] = {}

    def keep(self, conversation: Conversation, *, key: str, seconds: float | None = None) -> None:
        """Keeps one for so long, or until this is called again."""
        now = self._clock()
        self._kept.pop((key, conversation.id), None)
        self._kept = {name: kept for name, kept in self._kept.items() if kept.until is None or kept.until > now}
        while len(self._kept) >= _MOST:
            del self._kept[next(iter(self._kept))]
        self._kept[key, conversation.id] = _Kept(conversation, None if seconds is None else now + seconds)

    def drop(self, conversation: Conversation, *, key: str) -> None:
        """Keeps it no longer."""
        self._kept.pop((key, conversation.id), None)

    def find(self, id: str | None, *, key: str) -> Conversation | None:
        """The one to go on with, None when there is none (any more)."""
        kept = self._kept.get((key, id or ""))
        return kept.conversation if kept and (kept.until is None or kept.until > self._clock()) else None

    def to_json(self) -> list[Mapping[str, Any]]:
        """All that are kept, without words."""
        return [
            {
                "id": kept.conversation.id,
                "is_open": kept.until is None,
                "items": [_shown(item) for item in kept.conversation.items],
            }
            for kept in self._kept.values()
        ]


def _shown(item: Item) -> Mapping[str, Any]:
    return {
        "id": item.id,
        "type": item.kind,
        "role": item.role,
        "is_audio": item.is_audio,
        "spoken_ms": round(item.sound.seconds * 1000),
        "is_cut": item.sound.is_cut,
    }
