"""The last turns of conversations, in Redis, each under a hash of its owner and its id, until it is silent for long."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

import orjson
from redis.asyncio import Redis

from speech.chat_ports import Turn
from storage.board_scripts import Script
from storage.redis_client import ANSWERING

# KEYS conversation. ARGV turn, how many are kept, ms. A message and its reply are one entry: two that are answered at
# the same time never stand between each other.
_ADD = Script(
    """
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], -tonumber(ARGV[2]), -1)
return redis.call('PEXPIRE', KEYS[1], ARGV[3])
"""
)


class RedisConversations:
    """Implements speech.chat_ports.Conversations: `turns` of them at the most, `characters` in all."""

    def __init__(
        self, redis: Redis, *, turns: int = 10, characters: int = 32_000, kept: timedelta = timedelta(days=1)
    ) -> None:
        self._redis = redis
        self._turns = turns
        self._characters = characters
        self._kept = kept // timedelta(milliseconds=1)

    def begin(self) -> str:
        """A new conversation's id, which nobody can guess."""
        return secrets.token_urlsafe(16)

    async def turns(self, id: str, *, owner: str) -> tuple[Turn, ...]:
        """The last turns that the limits leave, oldest first; none of an unknown one. Raises Unavailable."""
        with ANSWERING:
            entries: list[Any] = await self._redis.lrange(_key(id, owner), 0, -1)
        kept: list[Turn] = []
        room = self._characters
        for entry in reversed(entries[-self._turns :] if self._turns else []):
            turn = Turn(**orjson.loads(entry))
            room -= turn.characters
            if room < 0:
                break
            kept.append(turn)
        return tuple(reversed(kept))

    async def add(self, id: str, turn: Turn, *, owner: str) -> None:
        """Appends a turn whole; one that is over the limit by itself is not kept. Raises Unavailable."""
        if not self._turns or turn.characters > self._characters:
            return
        entry = orjson.dumps({"message": turn.message, "reply": turn.reply})
        with ANSWERING:
            await _ADD.run(self._redis, _key(id, owner), entry, self._turns, self._kept)


def _key(id: str, owner: str) -> str:
    digest = hashlib.sha256(f"{owner}\n{id}".encode()).hexdigest()
    return f"recite:conversation:{digest}"
