"""What a client used in a month, or all of them in a day, and what may be spent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

# Calls that name no client, or one that nobody set up, are counted together.
NOBODY = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Figures that only grow. Times in milliseconds of sound, money in millionths of a dollar.

    Bought: spoken by the upstream for this client's request and kept. Served: everything else that it got. `spent`
    holds the attempts that failed, too, and what chats and live voice took: tokens and sound that nobody keeps;
    `own_spent` is what the same came to with the client's own upstream key. What is asked for is a hit, joins a render
    or misses: a chat is one request, however many sentences it speaks. `stored` is the finished audio that came into
    the bucket, `removed` what was taken out again.
    """

    requests: int = 0
    refused: int = 0
    hits: int = 0
    joins: int = 0
    misses: int = 0
    stored: int = 0
    stored_ms: int = 0
    stored_bytes: int = 0
    removed: int = 0
    removed_ms: int = 0
    removed_bytes: int = 0
    bought_characters: int = 0
    bought_ms: int = 0
    served_characters: int = 0
    served_ms: int = 0
    asked_tokens: int = 0
    said_tokens: int = 0
    live_ms: int = 0
    spent: int = 0
    own_spent: int = 0

    @classmethod
    def of(cls, figures: Mapping[str, int]) -> Self:
        """The figures by their names; those that are unknown are left out."""
        return cls(**{field.name: figures.get(field.name, 0) for field in fields(cls)})


@dataclass(frozen=True, kw_only=True, slots=True)
class Purse:
    """Who pays for what a claim starts, what it will come to, and what may be spent; None: as much as they like.

    `budget`: the client's characters in this month. `daily`: everybody's millionths of a dollar on this day.
    """

    client: str
    characters: int
    cost: int
    now: float
    budget: int | None = None
    daily: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """How a client stands with its requests a minute: `left` of `limit` at once, all of them again after `full_in` s.

    `wait` above 0: this one was too many, and the next may come in so many seconds.
    """

    limit: int
    left: int
    full_in: float
    wait: float = 0.0
