"""The seats' Lua: one atomic step that takes a process's word for what it has, shares the seats out, and calls others.

A quota group is one document: what each process (a holder) said last, and until when that counts. Nothing in it is a
promise that could be lost: a process says anew what it has with every call, so a wiped document fills itself again.

Who may have how many follows from what all want now. Interactive callers come first, but while both lanes wait for
more than there is, bulk keeps a quarter of what is not reserved. Within a lane every process may have equally many,
and what one doesn't want is the others'. Free seats go to those below their part, the longest waiting first; when
none is free, those above theirs give up what is idle, then what comes free.
"""

from __future__ import annotations

from storage.board_scripts import NOW, Script

# KEYS group. ARGV channel, holder, what it has and wants as JSON or '' when it leaves, maximum, most for bulk, least
# for bulk, lease ms, the epoch that it knows or '', quiet ms.
# Returns the seats that it may hold, the callers that it may serve at once in each lane, how many seats it has to
# give up, and the epoch.
SETTLE = Script(
    NOW
    + """
local channel, me, word, known = ARGV[1], ARGV[2], ARGV[3], ARGV[8]
local maximum, most_bulk, least_bulk = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local lease, quiet = tonumber(ARGV[7]), tonumber(ARGV[9])
local now = now()

local saved = redis.call('GET', KEYS[1])
local group = saved and cjson.decode(saved)
  or {epoch = table.concat(redis.call('TIME'), '.'), quiet_until = 0, holders = {}}
-- Others may have seats that this document has forgotten: they come to tell within a beat.
if known ~= '' and known ~= group.epoch then group.quiet_until = now + quiet end

local holders = group.holders
if word == '' then
  holders[me] = nil
else
  local said = cjson.decode(word)
  said.ends = now + lease
  said.since = now - said.waited
  holders[me] = said
end

local ids = {}
local is_set_back, is_late = group.quiet_until > now + quiet, false
for id, holder in pairs(holders) do
  local left = holder.ends - now
  if left > 0 and left <= lease then table.insert(ids, id) else holders[id] = nil end
  is_set_back, is_late = is_set_back or left > lease, is_late or left <= 0
end
table.sort(ids)
-- Whatever was said before the clock was set back would count too long, and when nobody was heard for a while Redis
-- was away: all come to tell anew within a beat.
local was_away = is_late and now - (group.heard or now) > lease / 2
if is_set_back or was_away then group.quiet_until = now + quiet end
group.heard = now

-- How many sessions each process would use, by lane, and what the lanes get of them.
local wanted = {interactive = 0, bulk = 0}
for _, id in ipairs(ids) do
  local holder = holders[id]
  for lane in pairs(wanted) do
    local want = math.min(maximum, holder.serving[lane] + holder.waiting[lane])
    holder[lane] = {want = want, goal = 0}
    wanted[lane] = wanted[lane] + want
  end
end
local goals = {}
goals.bulk = math.min(wanted.bulk, most_bulk, math.max(least_bulk, maximum - wanted.interactive))
goals.interactive = math.min(wanted.interactive, maximum - goals.bulk)
for lane, goal in pairs(goals) do
  local order = {}
  for _, id in ipairs(ids) do
    if holders[id][lane].want > 0 then table.insert(order, id) end
  end
  -- The last ones get what can't be divided: the longest waiting when there isn't one for each, else who serves more.
  local is_scarce = goal < #order
  table.sort(order, function(a, b)
    local x, y = holders[a], holders[b]
    if is_scarce and x.since ~= y.since then return x.since > y.since end
    if x[lane].want ~= y[lane].want then return x[lane].want < y[lane].want end
    if x.serving[lane] ~= y.serving[lane] then return x.serving[lane] < y.serving[lane] end
    return a < b
  end)
  for place, id in ipairs(order) do
    local part = math.min(holders[id][lane].want, math.floor(goal / (#order - place + 1)))
    holders[id][lane].goal = part
    goal = goal - part
  end
end

-- Free seats, and who lacks or has too many. Whoever waits beside idle sessions wants another voice than theirs: he
-- gets a seat that nobody else wants, or one of those sessions has to go.
local free, closing, waiting = maximum, 0, {}
for _, id in ipairs(ids) do
  local holder = holders[id]
  local used = holder.serving.interactive + holder.serving.bulk + (holder.taken or 0)
  local goal = holder.interactive.goal + holder.bulk.goal
  free = free - used - holder.idle - holder.closing
  closing = closing + holder.closing
  holder.wish, holder.lack = math.max(0, goal - used), math.max(0, goal - used - holder.idle)
  holder.spare, holder.given, holder.owed = math.max(0, used + holder.idle - goal), 0, 0
  if holder.wish > 0 then table.insert(waiting, id) end
end
table.sort(waiting, function(a, b)
  local x, y = holders[a], holders[b]
  local first, second = x.interactive.goal > x.serving.interactive, y.interactive.goal > y.serving.interactive
  if first ~= second then return first end
  if x.since ~= y.since then return x.since < y.since end
  return a < b
end)
local missing = -free - closing
free = now < group.quiet_until and 0 or math.max(0, free)
for _, kind in ipairs({'lack', 'wish'}) do
  for _, id in ipairs(waiting) do
    local holder = holders[id]
    local given = math.min(math.max(0, holder[kind] - holder.given), free)
    holder.given = holder.given + given
    free = free - given
    if kind == 'lack' then missing = missing + holder.lack end
  end
end
-- Idle sessions go first: nobody has to wait for them.
for _, of_idle in ipairs({true, false}) do
  for _, id in ipairs(ids) do
    local holder = holders[id]
    local part = holder.spare - holder.owed
    if of_idle then part = math.min(part, holder.idle) end
    part = math.max(0, math.min(part, missing))
    holder.owed = holder.owed + part
    missing = missing - part
  end
end

-- Bulk may not exceed its part even for a moment, so it counts what each was allowed last.
local bulk = 0
for _, id in ipairs(ids) do
  local holder = holders[id]
  if id == me then holder.allowed = holder.serving.bulk end
  bulk = bulk + holder.allowed
end
local function may_serve_bulk(holder)
  return math.max(holder.allowed, math.min(holder.bulk.goal, holder.allowed + math.max(0, most_bulk - bulk)))
end

local answer = {0, 0, 0, 0, group.epoch}
local mine = holders[me]
if mine then
  local open = mine.serving.interactive + mine.serving.bulk + mine.idle
  local allowed = may_serve_bulk(mine)
  bulk = bulk + allowed - mine.allowed
  mine.allowed = allowed
  local interactive = goals.interactive < wanted.interactive and mine.interactive.goal or maximum
  answer = {open + mine.given, interactive, allowed, mine.owed, group.epoch}
end
local called = {}
for _, id in ipairs(ids) do
  local holder = holders[id]
  if id ~= me and (holder.given > 0 or holder.owed > 0 or may_serve_bulk(holder) > holder.allowed) then
    table.insert(called, id)
  end
end
if mine then
  -- What it was given counts from now on, although it has not said so yet.
  mine.taken = mine.given
end
redis.call('SET', KEYS[1], cjson.encode(group), 'PX', lease * 2)
if #called > 0 then redis.call('PUBLISH', channel, table.concat(called, ',')) end
return answer
"""
)
