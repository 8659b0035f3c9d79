"""The jobs in Redis that nobody works on: what makes one a stray, and how seldom it is looked at again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from redis.asyncio import Redis

from speech.ports import Stray
from speech.request import Lane
from storage.board_scripts import (
    CHANNEL,
    FIRST_LOOK_MS,
    INDEX,
    LOOKS_KEY,
    NOW,
    PACE_KEY,
    QUEUED_KEY,
    STARTS_KEY,
    Script,
)
from storage.callers import CANCEL, CANCELLED_KEPT
from storage.heartbeats import ALIVE
from storage.redis_client import ANSWERING

SWEEP_KEY = "recite:sweep"
# Redis serves nobody else meanwhile: a few milliseconds.
_AT_ONCE = 500
_LONGEST_WAIT_MS = 3_600_000
# Whose reading somebody else works on is wanted in another format, too: it is sent soon after that one is done.
_HELD_LOOK_MS = 2000
# No lease is as long: one that is was given before Redis' clock was set back.
_LONGEST_LEASE_MS = 60_000
_DEATHS = 3
_LANES = ", ".join(f"'{lane}'" for lane in Lane)

# ARGV gap ms, grace ms. Returns how many jobs were looked at, then name, lane and deaths of each stray.
# When the clock was set back, what is queued was queued, and what was started, as long ago as before.
# When nobody swept for a while, or the clock was set, Redis may have been away, too: who still holds a lease gets the
# time to renew it before anybody judges. A lane that started what was queued earlier since a job was sent last has not
# come to it yet, and one that nobody serves comes to nothing: a message more would only lie in its queue. Neither makes
# the job wait longer for its next look.
_DUE = Script(
    NOW
    + INDEX
    + ALIVE
    + CANCEL
    + f"""
local time = now()
local sweep = redis.call('HMGET', KEYS[1], 'last', 'from')
local last, from = tonumber(sweep[1] or 0), tonumber(sweep[2] or 0)
if time < last then
  for _, name in ipairs(redis.call('ZRANGE', '{LOOKS_KEY}', 0, -1)) do
    redis.call('ZADD', '{LOOKS_KEY}', time, name)
  end
  local function earlier(moment) return math.min(time, moment - last + time) end
  for _, lane in ipairs({{{_LANES}}}) do
    local queue, pace = '{QUEUED_KEY}' .. lane, '{PACE_KEY}' .. lane
    local later = redis.call('ZRANGEBYSCORE', queue, string.format('(%.0f', time), '+inf', 'WITHSCORES')
    for i = 1, #later, 2 do redis.call('ZADD', queue, earlier(later[i + 1]), later[i]) end
    local known = redis.call('HMGET', pace, 'since', 'at')
    if known[1] then redis.call('HSET', pace, 'since', earlier(known[1]), 'at', earlier(known[2])) end
    redis.call('DEL', '{STARTS_KEY}' .. lane)
  end
end
if time < last or time - last > tonumber(ARGV[1]) then from = time + ARGV[2] end
redis.call('HSET', KEYS[1], 'last', time, 'from', from)
if time < from then return {{0}} end

local function look_in(name, ms)
  redis.call('ZADD', '{LOOKS_KEY}', time + math.max(ms, 1), name)
end

local function left_of(lease)
  local left = redis.call('PTTL', lease)
  if left <= {_LONGEST_LEASE_MS} then return left end
  redis.call('PEXPIRE', lease, {_LONGEST_LEASE_MS})
  return {_LONGEST_LEASE_MS}
end

local is_served = {{}}
for _, member in ipairs(words_of_the_living(time)) do
  for lane in string.gmatch(string.match(member, '^[^:]*'), '[^+]+') do is_served[lane] = true end
end

local function is_before_its_turn(name, lane, wait)
  local pace = redis.call('HMGET', '{PACE_KEY}' .. lane, 'since', 'at')
  local since = redis.call('ZSCORE', '{QUEUED_KEY}' .. lane, name)
  return pace[1] and since and tonumber(pace[2]) > time - wait and tonumber(pace[1]) < tonumber(since)
end

