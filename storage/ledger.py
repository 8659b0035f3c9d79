"""The ledger: counted in this process, told to Redis within seconds, and kept in the bucket from there."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from itertools import count
from typing import Any
from uuid import uuid4
from weakref import WeakValueDictionary

import orjson
from redis.asyncio import Redis

from speech.errors import SpendLimit, StaleToken, Unavailable
from speech.usage import Purse, Usage
from storage import ledger_scripts as scripts
from storage.ledger_book import Page, S3LedgerBook
from storage.periods import day_of, month_of, until_midnight
from storage.purse_scripts import (
    ACCOUNT_KEY,
    HELD_KEY,
    MONEY,
    TOTAL_ACCOUNT,
    day_account,
    month_account,
    purse_arguments,
    refusal_of,
)
from storage.redis_client import ANSWERING

_FIGURES = frozenset(asdict(Usage()))
_HOUR = 3600
# Accounts that one process sees to at a time; another may have those of one that died after a while.
_AT_A_TIME, _SIDE_BY_SIDE, _LEASE_MS = 64, 4, 15_000
# Neither may grow without an end while Redis is away.
_MOST_NOTED, _MOST_GIVEN_BACK = 1000, 1000
_FAREWELL_SECONDS = 3.0


class RedisLedger:
    """Implements speech.ledger_ports.Ledger. `keep` is to be called every few seconds; `close` does so a last time.

    An account is one client's month, everybody's day, or all that there ever was. Its total stands in Redis; pages in
    the bucket are copies of it, of which the newest counts. After a wipe the newest page is added to what was counted
    since.
    """

    def __init__(self, redis: Redis, *, book: S3LedgerBook) -> None:
        self._redis = redis
        self._book = book
        self._teller = f"recite:teller:{uuid4().hex}"
        self._numbers = count(1)
        self._noted: list[tuple[str, float, Usage]] = []
        self._counted: defaultdict[tuple[str, int], Counter[str]] = defaultdict(Counter)
        self._given_back: list[tuple[str, int, int]] = []
        self._untold: tuple[int, bytes] | None = None
        self._telling = asyncio.Lock()
        self._seeding: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._keeping = asyncio.Semaphore(_SIDE_BY_SIDE)

    def count(self, client: str, *, now: float, usage: Usage) -> None:
        """Adds to what the client used; waits for nobody."""
        # Every hit comes by here: it is added up later.
        self._noted.append((client, now, usage))
        if len(self._noted) >= _MOST_NOTED:
            self._add_up()

    async def settle(self, client: str, *, now: float, usage: Usage, job: str) -> None:
        """The same, at once when Redis answers; what a job had reserved for it is given back in the same step."""
        self.count(client, now=now, usage=usage)
        self._given_back.append((job, usage.bought_characters, usage.spent))
        # An end gives back all of it.
        del self._given_back[:-_MOST_GIVEN_BACK]
        with suppress(Unavailable):
            await self.tell()

    async def payer(self, job: str) -> str:
        """Who pays for a job that is under way; nobody for one that the board forgot."""
        with ANSWERING:
            client: Any = await self._redis.hget(f"recite:job:{job}", "payer")
        return client.decode() if client else ""

    async def hand_over(self, job: str, *, purse: Purse) -> None:
        """Somebody else pays for a job that is under way; raises OverBudget, SpendLimit, StaleToken or Unavailable."""
        why = await self._hand_over(job, purse)
        if why == b"unread":
            await self.recall(purse.client, now=purse.now)
            why = await self._hand_over(job, purse)
        if why == b"ended":
            raise StaleToken
        if why:
            raise refusal_of(why, now=purse.now)

    async def served_joined(self, job: str, *, now: float, characters: int, duration_ms: int) -> None:
        """Everybody who joined the job got so much; counted by Redis, which alone knows them."""
        with suppress(Unavailable), ANSWERING:
            await scripts.SERVED_JOINED.run(
                self._redis, f"recite:job:{job}", characters, duration_ms, month_of(now), day_account(day_of(now))
            )

    async def recall(self, client: str, *, now: float) -> None:
        """Brings this month of the client, and this day, back from the bucket where Redis lost them."""
        for account in (month_account(client, month_of(now)), day_account(day_of(now))):
            await self._seed(account)

    async def check_day(self, *, cost: int, limit: int, now: float) -> None:
        """Raises SpendLimit when so much more is too much, beside what was spent on this day and what is reserved."""
        await self.tell()
        account = day_account(day_of(now))
        await self._seed(account)
        with ANSWERING:
            spent: Any = await self._redis.hget(ACCOUNT_KEY + account, "spent")
            reserved: Any = await self._redis.hget(HELD_KEY, MONEY)
        if int(spent or 0) + int(reserved or 0) + cost > limit:
            raise SpendLimit(retry_after=until_midnight(now))

    async def usage(self, client: str, *, month: str) -> Usage:
        """What a client used in a month."""
        return await self._usage(month_account(client, month))

    async def totals(self) -> Usage:
        """What everybody used since the beginning."""
        return await self._usage(TOTAL_ACCOUNT)

    async def _usage(self, account: str) -> Usage:
        await self.tell()
        figures, is_whole = await self._account(account)
        if not is_whole:
            figures += Counter((await self._book.newest(account)).figures)
        return Usage.of(figures)

    async def reserved(self, client: str) -> int:
        """The characters that the client's jobs under way may come to."""
        with ANSWERING:
            held: Any = await self._redis.hget(HELD_KEY, client)
        return int(held or 0)

    async def keep(self) -> None:
        """Tells Redis what was counted here, and the bucket what changed there; raises Unavailable."""
        await self.tell()
        with ANSWERING:
            accounts = await scripts.TAKE.run(self._redis, scripts.DIRTY_KEY, _AT_A_TIME, _LEASE_MS)
        # One that can't be kept now doesn't hold up the others.
        keeping = (self._keep(account.decode()) for account in accounts)
        for result in await asyncio.gather(*keeping, return_exceptions=True):
            if result is not None:
                raise result

    async def close(self) -> None:
        """Keeps what can be kept within seconds."""
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self.keep()

    async def _hand_over(self, job: str, purse: Purse) -> bytes | None:
        with ANSWERING:
            why: bytes | None = await scripts.HAND_OVER.run(
                self._redis, f"recite:job:{job}", job, *purse_arguments(purse)
            )
        return why

    async def _keep(self, account: str) -> None:
        async with self._keeping:
            key = ACCOUNT_KEY + account
            read = await self._read_out(key)
            if read is None:
                await self._seed(account)
                read = await self._read_out(key)
            if read is None:
                return
            stamp, fields = read
            await self._book.keep(account, Page(stamp=stamp, figures=_figures(fields)))
            version = fields.get(b"version", b"0")
            with ANSWERING:
                old = await scripts.KEPT.run(self._redis, key, scripts.DIRTY_KEY, account, version, stamp, keys=2)
            if old and int(old):
                await self._book.remove(account, stamp=int(old))

    async def _read_out(self, key: str) -> tuple[int, Mapping[bytes, bytes]] | None:
        with ANSWERING:
            answer = await scripts.READ_OUT.run(self._redis, key)
        return (int(answer[0]), dict(zip(answer[1][::2], answer[1][1::2], strict=True))) if answer else None

    async def _seed(self, account: str) -> None:
        # At midnight everybody comes at once: one of them reads.
        async with self._seeding.setdefault(account, asyncio.Lock()):
            if (await self._account(account))[1]:
                return
            page = await self._book.newest(account)
            pairs = [part for pair in page.figures.items() for part in pair]
            with ANSWERING:
                await scripts.SEED.run(self._redis, ACCOUNT_KEY + account, page.stamp, *pairs)

    async def _account(self, account: str) -> tuple[Counter[str], bool]:
        """The figures in Redis, and whether those in the bucket are among them."""
        with ANSWERING:
            fields: Any = await self._redis.hgetall(ACCOUNT_KEY + account)
        return _figures(fields), b"seeded" in fields

    async def tell(self) -> None:
        """Tells Redis what was counted here; raises Unavailable."""
        async with self._telling:
            # What was told in vain first; meanwhile more may have come.
            for _ in range(2):
                self._add_up()
                if self._untold is None and (self._counted or self._given_back):
                    self._untold = next(self._numbers), self._gathered()
                if self._untold is None:
                    return
                with ANSWERING:
                    await scripts.TELL.run(self._redis, self._teller, *self._untold)
                self._untold = None

    def _add_up(self) -> None:
        for client, now, usage in self._noted:
            # Months and days begin with an hour.
            figures = self._counted[client, int(now // _HOUR)]
            for name in _FIGURES:
                if more := getattr(usage, name):
                    figures[name] += more
        self._noted.clear()

    def _gathered(self) -> bytes:
        accounts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for (client, hour), figures in self._counted.items():
            now = hour * _HOUR
            accounts[month_account(client, month_of(now))].update(figures)
            accounts[day_account(day_of(now))].update(figures)
            accounts[TOTAL_ACCOUNT].update(figures)
        document = {"accounts": list(accounts.items()), "given_back": self._given_back}
        self._counted, self._given_back = defaultdict(Counter), []
        return orjson.dumps(document)


def _figures(fields: Mapping[bytes, bytes]) -> Counter[str]:
    return Counter({name: int(value) for key, value in fields.items() if (name := key.decode()) in _FIGURES})
