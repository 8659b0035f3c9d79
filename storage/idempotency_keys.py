"""Which request an idempotency key was first used for, in Redis; neither keys nor bodies are kept, only hashes."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from enum import StrEnum

from redis.asyncio import Redis

from storage.board_scripts import Script
from storage.redis_client import ANSWERING

# What stands behind the fingerprint until its request is carried out.
_UNDER_WAY = "?"

# KEYS key. ARGV fingerprint, ms. Returns what the key is bound to. Redis 6.2 has no SET with both NX and GET.
_BIND = Script(
    f"""
local bound = redis.call('GET', KEYS[1])
if bound then return bound end
redis.call('SET', KEYS[1], ARGV[1] .. '{_UNDER_WAY}', 'PX', ARGV[2])
return false
"""
)

# KEYS key. ARGV fingerprint, ms. One that was given back meanwhile is bound again.
_CONFIRM = Script(
    f"""
local bound = redis.call('GET', KEYS[1])
if not bound then return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
if bound == ARGV[1] .. '{_UNDER_WAY}' then return redis.call('SET', KEYS[1], ARGV[1], 'KEEPTTL') end
"""
)

# KEYS key. ARGV fingerprint.
_RELEASE = Script(
    f"""
if redis.call('GET', KEYS[1]) == ARGV[1] .. '{_UNDER_WAY}' then return redis.call('DEL', KEYS[1]) end
return 0
"""
)


# KEYS key. ARGV id, ms. Returns what was made under the key first.
_MAKE = Script(
    """
local made = redis.call('GET', KEYS[1])
if made then return made end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
"""
)


class KeyUse(StrEnum):
    """How a key comes: for the first time, while its request is carried out, again afterwards, or with another one."""

    FIRST = "first"
    UNDER_WAY = "under_way"
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
        if bound == f"{fingerprint}{_UNDER_WAY}".encode():
            return KeyUse.UNDER_WAY
        return KeyUse.AGAIN if bound == fingerprint.encode() else KeyUse.OTHER

    async def confirm(self, key: str, *, caller: str, request: bytes) -> None:
        """Says that the key's request was carried out."""
        with ANSWERING:
            await _CONFIRM.run(self._redis, _name(key, caller=caller), _fingerprint(request), self._kept)

    async def release(self, key: str, *, caller: str, request: bytes) -> None:
        """Gives back a key whose request was not carried out, by anybody; one that is bound to another stays."""
        with ANSWERING:
            await _RELEASE.run(self._redis, _name(key, caller=caller), _fingerprint(request))

    async def made(self, key: str, *, caller: str, request: bytes, id: str) -> str:
        """The id of what the key's request makes: this one, unless it makes another already."""
        name = f"{_name(key, caller=caller)}:{_fingerprint(request)}"
        with ANSWERING:
            answer: bytes = await _MAKE.run(self._redis, name, id, self._kept)
        return answer.decode()


def _name(key: str, *, caller: str) -> str:
    digest = hashlib.sha256(f"{caller}\n{key}".encode()).hexdigest()
    return f"recite:once:{digest}"


def _fingerprint(request: bytes) -> str:
    return hashlib.sha256(request).hexdigest()
