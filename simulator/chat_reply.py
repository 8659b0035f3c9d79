"""One chat completion as JSON: whole, or as the events of a stream."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from simulator.chat_request import ChatRequest
from simulator.chat_tokens import tokens_in
from simulator.chat_wit import chat_answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What is answered to `request`, token by token; `created` in Unix seconds."""

    request: ChatRequest
    tokens: tuple[str, ...]
    is_short: bool
    created: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def is_streamed(self) -> bool:
        """Whether it is asked for as a stream."""
        return self.request.is_streamed

    def whole(self) -> bytes:
        """The completion in one piece."""
        message = {"role": "assistant", "content": "".join(self.tokens), "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": self._finish}
        return orjson.dumps({**self._head("chat.completion"), "choices": [choice], "usage": self._usage})

    def opening(self) -> bytes:
        """The stream's first event."""
        return self._event({"role": "assistant", "content": ""})

    def delta(self, token: str) -> bytes:
        """The event of a token."""
        return self._event({"content": token})

    def endings(self) -> Iterator[bytes]:
        """The last events: why it ends, the usage if it is asked for, and that it is done."""
        yield self._event({}, finish_reason=self._finish)
        if self.request.wants_usage:
            yield _sse(orjson.dumps({**self._head("chat.completion.chunk"), "choices": [], "usage": self._usage}))
        yield _sse(b"[DONE]")

    def _event(self, delta: Mapping[str, str], *, finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return _sse(orjson.dumps({**self._head("chat.completion.chunk"), "choices": [choice]}))

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.request.model,
            "system_fingerprint": "fp_simulator",
        }

    @property
    def _finish(self) -> str:
        return "length" if self.is_short else "stop"

    @property
    def _usage(self) -> Mapping[str, Any]:
        asked, written = self.request.prompt_tokens, len(self.tokens)
        return {"prompt_tokens": asked, "completion_tokens": written, "total_tokens": asked + written}


def reply_to(request: ChatRequest, *, now: float, is_empty: bool) -> Reply:
    """The reply, the same to the same messages but for its id and time."""
    tokens = [] if is_empty else tokens_in(chat_answer(request.last, turn=request.turn))
    kept = tuple(tokens[: request.max_tokens])
    return Reply(request=request, tokens=kept, is_short=len(kept) < len(tokens), created=int(now))


def _sse(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"
