"""Who is at a recording: those that still have pieces for it, or the one that finishes it."""

from __future__ import annotations

from redis.asyncio import Redis

from storage.board_scripts import NOW, Script
from storage.redis_client import ANSWERING

# One sorted set per recording, its members scored by when their word runs out. ARGV member, ms.
_HOLD = Script(
    NOW
    + """
redis.call('ZADD', KEYS[1], now() + ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
"""
)
_TAKE = Script(
    NOW
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now()))
local others = redis.call('ZCARD', KEYS[1])
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then others = others - 1 end
if others > 0 then return 0 end
redis.call('ZADD', KEYS[1], now() + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""
)


class RedisRecordingClaims:
    """Implements speech.recording_ports.RecordingClaims; who says nothing more is forgotten when his time is over."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def hold(self, session_id: str, *, holder: str, seconds: float) -> None:
        """Pieces may come from this holder for the next `seconds`: nobody finishes the recording."""
        with ANSWERING:
            await _HOLD.run(self._redis, _key(session_id), holder, round(seconds * 1000))

    async def take(self, session_id: str, *, holder: str, seconds: float) -> bool:
        """The right to finish it; False while anybody else is at it."""
        with ANSWERING:
            taken = await _TAKE.run(self._redis, _key(session_id), holder, round(seconds * 1000))
        return bool(taken)

    async def let_go(self, session_id: str, *, holder: str) -> None:
        """The holder is done with it."""
        with ANSWERING:
            await self._redis.zrem(_key(session_id), holder)


def _key(session_id: str) -> str:
    return f"recite:recording:{session_id}"
