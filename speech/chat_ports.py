"""The interfaces of the chat: who answers, and what is remembered of a conversation."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from speech.chat_meter import Meter


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A message and the reply to it."""

    message: str
    reply: str

    @property
    def characters(self) -> int:
        """How long it is."""
        return len(self.message) + len(self.reply)


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """What a reply is wanted to: the last turns, oldest first, and the message; `system` may be empty."""

    model: str
    system: str
    turns: tuple[Turn, ...]
    message: str

    @property
    def characters(self) -> int:
        """How long it is."""
        return len(self.system) + sum(turn.characters for turn in self.turns) + len(self.message)


class Completions(Protocol):
    """A provider's chat completions, each in one attempt. Errors are ChatErrors; `meter` tells what one took."""

    async def whole(self, prompt: Prompt, *, provider: str, key: str, meter: Meter) -> str:
        """The reply, never empty."""

    def stream(self, prompt: Prompt, *, provider: str, key: str, meter: Meter) -> AsyncGenerator[str]:
        """The reply's words as they come; ends only when it is complete. Closing it ends the reply upstream."""


class Conversations(Protocol):
    """The last turns of conversations, for a while. `owner` is who has them; nobody else finds them."""

    def begin(self) -> str:
        """A new conversation's id, which nobody can guess."""

    async def turns(self, id: str, *, owner: str) -> tuple[Turn, ...]:
        """The last turns, oldest first; none of an unknown one. Raises Unavailable."""

    async def add(self, id: str, turn: Turn, *, owner: str) -> None:
        """Appends a turn whole. Raises Unavailable."""
