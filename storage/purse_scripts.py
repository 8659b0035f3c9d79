"""What a claim may spend: the Lua that looks, reserves and gives back, in the same step as the job's own changes."""

from __future__ import annotations

from speech.errors import OverBudget, QueueFull, ReciteError, SpendLimit, Unread
from speech.usage import NOBODY, Purse
from storage.periods import day_of, month_of, until_midnight, until_next_month

# What was used, by account; one without `seeded` has not been read from the bucket yet.
ACCOUNT_KEY = "recite:account:"
# What jobs under way may come to: characters by client, and money in a field that no client is called.
HELD_KEY = "recite:held"
MONEY = "$"
# In a job's hash: how many requests of a client joined it.
JOINED = "joined:"

# What is left of a job's reservation shrinks by this much; ends give it all back.
GIVE_BACK = f"""
local function give_back(name, characters, cost)
  local job = 'recite:job:' .. name
  local held = redis.call('HMGET', job, 'payer', 'held', 'held_cost')
  if not held[2] then return end
  local fewer, cheaper = math.min(characters, held[2]), math.min(cost, held[3])
  redis.call('HINCRBY', '{HELD_KEY}', held[1], 0 - fewer)
  redis.call('HINCRBY', '{HELD_KEY}', '{MONEY}', 0 - cheaper)
  redis.call('HINCRBY', job, 'held', 0 - fewer)
  redis.call('HINCRBY', job, 'held_cost', 0 - cheaper)
end
"""

RESERVE = f"""
local function is_too_much(account, field, held, more, limit)
  local known = redis.call('HMGET', '{ACCOUNT_KEY}' .. account, 'seeded', field)
  if not known[1] then return nil end
  return (known[2] or 0) + (redis.call('HGET', '{HELD_KEY}', held) or 0) + more > tonumber(limit)
end

local function refusal(client, characters, cost, budget, daily, month, day)
  if budget ~= '' then
    local is_over = is_too_much(month, 'bought_characters', client, characters, budget)
    if is_over == nil then return 'unread' elseif is_over then return 'over_budget' end
  end
  if daily ~= '' then
    local is_over = is_too_much(day, 'spent', '{MONEY}', cost, daily)
    if is_over == nil then return 'unread' elseif is_over then return 'spend_limit' end
  end
end

local function reserve(job, client, characters, cost)
  redis.call('HSET', job, 'payer', client, 'held', characters, 'held_cost', cost)
  redis.call('HINCRBY', '{HELD_KEY}', client, characters)
  redis.call('HINCRBY', '{HELD_KEY}', '{MONEY}', cost)
end
"""


# Where everything is counted since the beginning.
TOTAL_ACCOUNT = "total"


def month_account(client: str, month: str) -> str:
    """Where a client's month is counted, in Redis and in the bucket."""
    return f"others/{month}" if client == NOBODY else f"clients/{client}/{month}"


def day_account(day: str) -> str:
    """Where everybody's day is counted."""
    return f"days/{day}"


def purse_arguments(purse: Purse) -> tuple[str | int, ...]:
    """The arguments of a claim that tell its purse."""
    return (
        *(purse.client, purse.characters, purse.cost),
        *("" if limit is None else limit for limit in (purse.budget, purse.daily)),
        *(month_account(purse.client, month_of(purse.now)), day_account(day_of(purse.now))),
    )


def refusal_of(answer: bytes, *, now: float) -> ReciteError:
    """What a claim that started nothing was told."""
    if answer == b"over_budget":
        return OverBudget(retry_after=until_next_month(now))
    if answer == b"spend_limit":
        return SpendLimit(retry_after=until_midnight(now))
    return Unread() if answer == b"unread" else QueueFull()
