"""Which request an idempotency key was first used for, in Redis; neither keys nor bodies are kept, only hashes."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from enum import StrEnum

from redis.asyncio import Redis

from storage.board_scripts import Script
from storage.redis_client import ANSWERING

# KEYS key. ARGV fingerprint, ms. Returns what the key is bound to. Redis 6.2 has no SET with both NX and GET.
_BIND = Script(
    """
local bound = redis.call('GET', KEYS[1])
if bound then return bound end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false
"""
)

# KEYS key. ARGV fingerprint.
_RELEASE = Script(
    """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
)


class KeyUse(StrEnum):
    """How a key comes: for the first time, again with its request, or with another one."""

    FIRST = "first"
    AGAIN = "again"
    OTHER = "other"


class IdempotencyKeys:
    """Each caller's own, for `kept`. Raises Unavailable when Redis does not answer."""

    def __init__(self, redis: Redis, *, kept: timedelta = timedelta(hours=24)) -> None:
        self._redis = redis
        self._kept = kept // timedelta(milliseconds=1)

    async def use(self, key: str, *, caller: str, request: bytes) -> KeyUse:
        """Binds the caller's key to the request, unless it is bound already."""
        fingerprint = _fingerprint(request)
        with ANSWERING:
            bound: bytes | None = await _BIND.run(self._redis, _name(key, caller=caller), fingerprint, self._kept)
        if bound is None:
            return KeyUse.FIRST
        return KeyUse.AGAIN if bound == fingerprint.encode() else KeyUse.OTHER

    async def release(self, key: str, *, caller: str, request: bytes) -> None:
        """Gives back a key whose request was not carried out; one that is bound to another stays."""
        with ANSWERING:
            await _RELEASE.run(self._redis, _name(key, caller=caller), _fingerprint(request))


def _name(key: str, *, caller: str) -> str:
    digest = hashlib.sha256(f"{caller}\n{key}".encode()).hexdigest()
    return f"recite:once:{digest}"


def _fingerprint(request: bytes) -> str:
    return hashlib.sha256(request).hexdigest()
