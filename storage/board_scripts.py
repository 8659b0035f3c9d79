"""The job board's Lua: each script is one atomic step over one job, and publishes what it changed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from storage.card_index_keys import NOTE
from storage.purse_scripts import GIVE_BACK, JOINED, RESERVE

CHANNEL = "recite:jobs"
FENCE_KEY = "recite:fence"
# Live jobs by name: those of a lane that are queued, scored by since when; those rendering, by their last change; and
# all of them by when somebody looks next whether they are worked on. Milliseconds of Redis' clock.
QUEUED_KEY, RENDERING_KEY, LOOKS_KEY = "recite:queued:", "recite:rendering", "recite:looks"
# Per lane, which job was started last: since when it was queued, and when it was started.
PACE_KEY = "recite:pace:"
FIRST_LOOK_MS = 5000
# Who asked for a live job, the live jobs of a reading, and who hears a job while it is made.
CALLERS_KEY, READING_KEY, LISTENING_KEY = "recite:callers:", "recite:reading:", "recite:listening:"
# Webhooks that wait for a job's end, and the ends that they are to be told of.
HOOKS_KEY, ENDS_KEY = "recite:hooks:", "recite:ends"
# Per lane, when the last jobs were started. And all jobs that were asked for, by their claim's token.
STARTS_KEY, LATEST_KEY = "recite:starts:", "recite:latest"
_STARTS_KEPT, _STARTS_MS, _LATEST_KEPT = 100, 600_000, 10_000
# Beyond so many a job's callers are not told apart any more: it stays wanted.
_CALLERS_KEPT = 1000

FIELDS = (
    *("status", "generation", "created_at", "started_at", "attempts", "utterances", "error", "facts"),
    *("sequence", "done", "ended_at"),
)


@dataclass(frozen=True, slots=True)
class Script:
    """Lua that Redis knows by its hash; sent in full only when it doesn't."""

    source: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "sha", digest)

    async def run(self, redis: Redis, *keys_and_arguments: str | int | float | bytes, keys: int = 1) -> Any:
        """What the script returns; the first `keys` arguments are its keys."""
        try:
            return await redis.evalsha(self.sha, keys, *keys_and_arguments)
        except NoScriptError:
            return await redis.eval(self.source, keys, *keys_and_arguments)


_QUOTED_FIELDS = ", ".join(f"'{name}'" for name in FIELDS)
_JOB = f"redis.call('HMGET', KEYS[1], {_QUOTED_FIELDS}"
_PUBLISH = f"redis.call('PUBLISH', '{CHANNEL}', ARGV[1])"
# What changed has another sequence, by which followers tell it from what they have seen.
_CHANGED = f"redis.call('HINCRBY', KEYS[1], 'sequence', 1)\n{_PUBLISH}"
NOW = """
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
"""
# At least the clock in microseconds, so that tokens go on growing when Redis was wiped or lost its last second.
TOKEN = """
local function next_token(fence)
  local time = redis.call('TIME')
  local token = string.format('%.0f', math.max(time[1] * 1000000 + time[2], (redis.call('GET', fence) or 0) + 1))
  redis.call('SET', fence, token)
  return token
end
"""
# The end stands there whole: by the time that it is told the job may have been started again.
TELL_END = f"""
local function tell_end(name)
  local hooks = '{HOOKS_KEY}' .. name
  if redis.call('EXISTS', hooks) == 0 then return end
  local job = redis.call('HMGET', 'recite:job:' .. name, {_QUOTED_FIELDS})
  if job[1] == 'queued' or job[1] == 'rendering' then return end
  redis.call('RPUSH', '{ENDS_KEY}', cjson.encode({{name, job, redis.call('SMEMBERS', hooks)}}))
  redis.call('DEL', hooks)
end
"""
# A job without a lane is one that an earlier version wrote, or one that came back ready after a wipe.
INDEX = (
    GIVE_BACK
    + TELL_END
    + f"""
local function index(name, lane, status)
  redis.call('ZREM', '{RENDERING_KEY}', name)
  if lane then redis.call('ZREM', '{QUEUED_KEY}' .. lane, name) end
  if status == 'queued' and lane then
    redis.call('ZADD', '{QUEUED_KEY}' .. lane, now(), name)
    redis.call('ZADD', '{LOOKS_KEY}', now() + {FIRST_LOOK_MS}, name)
  elseif status == 'rendering' and lane then
    redis.call('ZADD', '{RENDERING_KEY}', now(), name)
    redis.call('ZADD', '{LOOKS_KEY}', 'NX', now() + {FIRST_LOOK_MS}, name)
  else
    redis.call('ZREM', '{LOOKS_KEY}', name)
    redis.call('DEL', '{CALLERS_KEY}' .. name)
    tell_end(name)
    give_back(name, math.huge, math.huge)
    local reading = redis.call('HGET', 'recite:job:' .. name, 'reading')
    if reading then redis.call('SREM', '{READING_KEY}' .. reading, name) end
  end
end
"""
)

