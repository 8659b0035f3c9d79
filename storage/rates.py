"""How often each client asks: a bucket of tokens in Redis that fills up evenly (GCRA)."""

from __future__ import annotations

from redis.asyncio import Redis

from speech.usage import Allowance
from storage.board_scripts import Script
from storage.redis_client import ANSWERING

_MINUTE = 60.0

# KEYS when the bucket is full again, in microseconds. ARGV how many it holds, and fill up in a minute.
# Returns 1 when there was one, how many are left, and in how many microseconds the bucket is full and there is one.
_TAKE = Script(
    """
local time, minute, limit = redis.call('TIME'), 60000000, tonumber(ARGV[1])
local now, gap = time[1] * 1000000 + time[2], minute / limit
-- One further ahead is from before the clock was set back.
local full = math.min(math.max(redis.call('GET', KEYS[1]) or 0, now), now + minute)
local left = math.floor((now + minute - full) / gap + 0.001)
if left < 1 then return {0, 0, full - now, math.ceil(full + gap - minute - now)} end
full = full + gap
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
return {1, left - 1, math.ceil(full - now), 0}
"""
)


class RedisRates:
    """Implements speech.ledger_ports.Rates. A client may send a minute's requests at once, then as they come back."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def take(self, client: str, *, per_minute: int) -> Allowance:
        """One request more; one round trip. Raises Unavailable."""
        with ANSWERING:
            _, left, full, wait = await _TAKE.run(self._redis, f"recite:rate:{client}", per_minute)
        return Allowance(limit=per_minute, left=left, full_in=full / 1e6, wait=wait / 1e6)
