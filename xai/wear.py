"""When a session has served long enough: by age, by use, or by nobody asking for it."""

from __future__ import annotations

from dataclasses import dataclass

from speech.request import Lane
from xai.session import Session, SessionSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """After `max_utterances` or `max_characters` the context has grown too much; times are seconds."""

    idle_seconds: float = 60.0
    max_age_seconds: float = 1500.0
    max_utterances: int = 100
    max_characters: int = 50_000


@dataclass(kw_only=True, slots=True, eq=False)
class PooledSession:
    """A session and what it has done so far; `used` before its present caller, who is of this lane."""

    session: Session
    settings: SessionSettings
    lane: Lane
    opened_at: float
    idle_since: float
    utterances: int = 0
    characters: int = 0
    closing: bool = False

    @property
    def used(self) -> bool:
        """Whether it spoke before, so that it may have died of age unseen."""
        return self.utterances > 0

    def spoke(self, text: str) -> None:
        """Counts an utterance."""
        self.utterances += 1
        self.characters += len(text)

    def worn(self, limits: Limits, *, now: float) -> bool:
        """Whether it must not begin another utterance."""
        return (
            not self.session.usable
            or now - self.opened_at >= limits.max_age_seconds
            or self.utterances >= limits.max_utterances
            or self.characters >= limits.max_characters
        )

    def expires_at(self, limits: Limits) -> float:
        """When it ends if it stays idle."""
        return min(self.idle_since + limits.idle_seconds, self.opened_at + limits.max_age_seconds)
