"""The webhooks' Lua: each script is one atomic step over one delivery, or over the hosts that are due."""

from __future__ import annotations

from storage.board_scripts import HOOKS_KEY, NOW, TELL_END, TOKEN, Script

DELIVERY_KEY = "recite:outbox:delivery:"
# All deliveries by their number; those that have not ended, by when they are forgotten; the numbers.
LOG_KEY, OPEN_KEY, FENCE_KEY = "recite:outbox:log", "recite:outbox:open", "recite:outbox:fence"
# Hosts by when one of their deliveries is due; each one's deliveries by when they are; and those that are being sent,
# by when whoever sends them has had his time. Jobs that somebody waits for, by when one looks whether they have ended.
HOSTS_KEY, _QUEUE_KEY, _SENDING_KEY = "recite:outbox:hosts", "recite:outbox:queue:", "recite:outbox:sending:"
HOOKED_KEY = "recite:outbox:hooked"
_LOG_KEPT, _OPEN_KEPT, _SUBSCRIBERS_KEPT = 10_000, 100_000, 1000
_AT_ONCE, _LOOK_MS = 100, 60_000
# How long is kept what waits for a job, what is due, and what has ended.
WAITING_MS, PENDING_MS, _ENDED_MS = 14 * 86_400_000, 3 * 86_400_000, 3 * 86_400_000

# `close` ends a delivery: it is kept as long as the log has it, for some days.
_LINES = f"""
local function line_up(id, host, at)
  redis.call('ZADD', '{_QUEUE_KEY}' .. host, at, id)
  redis.call('ZADD', '{HOSTS_KEY}', 'LT', at, host)
end

local function open(id, ms)
  redis.call('PEXPIRE', '{DELIVERY_KEY}' .. id, ms)
  redis.call('ZADD', '{OPEN_KEY}', string.format('%.0f', now() + ms), id)
end

local function close(id)
  redis.call('HDEL', '{DELIVERY_KEY}' .. id, 'next_at', 'token', 'held_until')
  redis.call('ZREM', '{OPEN_KEY}', id)
  if redis.call('ZSCORE', '{LOG_KEY}', id) then
    redis.call('PEXPIRE', '{DELIVERY_KEY}' .. id, {_ENDED_MS})
  else
    redis.call('DEL', '{DELIVERY_KEY}' .. id)
  end
end

local function drop(id, problem)
  local delivery = '{DELIVERY_KEY}' .. id
  if redis.call('HGET', delivery, 'status') ~= 'waiting' then return end
  redis.call('HSET', delivery, 'status', 'dropped', 'problem', problem)
  close(id)
end

local function log(id)
  redis.call('ZADD', '{LOG_KEY}', next_token('{FENCE_KEY}'), id)
  for _, old in ipairs(redis.call('ZRANGE', '{LOG_KEY}', 0, -{_LOG_KEPT + 1})) do
    redis.call('ZREM', '{LOG_KEY}', old)
    if not redis.call('ZSCORE', '{OPEN_KEY}', old) then redis.call('DEL', '{DELIVERY_KEY}' .. old) end
  end
end
"""
_HEAD = NOW + TOKEN + _LINES

# KEYS delivery, job's hooks, job. ARGV id, host, job or '', then fields to set in pairs. Returns 'noted', 'full', or
# how the job stands that it was to wait for.
NOTE = Script(
    _HEAD
    + f"""
local known = redis.call('HGET', KEYS[1], 'status')
if known and known ~= 'dropped' then return 'noted' end
local time, is_waiting = now(), ARGV[3] ~= ''
if is_waiting then
  local status = redis.call('HGET', KEYS[3], 'status')
  if status ~= 'queued' and status ~= 'rendering' then return status or 'unknown' end
  if redis.call('SCARD', KEYS[2]) >= {_SUBSCRIBERS_KEPT} then return 'full' end
end
redis.call('ZREMRANGEBYSCORE', '{OPEN_KEY}', '-inf', string.format('%.0f', time))
if redis.call('ZCARD', '{OPEN_KEY}') >= {_OPEN_KEPT} then return 'full' end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'host', ARGV[2], 'created_at', time, 'since', time, 'attempts', 0, 'tries', 0,
  unpack(ARGV, 4))
log(ARGV[1])
if is_waiting then
  open(ARGV[1], {WAITING_MS})
  redis.call('HSET', KEYS[1], 'status', 'waiting')
  redis.call('SADD', KEYS[2], ARGV[1])
  redis.call('PEXPIRE', KEYS[2], {WAITING_MS})
  redis.call('ZADD', '{HOOKED_KEY}', 'NX', time + {_LOOK_MS}, ARGV[3])
else
  open(ARGV[1], {PENDING_MS})
  redis.call('HSET', KEYS[1], 'status', 'pending', 'next_at', time)
  line_up(ARGV[1], ARGV[2], time)
end
return 'noted'
"""
)

# KEYS delivery. ARGV id, type, sealed.
RELEASE = Script(
    _HEAD
    + f"""
local known = redis.call('HMGET', KEYS[1], 'status', 'host')
if known[1] ~= 'waiting' then return end
local time = now()
redis.call('HSET', KEYS[1], 'status', 'pending', 'type', ARGV[2], 'sealed', ARGV[3], 'since', time, 'next_at', time)
open(ARGV[1], {PENDING_MS})
line_up(ARGV[1], known[2], time)
"""
)

