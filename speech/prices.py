"""What the upstream costs: by the minute of sound, the item and the token, in millionths of a dollar."""

from __future__ import annotations

from dataclasses import dataclass

from speech.chat_meter import tokens_of

MICRO = 1_000_000
# People read so many letters aloud in a second; an utterance has so many.
_PER_SECOND, _PER_UTTERANCE = 15, 200
# Tokens, in an answer that is to be spoken.
_PER_REPLY = 200
# The upstream's sound comes so many times faster than it is heard, and each utterance's so many seconds late.
_FASTER, _LATE_SECONDS = 4, 0.3


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """In dollars, as the upstream names them: chat by the million tokens of its prompts and of its replies."""

    minute: float
    item: float
    asked_tokens: float = 0.0
    said_tokens: float = 0.0

    def of(self, *, seconds: float, items: int = 1) -> int:
        """What was spoken cost, in millionths of a dollar."""
        return round(MICRO * (self.minute * seconds / 60 + self.item * items))

    def expected_chat(self, characters: int) -> int:
        """What the answer to a prompt will cost, about."""
        return self.of_chat(asked=tokens_of(characters), said=_PER_REPLY)

    def of_chat(self, *, asked: int, said: int) -> int:
        """What a completion of so many tokens cost."""
        # A millionth of a dollar for each token of a million that cost a dollar.
        return round(self.asked_tokens * asked + self.said_tokens * said)

    def expected(self, characters: int) -> int:
        """What a text will cost, about."""
        return self.of(seconds=spoken_seconds(characters), items=_utterances(characters))


def spoken_seconds(characters: int) -> float:
    """How long a text will be heard, about."""
    return characters / _PER_SECOND


def session_seconds(characters: int) -> float:
    """For how long it will occupy an upstream session, about."""
    return spoken_seconds(characters) / _FASTER + _LATE_SECONDS * _utterances(characters)


def _utterances(characters: int) -> int:
    return -(-characters // _PER_UTTERANCE)
