"""The ledger's Lua: what is told is added once, and what changed is read out for the bucket until it is there."""

from __future__ import annotations

from storage.board_scripts import NOW, Script
from storage.purse_scripts import ACCOUNT_KEY, GIVE_BACK, JOINED, RESERVE, TOTAL_ACCOUNT

# The accounts that the bucket does not have as they are, by when somebody is to see to it.
DIRTY_KEY = "recite:accounts:dirty"
_KEPT_MS = 40 * 86_400_000
# Whoever tells something twice does so within seconds.
_TOLD_SECONDS = 3600

_ADD = f"""
local function add(account, figures)
  local key = '{ACCOUNT_KEY}' .. account
  for field, more in pairs(figures) do redis.call('HINCRBY', key, field, string.format('%.0f', more)) end
  redis.call('HINCRBY', key, 'version', 1)
  redis.call('PEXPIRE', key, {_KEPT_MS})
  redis.call('ZADD', '{DIRTY_KEY}', 'NX', now(), account)
end
"""

# KEYS the teller's last number. ARGV number, JSON of accounts with their figures and of what jobs give back. One whose
# answer was lost is told again, and not added again.
TELL = Script(
    NOW
    + GIVE_BACK
    + _ADD
    + f"""
if tonumber(ARGV[1]) <= tonumber(redis.call('GET', KEYS[1]) or 0) then return end
redis.call('SET', KEYS[1], ARGV[1], 'EX', {_TOLD_SECONDS})
local told = cjson.decode(ARGV[2])
for _, entry in ipairs(told.accounts) do add(entry[1], entry[2]) end
for _, entry in ipairs(told.given_back) do give_back(entry[1], entry[2], entry[3]) end
"""
)

# KEYS job. ARGV characters, ms, month, day's account. Everybody who joined was served so much.
SERVED_JOINED = Script(
    NOW
    + _ADD
    + f"""
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  if string.sub(fields[i], 1, {len(JOINED)}) == '{JOINED}' then
    local client, count = string.sub(fields[i], {len(JOINED) + 1}), fields[i + 1]
    local account = client == '' and 'others/' or 'clients/' .. client .. '/'
    redis.call('HDEL', KEYS[1], fields[i])
    for _, counted in ipairs({{account .. ARGV[3], ARGV[4], '{TOTAL_ACCOUNT}'}}) do
      add(counted, {{served_characters = count * ARGV[1], served_ms = count * ARGV[2]}})
    end
  end
end
"""
)

# KEYS job. ARGV name, then the purse: client, characters, cost, budget, daily limit, month's account, day's account.
# Returns why nothing was changed, if so. Who paid before has only joined; who pays now was counted among those.
HAND_OVER = Script(
    GIVE_BACK
    + RESERVE
    + f"""
local job = redis.call('HMGET', KEYS[1], 'status', 'payer', '{JOINED}' .. ARGV[2])
if job[1] ~= 'rendering' and job[1] ~= 'queued' then return 'ended' end
local why = refusal(ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8])
if why then return why end
give_back(ARGV[1], math.huge, math.huge)
reserve(KEYS[1], ARGV[2], ARGV[3], ARGV[4])
redis.call('HINCRBY', KEYS[1], '{JOINED}' .. (job[2] or ''), 1)
if tonumber(job[3] or 0) > 0 then redis.call('HINCRBY', KEYS[1], '{JOINED}' .. ARGV[2], -1) end
"""
)

# KEYS dirty. ARGV how many, lease ms. Returns accounts that are this caller's for so long.
TAKE = Script(
    NOW
    + """
local accounts = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now()), 'LIMIT', 0, ARGV[1])
for _, account in ipairs(accounts) do redis.call('ZADD', KEYS[1], now() + ARGV[2], account) end
return accounts
"""
)

# KEYS account. Returns a stamp that is newer than all before and the account's fields; nothing for one that is unread.
READ_OUT = Script(
    """
local known = redis.call('HMGET', KEYS[1], 'seeded', 'stamp')
if not known[1] then return end
local time = redis.call('TIME')
local stamp = string.format('%.0f', math.max(time[1] * 1000000 + time[2], (known[2] or 0) + 1))
redis.call('HSET', KEYS[1], 'stamp', stamp)
return {stamp, redis.call('HGETALL', KEYS[1])}
"""
)

# KEYS account, dirty. ARGV account, version, stamp. Returns the stamp of what the bucket needs no longer.
KEPT = Script(
    NOW
    + """
local known = redis.call('HMGET', KEYS[1], 'version', 'kept')
if known[1] == ARGV[2] then
  redis.call('ZREM', KEYS[2], ARGV[1])
elseif known[1] then
  redis.call('ZADD', KEYS[2], now(), ARGV[1])
end
if not known[2] then return end
if tonumber(ARGV[3]) <= tonumber(known[2]) then return ARGV[3] end
redis.call('HSET', KEYS[1], 'kept', ARGV[3])
return known[2]
"""
)

# KEYS account. ARGV stamp, figures in pairs: what the bucket has is added to what was counted since, once.
SEED = Script(
    f"""
if redis.call('HSETNX', KEYS[1], 'seeded', 1) == 0 then return end
redis.call('HSET', KEYS[1], 'stamp', ARGV[1], 'kept', ARGV[1])
for i = 2, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], {_KEPT_MS})
"""
)
