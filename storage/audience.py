"""Which jobs are listened to, by the word of each api process that has a listener."""

from __future__ import annotations

from redis.asyncio import Redis

from storage.board_scripts import LISTENING_KEY
from storage.redis_client import ANSWERING


class RedisAudience:
    """Implements speech.ports.Audience: one key per job that somebody listens to, gone when nobody renews it."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def listens(self, name: str, *, seconds: float) -> None:
        """Somebody listens to the job, for the next `seconds` at least."""
        milliseconds = round(seconds * 1000)
        with ANSWERING:
            # Whoever listens longer must not be forgotten for one who leaves earlier.
            if not await self._redis.set(audience_key(name), 1, px=milliseconds, nx=True):
                left = await self._redis.pttl(audience_key(name))
                if left < milliseconds:
                    await self._redis.pexpire(audience_key(name), milliseconds)


def audience_key(name: str) -> str:
    """The key that exists while somebody listens to the job."""
    return LISTENING_KEY + name
