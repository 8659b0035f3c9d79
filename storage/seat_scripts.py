"""The seats' Lua: one atomic step that takes a process's word for what it has, shares the seats out, and calls others.

A quota group is one document: what each process (a holder) said last, and until when that counts. Nothing in it is a
promise that could be lost: a process says anew what it has with every call, so a wiped document fills itself again.

Who may have how many follows from what all want now. Conversations come first, up to a number that those who hold
them say, and none is taken away; the longest waiting gets the next seat. The rest is the renders'. There interactive
callers come first, but while both lanes wait for more than there is, bulk keeps a quarter of what is not reserved.
Within a lane every process may have equally many,
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
local is_set_back = group.quiet_until > now + quiet
for id, holder in pairs(holders) do
  local left = holder.ends - now
  if left > 0 and left <= lease then table.insert(ids, id) else holders[id] = nil end
  is_set_back = is_set_back or left > lease
end
table.sort(ids)
-- Whatever was said before the clock was set back would count too long: all come to tell anew within a beat.
if is_set_back then group.quiet_until = now + quiet end

-- Conversations first: what they have, and what may still be begun.
local live, most_live = {}, 0
for _, id in ipairs(ids) do
  local holder = holders[id]
  holder.most_live = holder.most_live or 0
  holder.used = holder.serving.interactive + holder.serving.bulk + (holder.taken or 0)
  if holder.most_live > 0 then
    table.insert(live, id)
    most_live = math.max(most_live, math.min(maximum, holder.most_live))
  end
end
table.sort(live, function(a, b)
  if holders[a].since ~= holders[b].since then return holders[a].since < holders[b].since end
  return a < b
end)
local room, renders = most_live, maximum
for _, id in ipairs(live) do room = room - holders[id].used - holders[id].closing end
for _, id in ipairs(live) do
  local holder = holders[id]
  local part = math.max(0, math.min(room, holder.waiting.interactive - (holder.taken or 0)))
  room = room - part
  renders = renders - holder.used - part
  holder.interactive, holder.bulk = {want = 0, goal = holder.used + part}, {want = 0, goal = 0}
end
renders = math.max(0, renders)

-- How many sessions each of the others would use, by lane, and what the lanes get of what is left.
local wanted = {interactive = 0, bulk = 0}
for _, id in ipairs(ids) do
  local holder = holders[id]
  for lane in pairs(holder.most_live == 0 and wanted or {}) do
    local want = math.min(maximum, holder.serving[lane] + holder.waiting[lane])
    holder[lane] = {want = want, goal = 0}
    wanted[lane] = wanted[lane] + want
  end
end
local goals = {}
least_bulk = math.max(0, math.min(least_bulk, renders - 1))
goals.bulk = math.min(wanted.bulk, most_bulk, renders, math.max(least_bulk, renders - wanted.interactive))
goals.interactive = math.min(wanted.interactive, renders - goals.bulk)
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
  local used, goal = holder.used, holder.interactive.goal + holder.bulk.goal
  free = free - used - holder.idle - holder.closing
  closing = closing + holder.closing
  holder.wish, holder.lack = math.max(0, goal - used), math.max(0, goal - used - holder.idle)
  holder.spare, holder.given, holder.owed = math.max(0, used + holder.idle - goal), 0, 0
  if holder.wish > 0 then table.insert(waiting, id) end
end
table.sort(waiting, function(a, b)
  local x, y = holders[a], holders[b]
  local first, second = x.most_live > 0, y.most_live > 0
  if first ~= second then return first end
  first, second = x.interactive.goal > x.serving.interactive, y.interactive.goal > y.serving.interactive
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
