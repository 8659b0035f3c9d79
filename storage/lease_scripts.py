"""The leases' Lua: the right to work on a reading, under a token that grows with every lease."""

from __future__ import annotations

from storage.board_scripts import TOKEN, Script

# KEYS lease, fence. ARGV ms. Returns the token, or nothing while somebody else has the lease.
LEASE = Script(
    TOKEN
    + """
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local token = next_token(KEYS[2])
redis.call('SET', KEYS[1], token, 'PX', ARGV[1])
return token
"""
)

# KEYS lease. ARGV token, ms. A lease that ran out and that nobody took is its holder's again: returns 2 then, 1 when it
# was there, 0 when it is somebody else's.
RENEW = Script(
    """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return holder and 1 or 2
"""
)

# KEYS lease. ARGV token.
RELEASE = Script(
    """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
)
