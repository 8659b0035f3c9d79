"""The index of names in Redis: what has a card in the bucket, told without asking it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

from redis.asyncio import Redis

from storage.board_scripts import Script
from storage.card_index_keys import BUILDER_KEY, GONE_KEY, NAMES_KEY, NEXT_KEY, WHOLE
from storage.redis_client import ANSWERING

# So many in one call keep nobody else waiting at Redis.
_AT_ONCE = 1000

# KEYS names. ARGV names.
_DISCARD = Script(
    f"""
redis.call('SREM', KEYS[1], unpack(ARGV))
if redis.call('EXISTS', '{BUILDER_KEY}') == 1 then
  redis.call('SREM', '{NEXT_KEY}', unpack(ARGV))
  redis.call('SADD', '{GONE_KEY}', unpack(ARGV))
end
"""
)


class RedisCardIndex:
    """Implements speech.index_ports.CardIndex. The board notes names itself when it makes their jobs ready."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def known(self, names: Collection[str]) -> set[str] | None:
        """Those of the names that have a card; None while the index does not hold all."""
        found: set[str] = set()
        for some in _parts(names):
            with ANSWERING:
                answer: Any = await self._redis.smismember(NAMES_KEY, [WHOLE, *some])
            is_whole, *are_there = answer
            if not is_whole:
                return None
            found.update(name for name, is_there in zip(some, are_there, strict=True) if is_there)
        return found

    async def discard(self, names: Collection[str]) -> None:
        """The cards of these names are gone."""
        for some in _parts(names):
            with ANSWERING:
                await _DISCARD.run(self._redis, NAMES_KEY, *some)


def _parts(names: Collection[str]) -> Iterator[list[str]]:
    rest = iter(names)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
