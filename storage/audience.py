"""Which jobs are listened to, by the word of each api process that has a listener."""

from __future__ import annotations

from redis.asyncio import Redis

from storage.board_scripts import LISTENING_KEY, Script
from storage.redis_client import ANSWERING

# KEYS listening. ARGV ms. Whoever listens longer must not be forgotten for one who leaves earlier.
_LISTENS = Script(
    "if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], 1, 'PX', ARGV[1]) end"
)


class RedisAudience:
    """Implements speech.ports.Audience: one key per job that somebody listens to, gone when nobody renews it."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def listens(self, name: str, *, seconds: float) -> None:
        """Somebody listens to the job, for the next `seconds` at least."""
        with ANSWERING:
            await _LISTENS.run(self._redis, audience_key(name), round(seconds * 1000))


def audience_key(name: str) -> str:
    """The key that exists while somebody listens to the job."""
    return LISTENING_KEY + name
