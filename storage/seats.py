"""The upstream sessions of a quota group, counted over all processes that open them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson
from redis.asyncio import Redis

from speech.ports import Need, Share
from speech.request import Lane
from storage.channel import follow
from storage.redis_client import ANSWERING
from storage.seat_scripts import SETTLE


class RedisSeats:
    """Implements speech.ports.Seats for one process: at most `maximum` sessions in the group, `reserved` never bulk's.

    What a process said counts for `lease_seconds`; it has to speak several times as often. After Redis forgot
    everything, nobody gets more seats for `quiet_seconds`, until all have spoken.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        group: str,
        maximum: int,
        reserved: int,
        lease_seconds: float = 6.0,
        quiet_seconds: float = 2.0,
    ) -> None:
        unreserved = maximum - reserved
        self._redis = redis
        self._key = f"recite:seats:{group}"
        self._holder = uuid4().hex
        # A lane without any seat would wait for ever; with one seat for both, live users come first.
        most_bulk, least_bulk = max(1, unreserved), min(max(1, unreserved // 4), maximum - 1)
        self._limits = (maximum, most_bulk, least_bulk, round(lease_seconds * 1000))
        self._quiet = round(quiet_seconds * 1000)
        self._epoch = ""

    async def settle(self, need: Need) -> Share:
        """Says what the process has and wants; its share from now on."""
        word = {
            "serving": need.serving,
            "waiting": need.waiting,
            "idle": need.idle,
            "closing": need.closing,
            "waited": round(need.waited * 1000),
            "most_live": need.most_live,
        }
        *share, epoch = await self._say(orjson.dumps(word, option=orjson.OPT_NON_STR_KEYS))
        self._epoch = epoch.decode()
        seats, interactive, bulk, owed = share
        return Share(seats=seats, callers={Lane.INTERACTIVE: interactive, Lane.BULK: bulk}, owed=owed)

    async def follow(self, on_call: Callable[[], None]) -> None:
        """Calls whenever the share may have changed, until it is cancelled."""
        me = self._holder.encode()
        await follow(self._redis, self._key, lambda called: on_call() if called is None or me in called else None)

    async def leave(self) -> None:
        """Gives everything up."""
        await self._say(b"")

    async def _say(self, word: bytes) -> Any:
        with ANSWERING:
            return await SETTLE.run(
                self._redis, self._key, self._key, self._holder, word, *self._limits, self._epoch, self._quiet
            )