local names = redis.call('ZRANGEBYSCORE', '{LOOKS_KEY}', '-inf', time, 'LIMIT', 0, {_AT_ONCE})
local strays = {{#names}}
for _, name in ipairs(names) do
  local job = 'recite:job:' .. name
  local known = redis.call('HMGET', job, 'status', 'token', 'lane', 'reading', 'looks', 'deaths')
  local status, lane, looks, deaths = known[1], known[3], tonumber(known[5] or 0), tonumber(known[6] or 0)
  local lease = 'recite:lease:' .. (known[4] or '')
  local holder = redis.call('GET', lease)
  if status ~= 'queued' and status ~= 'rendering' then
    for _, one in ipairs({{{_LANES}}}) do index(name, one, 'forgotten') end
  elseif status == 'queued' and not is_wanted(name) then
    cancel(name, {CANCELLED_KEPT // timedelta(milliseconds=1)})
  elseif holder and status == 'queued' then
    look_in(name, math.min(left_of(lease), {_HELD_LOOK_MS}))
  elseif holder and holder == known[2] then
    look_in(name, left_of(lease))
  else
    if status == 'rendering' then
      looks, deaths = 0, deaths + 1
      redis.call('HSET', job, 'status', 'queued', 'deaths', deaths)
      redis.call('HDEL', job, 'done')
      index(name, lane, 'queued')
      redis.call('HINCRBY', job, 'sequence', 1)
      redis.call('PUBLISH', '{CHANNEL}', name)
    end
    local wait = math.min({FIRST_LOOK_MS} * 2 ^ looks, {_LONGEST_WAIT_MS})
    local is_lost = is_served[lane] and not is_before_its_turn(name, lane, wait)
    if status == 'rendering' or deaths >= {_DEATHS} or is_lost then
      redis.call('HSET', job, 'looks', looks + 1)
      look_in(name, wait)
      for _, fact in ipairs({{name, lane, deaths}}) do table.insert(strays, fact) end
    else
      look_in(name, {FIRST_LOOK_MS})
    end
  end
end
return strays
"""
)

# ARGV names. Each is looked at as if it had not been told.
_UNSENT = Script(
    NOW
    + f"""
for _, name in ipairs(ARGV) do
  local job = 'recite:job:' .. name
  if redis.call('HGET', job, 'status') == 'queued' then
    redis.call('HSET', job, 'looks', math.max(0, (redis.call('HGET', job, 'looks') or 0) - 1))
    redis.call('ZADD', '{LOOKS_KEY}', now() + {FIRST_LOOK_MS}, name)
  end
end
"""
)


class RedisStrayJobs:
    """Implements speech.ports.StrayJobs; all times are Redis' own, so that nobody's clock matters.

    `gap`: how long nobody may have asked before leases are given `grace` to be renewed. The latter is longer than the
    time between two renewals.
    """

    def __init__(
        self, redis: Redis, *, gap: timedelta = timedelta(seconds=3), grace: timedelta = timedelta(seconds=4)
    ) -> None:
        self._redis = redis
        self._gap, self._grace = gap // timedelta(milliseconds=1), grace // timedelta(milliseconds=1)

    async def due(self) -> list[Stray]:
        """Queued jobs whose message may be lost, and such as lost their worker, which are queued again by then."""
        told: list[Any] = []
        looked_at = _AT_ONCE
        while looked_at == _AT_ONCE:
            with ANSWERING:
                looked_at, *strays = await _DUE.run(self._redis, SWEEP_KEY, self._gap, self._grace)
            told += strays
        # Those first that were being rendered: they have waited longest.
        found = sorted(zip(told[::3], told[1::3], told[2::3], strict=True), key=lambda stray: -stray[2])
        return [
            Stray(
                name=name.decode(),
                lane=Lane(lane.decode()),
                had_its_turn=deaths > 0,
                is_hopeless=deaths >= _DEATHS,
            )
            for name, lane, deaths in found
        ]

    async def unsent(self, strays: Sequence[Stray]) -> None:
        """These could not be sent: they are told again in a few seconds."""
        for batch in range(0, len(strays), _AT_ONCE):
            names = [stray.name for stray in strays[batch : batch + _AT_ONCE]]
            with ANSWERING:
                await _UNSENT.run(self._redis, SWEEP_KEY, *names)
