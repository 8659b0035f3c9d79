"""What one live session is allowed to be, as the operator and its creator settled it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT_MAY_CHANGE = frozenset({"audio", "turn_detection"})


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveOrder:
    """`sample_rate` in Hz, both ways; `may_change`: what a client's `session.update` may touch."""

    session_id: str
    voice: str
    instructions: str
    sample_rate: int = 24_000
    tools: tuple[Mapping[str, Any], ...] = ()
    may_change: frozenset[str] = DEFAULT_MAY_CHANGE
    client_id: str | None = None
    record: bool = False

    def update_event(self) -> dict[str, Any]:
        """The `session.update` with which the relay begins."""
        form = {"format": {"type": "audio/pcm", "rate": self.sample_rate}, "transport": "json"}
        session: dict[str, Any] = {
            "instructions": self.instructions,
            "voice": self.voice,
            "turn_detection": {"type": "server_vad"},
            "resumption": {"enabled": True},
            "audio": {"input": form, "output": form},
        }
        if self.tools:
            session["tools"] = list(self.tools)
        return {"type": "session.update", "session": session}