# KEYS delivery. ARGV id, problem.
DROP = Script(_HEAD + "drop(ARGV[1], ARGV[2])")

# KEYS job's hooks. ARGV caller, problem.
WITHDRAW = Script(
    _HEAD
    + f"""
for _, id in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if redis.call('HGET', '{DELIVERY_KEY}' .. id, 'caller') == ARGV[1] then
    drop(id, ARGV[2])
    redis.call('SREM', KEYS[1], id)
  end
end
"""
)

# KEYS jobs to look at. An end that nobody was told of: its job expired, or another version's script ended it.
LOOK = Script(
    NOW
    + TELL_END
    + f"""
local time = now()
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', time, 'LIMIT', 0, {_AT_ONCE})) do
  tell_end(name)
  if redis.call('EXISTS', '{HOOKS_KEY}' .. name) == 1 then
    redis.call('ZADD', KEYS[1], time + {_LOOK_MS}, name)
  else
    redis.call('ZREM', KEYS[1], name)
  end
end
"""
)

# KEYS hosts. ARGV how many of a host may be on their way at once, for how many ms they are meanwhile left alone.
# Returns the deliveries that are due. A host that has as many as it may is looked at again when one of them is settled,
# or has had its time.
DUE = Script(
    NOW
    + f"""
local time, due = now(), {{}}
for _, host in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', time, 'LIMIT', 0, {_AT_ONCE})) do
  local queue, sending = '{_QUEUE_KEY}' .. host, '{_SENDING_KEY}' .. host
  redis.call('ZREMRANGEBYSCORE', sending, '-inf', time)
  local free = ARGV[1] - redis.call('ZCARD', sending)
  if free > 0 then
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', queue, '-inf', time, 'LIMIT', 0, free)) do
      if redis.call('EXISTS', '{DELIVERY_KEY}' .. id) == 1 then
        redis.call('ZADD', queue, time + ARGV[2], id)
        redis.call('ZADD', sending, time + ARGV[2], id)
        table.insert(due, id)
        free = free - 1
      else
        redis.call('ZREM', queue, id)
      end
    end
  end
  local first = redis.call('ZRANGE', queue, 0, 0, 'WITHSCORES')[2]
  local next_free = redis.call('ZRANGE', sending, 0, 0, 'WITHSCORES')[2]
  if not first then
    redis.call('ZREM', KEYS[1], host)
  elseif free > 0 then
    redis.call('ZADD', KEYS[1], first, host)
  else
    redis.call('ZADD', KEYS[1], math.max(first, next_free), host)
  end
end
return due
"""
)

# KEYS delivery, fence. ARGV id, ms. Returns token, sealed, client, is_signed, is_standing, tries, the age in ms. A
# message that comes twice, or when its delivery was put off, finds nobody being sent to.
TAKE = Script(
    _HEAD
    + f"""
local time = now()
local known = redis.call('HMGET', KEYS[1], 'status', 'host', 'held_until')
if known[1] ~= 'pending' or tonumber(known[3] or 0) > time then return false end
local sending = '{_SENDING_KEY}' .. known[2]
if not redis.call('ZSCORE', sending, ARGV[1]) then return false end
local token, held_until = next_token(KEYS[2]), string.format('%.0f', time + ARGV[2])
redis.call('HSET', KEYS[1], 'token', token, 'held_until', held_until, 'last_at', time)
redis.call('HINCRBY', KEYS[1], 'attempts', 1)
redis.call('HINCRBY', KEYS[1], 'tries', 1)
redis.call('ZADD', sending, held_until, ARGV[1])
line_up(ARGV[1], known[2], held_until)
local found = redis.call('HMGET', KEYS[1], 'token', 'sealed', 'client', 'is_signed', 'is_standing', 'tries', 'since')
found[7] = time - found[7]
return found
"""
)

# KEYS delivery. ARGV id, token, status, delay ms, answered, problem.
SETTLE = Script(
    _HEAD
    + f"""
local known = redis.call('HMGET', KEYS[1], 'token', 'host')
if known[1] ~= ARGV[2] then return end
local time, queue = now(), '{_QUEUE_KEY}' .. known[2]
redis.call('HDEL', KEYS[1], 'token', 'held_until')
redis.call('HSET', KEYS[1], 'status', ARGV[3], 'answered', ARGV[5], 'problem', ARGV[6])
redis.call('ZREM', '{_SENDING_KEY}' .. known[2], ARGV[1])
redis.call('ZREM', queue, ARGV[1])
if ARGV[3] == 'pending' then
  local at = string.format('%.0f', time + ARGV[4])
  redis.call('HSET', KEYS[1], 'next_at', at)
  line_up(ARGV[1], known[2], at)
else
  close(ARGV[1])
end
if redis.call('EXISTS', queue) == 1 then redis.call('ZADD', '{HOSTS_KEY}', 'LT', time, known[2]) end
"""
)

# KEYS delivery. ARGV id. Returns why not, or nothing.
REDELIVER = Script(
    _HEAD
    + f"""
local known = redis.call('HMGET', KEYS[1], 'status', 'host')
if not known[1] then return 'unknown' end
if known[1] == 'waiting' or known[1] == 'dropped' then return 'nothing' end
local time = now()
redis.call('HSET', KEYS[1], 'status', 'pending', 'since', time, 'tries', 0, 'next_at', time)
open(ARGV[1], {PENDING_MS})
line_up(ARGV[1], known[2], time)
"""
)
