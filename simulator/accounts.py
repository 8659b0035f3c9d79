"""What each upstream account may do and has received, by its key; of keys and texts hashes are told."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from simulator.stats import text_hash


@dataclass(kw_only=True, slots=True)
class Account:
    """One key's. `max_sessions` None: as the options say; with a 429 it is told to come back after `retry_after` s.

    `refused` counts handshakes by their status; `texts` the utterances begun, `tokens` the ephemeral tokens fetched.
    """

    max_sessions: int | None = None
    retry_after: int = 1
    open: int = 0
    most_open: int = 0
    opened: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    tokens: int = 0
    texts: Counter[str] = field(default_factory=Counter)

    def connect(self) -> None:
        """Counts an accepted connection."""
        self.opened += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)

    def disconnect(self) -> None:
        """Counts its end."""
        self.open -= 1

    def speak(self, text: str) -> None:
        """Counts an utterance that begins."""
        self.texts[text_hash(text)] += 1

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        refused = {str(status): count for status, count in self.refused.items()}
        return {name: getattr(self, name) for name in self.__slots__} | {"refused": refused}


class Accounts:
    """By key; also those that were never good have one, for what was refused."""

    def __init__(self) -> None:
        self._by_key: defaultdict[str, Account] = defaultdict(Account)

    def of(self, key: str) -> Account:
        """The account of a key."""
        return self._by_key[key]

    def reset(self) -> None:
        """Forgets what was allowed and received; connections that stay open are kept."""
        connected = {key: account.open for key, account in self._by_key.items() if account.open}
        self._by_key.clear()
        for key, count in connected.items():
            self._by_key[key] = Account(open=count, most_open=count)

    def to_json(self) -> dict[str, dict[str, Any]]:
        """All of them, by their keys' hashes."""
        return {text_hash(key): account.to_json() for key, account in self._by_key.items()}
