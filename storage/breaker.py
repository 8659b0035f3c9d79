"""What a quota group's processes know of the upstream together: pauses that it asked for, and whether it is there."""

from __future__ import annotations

import random
from collections.abc import Callable

from redis.asyncio import Redis

from speech.ports import Admission
from storage.board_scripts import NOW, Script
from storage.redis_client import ANSWERING

_READ = (
    NOW
    + """
local now = now()
local function read(name) return tonumber(redis.call('HGET', KEYS[1], name) or 0) end
-- The ms until then. More than the longest possible is over: it was written before the clock was set back.
local function left(name, longest)
  local ms = read(name) - now
  if ms <= tonumber(longest) then return math.max(0, ms) end
  redis.call('HDEL', KEYS[1], name)
  return 0
end
local function later(name, ms, longest)
  redis.call('HSET', KEYS[1], name, string.format('%.0f', now + math.max(left(name, longest), ms)))
end
"""
)
_KEEP = "redis.call('PEXPIRE', KEYS[1], 3600000)"

# KEYS breaker. ARGV failures that open it, ms for one try, most ms of a pause and of being down.
# Returns ms to wait, whether it is down, whether suspect.
_ADMIT = Script(
    _READ
    + """
local paused = left('paused_until', ARGV[3])
if paused > 0 then return {paused, 0, 0} end
local failures = read('failures')
if failures < tonumber(ARGV[1]) then return {0, 0, failures + read('refusals')} end
local down = left('down_until', ARGV[4])
if down > 0 then return {down, 1, failures} end
if left('trying_until', ARGV[2]) > 0 then return {1000, 0, failures} end
later('trying_until', ARGV[2], ARGV[2])
return {0, 0, failures}
"""
)
# KEYS breaker. ARGV failures that open it, first ms, most ms. What fails while it is open was under way before.
_FAILED = Script(
    _READ
    + f"""
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
if failures >= tonumber(ARGV[1]) and left('down_until', ARGV[3]) == 0 then
  local times = redis.call('HINCRBY', KEYS[1], 'times', 1)
  later('down_until', math.min(ARGV[3], ARGV[2] * 2 ^ (times - 1)), ARGV[3])
  redis.call('HDEL', KEYS[1], 'trying_until')
end
{_KEEP}
"""
)
# KEYS breaker. ARGV ms that were asked for or '', first ms, most ms of a pause nobody asked for, jitter from 0 to 1,
# most ms of a pause. Returns the ms to wait. What is refused during a pause was asked for before.
_PAUSE = Script(
    _READ
    + f"""
local ms = tonumber(ARGV[1])
if not ms and left('paused_until', ARGV[5]) == 0 then
  local refusals = redis.call('HINCRBY', KEYS[1], 'refusals', 1)
  ms = math.min(ARGV[3], ARGV[2] * 2 ^ (refusals - 1)) * (1 + ARGV[4]) / 2
end
if ms then later('paused_until', math.min(ms, ARGV[5]), ARGV[5]) end
redis.call('HDEL', KEYS[1], 'failures', 'times', 'down_until', 'trying_until')
{_KEEP}
return left('paused_until', ARGV[5])
"""
)
# KEYS breaker. ARGV failures that open it, most ms.
_DOWN_FOR = Script(
    _READ
    + """
if read('failures') < tonumber(ARGV[1]) then return 0 end
return left('down_until', ARGV[2])
"""
)


class RedisBreaker:
    """Implements speech.ports.Breaker. After `failures` in a row nobody tries for a while, then one alone.

    The while doubles with every try that fails. A try that nobody heard of again is over after `try_seconds`,
    a pause after `longest_pause` seconds at the latest. One whose length the upstream left open is `first_pause`
    seconds, twice as long whenever the next try is refused, too, up to `most_pause`; and up to half less by `jitter`.
    That is not long, since nobody gets a session of another voice meanwhile.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        group: str,
        failures: int = 8,
        first_seconds: float = 4.0,
        most_seconds: float = 30.0,
        first_pause: float = 1.0,
        most_pause: float = 8.0,
        longest_pause: float = 60.0,
        try_seconds: float = 12.0,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._redis = redis
        self._key = f"recite:breaker:{group}"
        self._failures = failures
        self._first, self._most = round(first_seconds * 1000), round(most_seconds * 1000)
        self._first_pause, self._most_pause = round(first_pause * 1000), round(most_pause * 1000)
        self._longest_pause = round(longest_pause * 1000)
        self._try = round(try_seconds * 1000)
        self._jitter = jitter

    async def admit(self) -> Admission:
        """Asked before a session is opened; after an outage one caller at a time is let through to try."""
        with ANSWERING:
            wait, down, failures = await _ADMIT.run(
                self._redis, self._key, self._failures, self._try, self._longest_pause, self._most
            )
        return Admission(wait=wait / 1000, is_down=bool(down), is_suspect=bool(failures))

    async def succeeded(self) -> None:
        """The upstream answered."""
        with ANSWERING:
            await self._redis.hdel(self._key, "failures", "times", "down_until", "trying_until", "refusals")

    async def failed(self) -> None:
        """It could not be reached."""
        with ANSWERING:
            await _FAILED.run(self._redis, self._key, self._failures, self._first, self._most)

    async def pause(self, seconds: float | None) -> float:
        """It answered that it wants no more sessions, for so long if it said so; the seconds for which all pause."""
        asked = "" if seconds is None else round(min(seconds * 1000, self._longest_pause))
        with ANSWERING:
            milliseconds: int = await _PAUSE.run(
                *(self._redis, self._key, asked, self._first_pause, self._most_pause),
                *(self._jitter(), self._longest_pause),
            )
        return milliseconds / 1000

    async def down_for(self) -> float:
        """For how many seconds nobody tries; 0 when it is there."""
        with ANSWERING:
            milliseconds: int = await _DOWN_FOR.run(self._redis, self._key, self._failures, self._most)
        return milliseconds / 1000
