"""Where the index of names stands in Redis, and the Lua by which a job's last step notes its name there."""

from __future__ import annotations

# The names that have a card, and WHOLE while these are all: whatever takes the set away takes that word along.
NAMES_KEY = "recite:names"
WHOLE = "*"
# The same while it is built anew, what was deleted since that began, and whose work it is: without one nothing is.
NEXT_KEY, GONE_KEY, BUILDER_KEY = "recite:names:next", "recite:names:gone", "recite:names:builder"
# There while nobody needs to look the index over.
FRESH_KEY = "recite:names:fresh"

NOTE = f"""
local function note(name)
  redis.call('SADD', '{NAMES_KEY}', name)
  if redis.call('EXISTS', '{BUILDER_KEY}') == 1 then
    redis.call('SADD', '{NEXT_KEY}', name)
    redis.call('SREM', '{GONE_KEY}', name)
  end
end
"""
