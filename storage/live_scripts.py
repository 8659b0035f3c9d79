"""The live sessions' Lua: each script is one atomic step over the records of sessions.

A record is a hash that expires by itself. It stands in three sets, scored by when it expires: that of all sessions,
that of its client and that of its address. One that was ended stays for a while, so that its process finds out even
when it missed the word. Times are milliseconds of Redis' clock, for what a process says must not depend on its own.
"""

from __future__ import annotations

from storage.board_scripts import NOW, Script

CHANNEL = "recite:relay"
ALL_KEY, SESSION_KEY = "recite:relay:sessions", "recite:relay:session:"
CLIENT_KEY, ADDRESS_KEY = "recite:relay:client:", "recite:relay:address:"
_ENDED_MS = 60_000
LISTED = 1000
FIELDS = (
    *("state", "caller", "address", "created_at", "order", "client_id", "opened_at", "conversation_id", "figures"),
    *("lease_until", "expires_at"),
)
_QUOTED_FIELDS = ", ".join(f"'{name}'" for name in FIELDS)

_RECORDS = (
    NOW
    + f"""
local function whole(number) return string.format('%.0f', number) end

local function sets_of(id)
  local key = '{SESSION_KEY}' .. id
  local sets = {{'{ALL_KEY}'}}
  local caller, address = unpack(redis.call('HMGET', key, 'caller', 'address'))
  if caller and caller ~= '' then table.insert(sets, '{CLIENT_KEY}' .. caller) end
  if address and address ~= '' then table.insert(sets, '{ADDRESS_KEY}' .. address) end
  return sets
end

local function keep(id, ms)
  local ends = now() + ms
  redis.call('HSET', '{SESSION_KEY}' .. id, 'expires_at', whole(ends))
  redis.call('PEXPIRE', '{SESSION_KEY}' .. id, ms)
  for _, set in ipairs(sets_of(id)) do
    redis.call('ZADD', set, whole(ends), id)
    if redis.call('PTTL', set) < tonumber(ms) then redis.call('PEXPIRE', set, ms) end
  end
end

local function forget(id)
  for _, set in ipairs(sets_of(id)) do redis.call('ZREM', set, id) end
  redis.call('DEL', '{SESSION_KEY}' .. id)
end

-- The state as it really is: a process that was killed can't say that it serves no more.
local function state_of(id)
  local state, lease_until = unpack(redis.call('HMGET', '{SESSION_KEY}' .. id, 'state', 'lease_until'))
  if state == 'open' and tonumber(lease_until) < now() then return 'detached' end
  return state
end

local function fields_of(id) return redis.call('HMGET', '{SESSION_KEY}' .. id, {_QUOTED_FIELDS}) end
"""
)

# ARGV id, ms, most per client, most per address, then fields in pairs, caller and address first; '' is never counted.
# Returns its fields, or what there are too many of and in how many ms one of them may be gone.
CREATE = Script(
    _RECORDS
    + f"""
local caller, address = ARGV[6], ARGV[8]
local function full(set, most)
  redis.call('ZREMRANGEBYSCORE', set, '-inf', whole(now()))
  if redis.call('ZCARD', set) < most then return false end
  return whole(math.max(1, redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2] - now()))
end
local limits = {{{{'client', '{CLIENT_KEY}', caller, ARGV[3]}}, {{'address', '{ADDRESS_KEY}', address, ARGV[4]}}}}
for _, limit in ipairs(limits) do
  local what, set, name, most = unpack(limit)
  local wait = name ~= '' and tonumber(most) > 0 and full(set .. name, tonumber(most))
  if wait then return {{what, wait}} end
end
redis.call('HSET', '{SESSION_KEY}' .. ARGV[1], 'created_at', whole(now()), unpack(ARGV, 5))
keep(ARGV[1], ARGV[2])
return fields_of(ARGV[1])
"""
)

