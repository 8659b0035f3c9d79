"""The items of one conversation: what was put in, in order."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.options import FORCE_MESSAGE, Options
from simulator.refusals import BadEvent
from simulator.sound import Sound

_KINDS = ("message", "function_call", "function_call_output")


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One item; `text` is what its parts say together, `sound` what was spoken of an assistant's."""

    id: str
    kind: str
    role: str | None
    text: str
    content: list[Any]
    is_interruptible: bool = True
    sound: Sound = field(default_factory=Sound)

    @property
    def is_audio(self) -> bool:
        """Whether it was spoken by the user."""
        return any(isinstance(part, dict) and part.get("type") == "input_audio" for part in self.content)

    def to_json(self) -> dict[str, Any]:
        """The item as events carry it."""
        shape = {"id": self.id, "object": "realtime.item", "type": self.kind, "status": "completed"}
        return {**shape, "role": self.role, "content": self.content}


class Conversation:
    """Grows with every item; xAI charges for each one and forgets none by itself. A later connection may go on."""

    def __init__(self, id: str) -> None:
        self.id = id
        self._items: dict[str, Item] = {}

    @property
    def items(self) -> list[Item]:
        """All of them, the oldest first."""
        return list(self._items.values())

    @property
    def last_id(self) -> str | None:
        """The newest item's id."""
        return next(reversed(self._items), None)

    @property
    def last_of_user(self) -> Item | None:
        """What the user said last."""
        return next((item for item in reversed(self._items.values()) if item.role == "user"), None)

    @property
    def turns(self) -> int:
        """How often the user spoke."""
        return sum(item.role == "user" for item in self._items.values())

    def add(self, item: Item) -> Item:
        """Puts an item at the end."""
        self._items[item.id] = item
        return item

    def delete(self, id: object) -> None:
        """Takes an item out; raises BadEvent when there is none."""
        self._items.pop(self._found(id).id)

    def truncate(self, id: object, *, audio_end_ms: object) -> int:
        """Forgets what an assistant's item said after so many milliseconds, which are returned; raises BadEvent."""
        item = self._found(id)
        if item.role != "assistant":
            raise BadEvent("Only the assistant's audio is truncated", code="invalid_item", param="item_id")
        if isinstance(audio_end_ms, bool) or not isinstance(audio_end_ms, int) or audio_end_ms < 0:
            raise BadEvent("audio_end_ms must be a whole number from 0 on", param="audio_end_ms")
        length_ms = math.ceil(item.sound.seconds * 1000)
        if audio_end_ms > length_ms:
            message = f"Audio content of {length_ms}ms is already shorter than {audio_end_ms}ms"
            raise BadEvent(message, param="audio_end_ms")
        item.sound.cut(audio_end_ms / 1000)
        return audio_end_ms

    def _found(self, id: object) -> Item:
        item = self._items.get(id) if isinstance(id, str) else None
        if item is None:
            raise BadEvent("There is no such item", code="item_not_found", param="item_id")
        return item


def read_item(item: object, *, options: Options, new_id: Callable[[str], str]) -> Item:
    """The item of a client's conversation.item.create; raises BadEvent."""
    if not isinstance(item, dict):
        raise BadEvent("item must be an object", param="item")
    kind = str(item.get("type"))
    known = (*_KINDS, "force_message") if FORCE_MESSAGE in options.speak_modes else _KINDS
    if kind not in known:
        message = f"Invalid item type; supported are {', '.join(known)}"
        raise BadEvent(message, code="unsupported_item_type", param="item.type")
    content = item.get("content") or []
    text = _text(content) if isinstance(content, list) else ""
    if kind == "force_message":
        _check_forced(item, text, limit=options.max_characters)
    id = item.get("id") if isinstance(item.get("id"), str) else None
    return Item(
        id=id or new_id("msg"),
        kind=kind,
        role=item.get("role"),
        text=text,
        content=content if isinstance(content, list) else [],
        is_interruptible=item.get("interruptible") is not False,
    )


def _text(content: list[Any]) -> str:
    parts = (part.get("text") for part in content if isinstance(part, dict))
    return "".join(text for text in parts if isinstance(text, str))


def _check_forced(item: Mapping[str, Any], text: str, *, limit: int) -> None:
    if item.get("role") != "assistant":
        raise BadEvent("A force_message is the assistant's", param="item.role")
    if not text.strip():
        raise BadEvent("A force_message needs output_text", code="missing_text", param="item.content")
    if len(text) > limit:
        message = f"The text is too long: {limit} characters at most"
        raise BadEvent(message, code="text_too_long", param="item.content")
