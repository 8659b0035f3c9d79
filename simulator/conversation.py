"""The items of one connection's conversation: what was put in, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.options import FORCE_MESSAGE, Options
from simulator.profile import BadEvent

_KINDS = ("message", "function_call", "function_call_output")


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One item; `text` is what its parts say together."""

    id: str
    kind: str
    role: str | None
    text: str
    content: list[Any]

    def to_json(self) -> dict[str, Any]:
        """The item as events carry it."""
        shape = {"id": self.id, "object": "realtime.item", "type": self.kind, "status": "completed"}
        return {**shape, "role": self.role, "content": self.content}


class Conversation:
    """Grows with every item; xAI charges for each one and forgets none by itself."""

    def __init__(self, new_id: Callable[[str], str]) -> None:
        self._new_id = new_id
        self._items: dict[str, Item] = {}

    @property
    def last_id(self) -> str | None:
        """The newest item's id."""
        return next(reversed(self._items), None)

    @property
    def last_message(self) -> str | None:
        """What the user said last."""
        messages = (item.text for item in reversed(self._items.values()) if item.role == "user")
        return next(messages, None)

    def read(self, item: object, *, options: Options) -> Item:
        """The item of a client's conversation.item.create; raises BadEvent. It is not added yet."""
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
        return Item(id=id or self._new_id("msg"), kind=kind, role=item.get("role"), text=text, content=content)

    def new(self, *, role: str, part: dict[str, Any]) -> Item:
        """A message that the server itself puts at the end."""
        item = Item(id=self._new_id("msg"), kind="message", role=role, text=_text([part]), content=[part])
        self.add(item)
        return item

    def add(self, item: Item) -> None:
        """Puts an item at the end."""
        self._items[item.id] = item

    def delete(self, id: object) -> None:
        """Takes an item out; raises BadEvent when there is none."""
        if not isinstance(id, str) or self._items.pop(id, None) is None:
            raise BadEvent("There is no such item", code="item_not_found", param="item_id")


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