# ARGV id, the token's hash or '', the next one's hash, process, lease ms, grace ms, and what happens without a token:
# 'refused' or 'welcome'. Returns its fields, or why not.
CONNECT = Script(
    _RECORDS
    + f"""
local key, id, token = '{SESSION_KEY}' .. ARGV[1], ARGV[1], ARGV[2]
local state = state_of(id)
if not state or state == 'ended' then return 'unknown' end
local held = redis.call('HGET', key, 'token')
-- Nobody else knows the next one: this was done before, and the answer was lost.
if held ~= ARGV[3] then
  local is_right = token ~= '' and held == token
  if not is_right and (token ~= '' or ARGV[7] == 'refused') then return 'token' end
  if state == 'open' then return is_right and 'theirs' or 'busy' end
end
redis.call('HSET', key, 'state', 'open', 'token', ARGV[3], 'process', ARGV[4], 'lease_until', whole(now() + ARGV[5]))
redis.call('HSETNX', key, 'opened_at', whole(now()))
keep(id, ARGV[5] + ARGV[6])
return fields_of(id)
"""
)

# ARGV process, lease ms, grace ms, then triples of id, conversation and figures.
# Returns those that another process or nobody serves now: 'ended' or 'forgotten' behind each id.
PULSE = Script(
    _RECORDS
    + f"""
local lost = {{}}
for place = 4, #ARGV, 3 do
  local id = ARGV[place]
  local key = '{SESSION_KEY}' .. id
  local state, process = unpack(redis.call('HMGET', key, 'state', 'process'))
  if state == 'open' and process == ARGV[1] then
    redis.call('HSET', key, 'lease_until', whole(now() + ARGV[2]), 'figures', ARGV[place + 2])
    if ARGV[place + 1] ~= '' then redis.call('HSET', key, 'conversation_id', ARGV[place + 1]) end
    keep(id, ARGV[2] + ARGV[3])
  else
    table.insert(lost, id)
    table.insert(lost, state and 'ended' or 'forgotten')
  end
end
return lost
"""
)

# ARGV id, process, ms, then fields in pairs. What Redis forgot, as its process remembers it.
RESTORE = Script(
    _RECORDS
    + f"""
local key = '{SESSION_KEY}' .. ARGV[1]
if redis.call('EXISTS', key) == 1 then return end
redis.call('HSET', key, 'state', 'open', 'process', ARGV[2], 'lease_until', whole(now() + ARGV[3]), unpack(ARGV, 4))
keep(ARGV[1], ARGV[3])
"""
)

# ARGV id, process, grace ms, conversation or ''.
DETACH = Script(
    _RECORDS
    + f"""
local key = '{SESSION_KEY}' .. ARGV[1]
local state, process = unpack(redis.call('HMGET', key, 'state', 'process'))
if state ~= 'open' or process ~= ARGV[2] then return end
if tonumber(ARGV[3]) == 0 then return forget(ARGV[1]) end
redis.call('HSET', key, 'state', 'detached')
if ARGV[4] ~= '' then redis.call('HSET', key, 'conversation_id', ARGV[4]) end
keep(ARGV[1], ARGV[3])
"""
)

# ARGV id, the process that serves it and says so, or ''. Returns 0 for an unknown one.
END = Script(
    _RECORDS
    + f"""
local key = '{SESSION_KEY}' .. ARGV[1]
local state, process = unpack(redis.call('HMGET', key, 'state', 'process'))
if ARGV[2] ~= '' then
  if process == ARGV[2] then forget(ARGV[1]) end
  return 1
end
if not state or state == 'ended' then return 0 end
forget(ARGV[1])
if state == 'open' then
  redis.call('HSET', key, 'state', 'ended')
  redis.call('PEXPIRE', key, {_ENDED_MS})
  redis.call('PUBLISH', '{CHANNEL}', 'end ' .. ARGV[1])
end
return 1
"""
)

# Returns the ids and the fields of all, oldest first.
LIST = Script(
    _RECORDS
    + f"""
redis.call('ZREMRANGEBYSCORE', '{ALL_KEY}', '-inf', whole(now()))
local found = {{}}
for _, id in ipairs(redis.call('ZRANGE', '{ALL_KEY}', 0, {LISTED - 1})) do
  local fields = fields_of(id)
  if fields[1] then
    fields[1] = state_of(id)
    table.insert(found, {{id, fields}})
  end
end
return found
"""
)

COUNT = Script(NOW + f"return redis.call('ZCOUNT', '{ALL_KEY}', '(' .. string.format('%.0f', now()), '+inf')")
