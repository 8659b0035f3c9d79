"""Ephemeral tokens: given out for a key, good until they expire."""

from __future__ import annotations

import secrets
from collections.abc import Callable

PREFIX = "xai-realtime-client-secret-"
DEFAULT_SECONDS, MAX_SECONDS = 600, 3600


class TokenMint:
    """The tokens that are out; `clock` gives Unix seconds. One token opens any number of connections."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tokens: dict[str, tuple[str, float]] = {}

    def issue(self, key: str, *, seconds: int) -> tuple[str, int]:
        """A new token of a key, and when it expires."""
        now = self._clock()
        self._tokens = {token: kept for token, kept in self._tokens.items() if kept[1] > now}
        token, expires_at = PREFIX + secrets.token_urlsafe(24), int(now) + seconds
        self._tokens[token] = (key, expires_at)
        return token, expires_at

    def key_of(self, token: str) -> str | None:
        """The key behind a token that is still good."""
        key, expires_at = self._tokens.get(token, (None, 0.0))
        return key if expires_at > self._clock() else None
