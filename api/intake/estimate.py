"""What a batch would take: how much of it is there, what the rest would cost, and how long it would last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass

from pydantic import BaseModel, Field

from api.intake.draft import Draft, First
from front.openapi import FieldProblemView
from front.problems import problem_documents
from speech.prices import MICRO, Prices, session_seconds, spoken_seconds


class ShareView(BaseModel):
    """What is asked for in one voice and format, by distinct texts."""

    voice: str
    format: str
    hits: int
    misses: int
    characters_to_buy: int
    audio_seconds_to_buy: float
    upstream_usd: float


class EstimateView(BaseModel):
    """A batch that was not begun. Hits and misses are distinct texts, `duplicates` the lines beyond these.

    What is bought is at most this: parts of a text that another text paid for already are not bought again.
    """

    dry_run: bool
    lines: int
    hits: int = Field(description="Their audio is there.")
    misses: int = Field(description="They would be made.")
    duplicates: int
    characters_to_buy: int
    audio_seconds_to_buy: float
    upstream_usd: float = Field(description="By the prices that are set.")
    upstream_seconds: float = Field(description="On the sessions that bulk may use, when nobody else uses them.")
    by_voice: list[ShareView]
    skipped: int
    errors: list[FieldProblemView] = Field(description="What is wrong with the lines that would be left out.")
    more_errors: int


@dataclass
class _Share:
    hits: int = 0
    misses: int = 0
    characters: int = 0
    session_seconds: float = 0.0
    cost: int = 0

    def document(self) -> dict[str, int | float]:
        """The members that a share and the whole have in common."""
        return {
            "hits": self.hits,
            "misses": self.misses,
            "characters_to_buy": self.characters,
            "audio_seconds_to_buy": round(spoken_seconds(self.characters), 1),
            "upstream_usd": self.cost / MICRO,
        }


def estimate(draft: Draft, *, kept: Collection[str], prices: Prices, sessions: int) -> dict[str, object]:
    """The document that EstimateView describes; `kept` are the names that have audio."""
    shares = _shares(draft.firsts, kept=kept, prices=prices)
    total = _Share()
    for share in shares.values():
        for name, figure in asdict(share).items():
            setattr(total, name, getattr(total, name) + figure)
    by_voice = sorted(shares.items())
    return {
        "dry_run": True,
        "lines": draft.lines,
        **total.document(),
        "duplicates": draft.lines - len(draft.firsts),
        "upstream_seconds": round(total.session_seconds / sessions, 1),
        "by_voice": [{"voice": voice, "format": format, **share.document()} for (voice, format), share in by_voice],
        "skipped": draft.skipped,
        "errors": problem_documents(draft.problems),
        "more_errors": draft.more_problems,
    }


def _shares(firsts: Mapping[str, First], *, kept: Collection[str], prices: Prices) -> dict[tuple[str, str], _Share]:
    shares: defaultdict[tuple[str, str], _Share] = defaultdict(_Share)
    for name, first in firsts.items():
        # Its voice comes first in a name, its format last.
        share = shares[name.partition("-")[0], name.rpartition(".")[2]]
        if name in kept:
            share.hits += 1
        else:
            share.misses += 1
            share.characters += first.characters
            share.session_seconds += session_seconds(first.characters)
            share.cost += prices.expected(first.characters)
    return shares
