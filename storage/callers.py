"""Who wants the jobs under way, in Redis; what nobody wants any more is cancelled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from redis.asyncio import Redis

from speech.caller import client_of
from speech.errors import UnknownJob
from storage.board_scripts import CALLERS_KEY, CHANNEL, INDEX, LISTENING_KEY, NOW, READING_KEY, Script
from storage.redis_client import ANSWERING

CANCELLED_KEPT = timedelta(days=1)
# `cancel` keeps what it cancelled for so many ms.
CANCEL = f"""
local function is_wanted(name)
  return redis.call('ZCARD', '{CALLERS_KEY}' .. name) > 0 or redis.call('EXISTS', '{LISTENING_KEY}' .. name) == 1
end

local function cancel(name, ms)
  local job = 'recite:job:' .. name
  redis.call('HSET', job, 'status', 'cancelled', 'ended_at', string.format('%.0f', now()))
  redis.call('HDEL', job, 'order')
  redis.call('HINCRBY', job, 'sequence', 1)
  redis.call('PEXPIRE', job, ms)
  index(name, redis.call('HGET', job, 'lane'), 'cancelled')
  redis.call('PUBLISH', '{CHANNEL}', name)
end
"""

# KEYS job. ARGV name, caller, expiry ms. Returns 0 for an unknown job. What one job of a reading has spoken serves
# the others: it goes on for them.
_WITHDRAW = Script(
    NOW
    + INDEX
    + CANCEL
    + f"""
local job = redis.call('HMGET', KEYS[1], 'status', 'reading')
if not job[1] then return 0 end
redis.call('ZREM', '{CALLERS_KEY}' .. ARGV[1], ARGV[2])
local unwanted, is_reading_wanted = {{}}, false
for _, name in ipairs(redis.call('SMEMBERS', '{READING_KEY}' .. (job[2] or ''))) do
  local status = redis.call('HGET', 'recite:job:' .. name, 'status')
  if status == 'queued' or status == 'rendering' then
    if is_wanted(name) then is_reading_wanted = true else unwanted[name] = status end
  end
end
for name, status in pairs(unwanted) do
  if status == 'queued' or not is_reading_wanted then cancel(name, ARGV[3]) end
end
return 1
"""
)
_NOBODY = ""


class RedisCallers:
    """Implements speech.ports.Callers; cancelled jobs are told for `ended`. Raises Unavailable."""

    def __init__(self, redis: Redis, *, ended: timedelta = CANCELLED_KEPT) -> None:
        self._redis = redis
        self._ended = ended // timedelta(milliseconds=1)

    async def withdraw(self, name: str, *, caller: str) -> None:
        """This caller no longer wants the job; it is cancelled when nobody else wants it.

        One that is being rendered goes on while another job on the same reading is wanted. Raises UnknownJob.
        """
        with ANSWERING:
            known = await _WITHDRAW.run(self._redis, f"recite:job:{name}", name, caller, self._ended)
        if not known:
            raise UnknownJob

    async def drop(self, name: str) -> None:
        """Cancels the job if nobody wants it any more, likewise."""
        await self.withdraw(name, caller=_NOBODY)

    async def clients(self, name: str) -> list[str]:
        """The clients for whom the job is wanted, in the order in which they asked; empty for those who named none."""
        with ANSWERING:
            callers: Any = await self._redis.zrange(f"{CALLERS_KEY}{name}", 0, -1)
        # Those who are not told apart may have keys of their own.
        told_apart = [caller.decode() for caller in callers if b":" in caller]
        return list(dict.fromkeys(client_of(caller) for caller in told_apart))