# In the order in which they asked first. Both outlive their job, which is moved now and then.
_WANT = f"""
local function want(name, reading, caller, ms)
  local callers, jobs = '{CALLERS_KEY}' .. name, '{READING_KEY}' .. reading
  if redis.call('ZCARD', callers) >= {_CALLERS_KEPT} then caller = '*' end
  local last = redis.call('ZRANGE', callers, -1, -1, 'WITHSCORES')
  redis.call('ZADD', callers, 'NX', (last[2] or 0) + 1, caller)
  redis.call('SADD', jobs, name)
  redis.call('PEXPIRE', callers, 2 * ms)
  redis.call('PEXPIRE', jobs, 2 * ms)
end
"""

# KEYS job. ARGV name.
LOST = Script(
    f"""
if redis.call('HGET', KEYS[1], 'status') ~= 'ready' then return end
redis.call('DEL', KEYS[1])
{_PUBLISH}
"""
)

# KEYS job. ARGV ready ms. A hit takes nothing more than this; it only reads, but for its sliding expiry.
HIT = Script(
    f"""
local job = {_JOB})
if job[1] ~= 'ready' then return false end
if redis.call('PTTL', KEYS[1]) < ARGV[1] / 2 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return job
"""
)

# KEYS job, fence. ARGV name, facts, order, created_at, refresh, live ms, failure memory ms, lane, reading, caller,
# queue limit, client, characters, cost, budget, daily limit, month's account, day's account.
# Returns the job's fields for a hit or a join, and after them 1 when it was promoted; the new generation for a miss;
# 'full' when there is no room for it, or why its client may not have it.
# The fresh token shuts out whoever still works on an earlier generation.
CLAIM = Script(
    NOW
    + TOKEN
    + INDEX
    + _WANT
    + RESERVE
    + f"""
local job = {_JOB}, 'lane')
local status, lane = job[1], job[{len(FIELDS) + 1}]
local age = now() - (job[{FIELDS.index("ended_at") + 1}] or 0)
job[{len(FIELDS) + 1}] = false
if status == 'queued' or status == 'rendering' then
  want(ARGV[1], ARGV[9], ARGV[10], ARGV[6])
  redis.call('HSET', KEYS[1], 'joined', 1)
  redis.call('HINCRBY', KEYS[1], '{JOINED}' .. ARGV[12], 1)
  if status == 'queued' and lane == 'bulk' and ARGV[8] == 'interactive' then
    redis.call('ZREM', '{QUEUED_KEY}' .. lane, ARGV[1])
    redis.call('HSET', KEYS[1], 'lane', ARGV[8], 'order', ARGV[3])
    redis.call('HDEL', KEYS[1], 'looks')
    index(ARGV[1], ARGV[8], status)
    {_CHANGED}
    job[{len(FIELDS) + 1}] = 1
  end
  return job
end
if status == 'ready' then return job end
-- One that lies in the future is from before the clock was set back.
if status == 'failed' and ARGV[5] == '' and age >= 0 and age < tonumber(ARGV[7]) then return job end
if redis.call('ZCARD', '{QUEUED_KEY}' .. ARGV[8]) >= tonumber(ARGV[11]) then return 'full' end
local why = refusal(ARGV[12], ARGV[13], ARGV[14], ARGV[15], ARGV[16], ARGV[17], ARGV[18])
if why then return why end
local generation, token = (job[2] or 0) + 1, next_token(KEYS[2])
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'status', 'queued', 'generation', generation, 'created_at', ARGV[4], 'attempts', 0,
  'facts', ARGV[2], 'order', ARGV[3], 'token', token, 'lane', ARGV[8], 'reading', ARGV[9])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
reserve(KEYS[1], ARGV[12], ARGV[13], ARGV[14])
index(ARGV[1], ARGV[8], 'queued')
want(ARGV[1], ARGV[9], ARGV[10], ARGV[6])
redis.call('ZADD', '{LATEST_KEY}', token, ARGV[1])
redis.call('ZREMRANGEBYRANK', '{LATEST_KEY}', 0, -{_LATEST_KEPT + 1})
{_CHANGED}
return generation
"""
)

