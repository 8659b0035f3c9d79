"""What a completion took, in the tokens by which it is paid."""

from __future__ import annotations

from dataclasses import dataclass

# Of English there are some four, of other languages fewer.
_CHARACTERS_PER_TOKEN = 3


@dataclass(slots=True)
class Meter:
    """Of one completion: what the provider told, else about what the words are worth that went to and fro."""

    _asked: int = 0
    _said: int = 0
    _told: tuple[int, int] | None = None

    def asked(self, characters: int) -> None:
        """The provider got a prompt of so many."""
        self._asked = characters

    def said(self, words: str) -> None:
        """Some of the reply came."""
        self._said += len(words)

    def told(self, *, asked: int, said: int) -> None:
        """The provider's own figures."""
        self._told = asked, said

    def refused(self) -> None:
        """It was not begun."""
        self._told = 0, 0

    @property
    def tokens(self) -> tuple[int, int]:
        """Those of the prompt and those of the reply."""
        return self._told or (tokens_of(self._asked), tokens_of(self._said))


def tokens_of(characters: int) -> int:
    """About as many as so many characters are."""
    return -(-characters // _CHARACTERS_PER_TOKEN)
