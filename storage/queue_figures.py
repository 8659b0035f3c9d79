"""How long a queued job will wait, by how many are before it and how fast its lane starts them."""

from __future__ import annotations

from redis.asyncio import Redis

from speech.request import Lane
from storage.board_scripts import NOW, QUEUED_KEY, STARTS_KEY, Script
from storage.redis_client import ANSWERING

# KEYS job. ARGV name, lane or ''. Returns milliseconds. The rate is taken since the oldest of the queue came: as long
# as somebody waits, the lane starts as many as it can. One that has started none since then may take as long again.
_WAIT = Script(
    NOW
    + f"""
local lane = ARGV[2] ~= '' and ARGV[2] or redis.call('HGET', KEYS[1], 'lane') or ''
local queue = '{QUEUED_KEY}' .. lane
local ahead = redis.call('ZRANK', queue, ARGV[1]) or redis.call('ZCARD', queue)
local oldest = redis.call('ZRANGE', queue, 0, 0, 'WITHSCORES')
if not oldest[2] then return 0 end
local time, since, started = now(), tonumber(oldest[2]), 0
local starts = redis.call('LRANGE', '{STARTS_KEY}' .. lane, 0, -1)
for _, at in ipairs(starts) do
  if tonumber(at) >= since then started = started + 1 end
end
if started == 0 then return time - since end
local window = time - math.max(since, tonumber(starts[#starts]))
return math.ceil((ahead + 1) * window / started)
"""
)
_SHORTEST, _LONGEST = 1, 60


class QueueFigures:
    """Seconds after which it is worth asking again, 1 to 60. Raises Unavailable when Redis does not answer."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def until_start(self, name: str) -> int:
        """Until this queued job is started."""
        return await self._wait(name, "")

    async def until_room(self, lane: Lane) -> int:
        """Until the jobs that wait in a lane now are started."""
        return await self._wait("", lane)

    async def _wait(self, name: str, lane: str) -> int:
        with ANSWERING:
            milliseconds: int = await _WAIT.run(self._redis, f"recite:job:{name}", name, lane)
        return min(max(round(milliseconds / 1000), _SHORTEST), _LONGEST)
