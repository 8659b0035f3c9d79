"""Which lanes have a worker that is alive, by the worker's own word every few seconds."""

from __future__ import annotations

from redis.asyncio import Redis

from storage.board_scripts import NOW, Script
from storage.redis_client import ANSWERING

# One sorted set, scored by when a word runs out: looking for keys by pattern would walk over every job.
_WORKERS_KEY = "recite:workers"
# No word counts longer: one that would was said before Redis' clock was set back.
_LONGEST_MS = 60_000
# What the workers that are alive at a time said: their lanes, joined by +, a colon and their name.
ALIVE = f"""
local function words_of_the_living(time)
  local until_then = string.format('%.0f', time + {_LONGEST_MS})
  return redis.call('ZRANGEBYSCORE', '{_WORKERS_KEY}', string.format('(%.0f', time), until_then)
end
"""

# ARGV member, ms. The set itself goes when its last worker is silent.
_BEAT = Script(
    NOW
    + f"""
local now = now()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('(%.0f', now + {_LONGEST_MS}), '+inf')
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
"""
)
_ALIVE = Script(NOW + ALIVE + "return words_of_the_living(now())")


class Heartbeats:
    """Written by workers, read by `/ready`. Raises Unavailable when Redis does not answer."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def beat(self, *, lane: str, worker: str, seconds: float) -> None:
        """Says that a worker of a lane, or of several joined by +, is alive for the next `seconds`, 60 at most."""
        with ANSWERING:
            await _BEAT.run(self._redis, _WORKERS_KEY, f"{lane}:{worker}", round(seconds * 1000))

    async def stop(self, *, lane: str, worker: str) -> None:
        """Takes the word back, so that a worker that stops is gone at once."""
        with ANSWERING:
            await self._redis.zrem(_WORKERS_KEY, f"{lane}:{worker}")

    async def lanes_alive(self) -> set[str]:
        """The lanes that have at least one worker."""
        with ANSWERING:
            members: list[bytes] = await _ALIVE.run(self._redis, _WORKERS_KEY)
        return {lane for member in members for lane in member.decode().partition(":")[0].split("+")}
