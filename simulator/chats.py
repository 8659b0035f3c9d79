"""The chat completions that were asked for lately, as a test wants to see them: hashes instead of texts and keys."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from simulator.chat_request import ChatRequest
from simulator.stats import text_hash

_MOST = 1_000


class Chats:
    """The latest, the oldest first."""

    def __init__(self) -> None:
        self._latest: deque[dict[str, Any]] = deque(maxlen=_MOST)

    def note(self, request: ChatRequest, *, key: str, fault: str | None) -> None:
        """Keeps one that begins."""
        messages = [{"role": message.role, "text": text_hash(message.text)} for message in request.messages]
        self._latest.append(
            {
                "model": request.model,
                "key": text_hash(key),
                "is_streamed": request.is_streamed,
                "messages": messages,
                "fault": fault,
            }
        )

    def clear(self) -> None:
        """Forgets them."""
        self._latest.clear()

    def to_json(self) -> Sequence[dict[str, Any]]:
        """Model, hashed key, whether streamed, messages (role, hashed text), and the fault that each met."""
        return list(self._latest)
