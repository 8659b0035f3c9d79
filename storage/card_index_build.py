"""Builds the index of names anew from the bucket's listing: after a wipe, and once a day in case something drifted."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

from redis.asyncio import Redis

from speech.errors import Unavailable
from speech.index_ports import CardNames
from storage.board_scripts import Script
from storage.card_index_keys import BUILDER_KEY, FRESH_KEY, GONE_KEY, NAMES_KEY, NEXT_KEY, WHOLE
from storage.redis_client import ANSWERING

log = logging.getLogger(__name__)

# Longer than one page of the listing may take.
_LEASE_MS = 60_000

# KEYS builder. ARGV token, ms. Whether there is something to do, and nobody else does it.
_BEGIN = Script(
    f"""
if redis.call('EXISTS', '{FRESH_KEY}') == 1 and redis.call('SISMEMBER', '{NAMES_KEY}', '{WHOLE}') == 1 then return 0 end
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
redis.call('UNLINK', '{NEXT_KEY}', '{GONE_KEY}')
return 1
"""
)

# KEYS builder. ARGV token, ms, names. What was deleted since the page was read is left out.
_ADD = Script(
    f"""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
for i = 3, #ARGV do
  if redis.call('SISMEMBER', '{GONE_KEY}', ARGV[i]) == 0 then redis.call('SADD', '{NEXT_KEY}', ARGV[i]) end
end
return 1
"""
)

# KEYS builder. ARGV token, ms for which it is fresh.
_COMMIT = Script(
    f"""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SADD', '{NEXT_KEY}', '{WHOLE}')
redis.call('UNLINK', '{NAMES_KEY}', '{GONE_KEY}', KEYS[1])
redis.call('RENAME', '{NEXT_KEY}', '{NAMES_KEY}')
redis.call('SET', '{FRESH_KEY}', 1, 'PX', ARGV[2])
return 1
"""
)

# KEYS builder. ARGV token.
_GIVE_UP = Script(
    f"""
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('UNLINK', KEYS[1], '{NEXT_KEY}', '{GONE_KEY}') end
"""
)


class IndexBuilder:
    """One of all processes builds at a time, page by page; `step` is to be called every few seconds by any of them.

    The index that there is serves on meanwhile. What becomes ready or is deleted during the work counts in both.
    """

    def __init__(self, redis: Redis, *, cards: CardNames, fresh: timedelta = timedelta(days=1)) -> None:
        self._redis = redis
        self._cards = cards
        self._fresh = fresh // timedelta(milliseconds=1)

    async def step(self) -> None:
        """Builds the index when that is due and nobody else does; raises Unavailable."""
        token = uuid4().hex
        if not await self._run(_BEGIN, token, _LEASE_MS):
            return
        try:
            names = await self._build(token)
        finally:
            with suppress(Unavailable):
                await self._run(_GIVE_UP, token)
        if names is not None:
            log.info("the index of names is whole: %d", names)

    async def _build(self, token: str) -> int | None:
        """How many names the listing has; None when somebody else took the work over."""
        count = 0
        async for names in self._cards.names():
            if not await self._run(_ADD, token, _LEASE_MS, *names):
                return None
            count += len(names)
        return count if await self._run(_COMMIT, token, self._fresh) else None

    async def _run(self, script: Script, *arguments: str | int) -> bool:
        with ANSWERING:
            return bool(await script.run(self._redis, BUILDER_KEY, *arguments))