# KEYS job. ARGV name, facts, order, token, lane, reading, live ms, the moment in Unix seconds. Who asked for it is not
# known any more: it stays wanted.
RESTORE = Script(
    NOW
    + INDEX
    + _WANT
    + f"""
if redis.call('EXISTS', KEYS[1]) == 1 then return end
redis.call('HSET', KEYS[1], 'status', 'rendering', 'generation', 1, 'created_at', ARGV[8], 'started_at', ARGV[8],
  'attempts', 1, 'facts', ARGV[2], 'order', ARGV[3], 'token', ARGV[4], 'lane', ARGV[5], 'reading', ARGV[6])
redis.call('PEXPIRE', KEYS[1], ARGV[7])
index(ARGV[1], ARGV[5], 'rendering')
want(ARGV[1], ARGV[6], '*', ARGV[7])
redis.call('ZADD', '{LATEST_KEY}', ARGV[4], ARGV[1])
{_CHANGED}
"""
)

# KEYS job. ARGV name, target, allowed sources as ",a,b,", token or '', expiry ms, the moment in Unix seconds,
# then fields to set in pairs.
# Returns 'moved' or 'same' and the job's fields, or why nothing was changed: 'forgotten', 'stale', 'illegal'.
# Whoever says ready has put the card, whatever became of the job.
MOVE = Script(
    NOW
    + INDEX
    + NOTE
    + f"""
local target, token = ARGV[2], ARGV[4]
if target == 'ready' then note(ARGV[1]) end
local old = redis.call('HMGET', KEYS[1], 'status', 'token', 'lane')
if not old[1] then
  if target ~= 'ready' then return {{'forgotten'}} end
  redis.call('HSET', KEYS[1], 'generation', 1, 'token', 0, 'created_at', ARGV[6])
elseif token ~= '' and tonumber(token) < tonumber(old[2]) then
  return {{'stale'}}
elseif old[1] == target and target ~= 'rendering' then
  return {{'same', {_JOB})}}
elseif not string.find(ARGV[3], ',' .. old[1] .. ',', 1, true) then
  return {{'illegal'}}
end
redis.call('HSET', KEYS[1], 'status', target, unpack(ARGV, 7))
if token ~= '' then redis.call('HSET', KEYS[1], 'token', token) end
if target == 'rendering' then
  redis.call('HINCRBY', KEYS[1], 'attempts', 1)
  redis.call('HSETNX', KEYS[1], 'started_at', ARGV[6])
elseif target ~= 'queued' then
  redis.call('HDEL', KEYS[1], 'order')
  redis.call('HSET', KEYS[1], 'ended_at', string.format('%.0f', now()))
end
if target == 'ready' then redis.call('HDEL', KEYS[1], 'error') end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
if target == 'queued' then redis.call('HDEL', KEYS[1], 'looks', 'done') end
if target == 'rendering' and old[1] == 'queued' and old[3] then
  local since = redis.call('ZSCORE', '{QUEUED_KEY}' .. old[3], ARGV[1])
  redis.call('HSET', '{PACE_KEY}' .. old[3], 'since', since or 0, 'at', now())
  redis.call('LPUSH', '{STARTS_KEY}' .. old[3], now())
  redis.call('LTRIM', '{STARTS_KEY}' .. old[3], 0, {_STARTS_KEPT - 1})
  redis.call('PEXPIRE', '{STARTS_KEY}' .. old[3], {_STARTS_MS})
end
index(ARGV[1], old[3], target)
{_CHANGED}
return {{'moved', {_JOB})}}
"""
)

# KEYS job. ARGV name, token, how many utterances are done.
PROGRESS = Script(
    f"""
local job = redis.call('HMGET', KEYS[1], 'status', 'token')
if job[1] ~= 'rendering' or tonumber(ARGV[2]) < tonumber(job[2]) then return end
redis.call('HSET', KEYS[1], 'done', ARGV[3])
{_CHANGED}
"""
)

# KEYS job. ARGV name, generation. Who joined it was told that it is made; its callers don't tell how many those are.
FORGET = Script(
    NOW
    + INDEX
    + f"""
local job = redis.call('HMGET', KEYS[1], 'status', 'generation', 'attempts', 'lane', 'joined')
if job[1] ~= 'queued' or job[2] ~= ARGV[2] or job[3] ~= '0' or job[5] then return 0 end
index(ARGV[1], job[4], 'forgotten')
redis.call('DEL', KEYS[1])
{_PUBLISH}
return 1
"""
)
