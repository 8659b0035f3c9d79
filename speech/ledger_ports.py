"""The interfaces of what is counted and limited: the ledger, and the rate of requests."""

from __future__ import annotations

from typing import Protocol

from speech.usage import Allowance, Purse, Usage


class Ledger(Protocol):
    """What every client used, by month, and what all of it cost, by day; the bucket keeps it, Redis counts.

    What is counted is told to Redis within seconds and to the bucket within some more. Counting never fails.
    """

    def count(self, client: str, *, now: float, usage: Usage) -> None:
        """Adds to what the client used; waits for nobody."""

    async def settle(self, client: str, *, now: float, usage: Usage, job: str) -> None:
        """The same, at once when Redis answers; what a job had reserved for it is given back in the same step."""

    async def payer(self, job: str) -> str:
        """Who pays for a job that is under way; raises Unavailable."""

    async def hand_over(self, job: str, *, purse: Purse) -> None:
        """Somebody who joined a job pays for it from now on, within his limits as if he had begun it.

        Raises OverBudget or SpendLimit, StaleToken when it is not under way any more, and Unavailable.
        """

    async def served_joined(self, job: str, *, now: float, characters: int, duration_ms: int) -> None:
        """Everybody who joined the job got so much."""

    async def recall(self, client: str, *, now: float) -> None:
        """Brings this month of the client, and this day, back from the bucket where Redis lost them.

        Raises Unavailable.
        """

    async def check_day(self, *, cost: int, limit: int, now: float) -> None:
        """Raises SpendLimit when so much more is too much, beside what was spent on this day and what is reserved.

        Reserves nothing itself: it is for what can't be known before. Raises Unavailable.
        """

    async def usage(self, client: str, *, month: str) -> Usage:
        """What a client used in a month; raises Unavailable."""

    async def totals(self) -> Usage:
        """What everybody used since the beginning; raises Unavailable."""

    async def reserved(self, client: str) -> int:
        """The characters that the client's jobs under way may come to; raises Unavailable."""


class Rates(Protocol):
    """How often each client asks, counted over all processes."""

    async def take(self, client: str, *, per_minute: int) -> Allowance:
        """One request more; raises Unavailable."""
