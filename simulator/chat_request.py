"""What a caller of the chat asks for, read from the body of its request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from simulator.chat_tokens import tokens_in
from simulator.options import Options

_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One turn of the conversation."""

    role: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatRequest:
    """A chat completion that is asked for; what it says beyond this (temperature, tools) is ignored."""

    model: str
    messages: tuple[Message, ...]
    is_streamed: bool = False
    wants_usage: bool = False
    max_tokens: int | None = None

    @property
    def last(self) -> str:
        """What the user wrote last, empty when it wrote nothing."""
        return next((message.text for message in reversed(self.messages) if message.role == "user"), "")

    @property
    def turn(self) -> int:
        """How often the user wrote."""
        return sum(message.role == "user" for message in self.messages)

    @property
    def prompt_tokens(self) -> int:
        """What all messages count."""
        return sum(len(tokens_in(message.text)) for message in self.messages)


def read_request(body: bytes, *, options: Options) -> ChatRequest:
    """Raises ValueError with what is wrong, also for a body that is not JSON."""
    wanted = orjson.loads(body)
    if not isinstance(wanted, dict):
        raise ValueError("the body must be a JSON object")
    model, messages = wanted.get("model"), wanted.get("messages")
    if not isinstance(model, str) or not model:
        raise ValueError("model must be a string")
    if not isinstance(messages, list) or not messages:
        raise ValueError("messages must be a list with at least one message")
    how = wanted.get("stream_options")
    request = ChatRequest(
        model=model,
        messages=tuple(map(_message, messages)),
        is_streamed=wanted.get("stream") is True,
        wants_usage=isinstance(how, dict) and how.get("include_usage") is True,
        max_tokens=_limit(wanted),
    )
    if sum(len(message.text) for message in request.messages) > options.max_chat_characters:
        raise ValueError("This model's maximum prompt length is exceeded")
    return request


def _message(message: Any) -> Message:
    if not isinstance(message, Mapping) or message.get("role") not in _ROLES:
        raise ValueError(f"a message must have a role of {', '.join(sorted(_ROLES))}")
    return Message(role=message["role"], text=_text(message.get("content")))


def _text(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list) or not all(isinstance(part, Mapping) for part in content):
        raise ValueError("the content of a message must be a string or a list of parts")
    return "".join(str(part.get("text", "")) for part in content if part.get("type") == "text")


def _limit(wanted: Mapping[str, Any]) -> int | None:
    limit = wanted.get("max_completion_tokens", wanted.get("max_tokens"))
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise ValueError("max_tokens must be a number above 0")
    return limit
