package limitredis

import "github.com/redis/go-redis/v9"

// A limit's window is a hash: the number of a part of the period to what was let in during it (limit.Window says how it is read), and
// a field "p:PROXY" for each proxy that has written, by which that one sees whether what it wrote is still there. Its places for calls
// at once are a sorted set: a call to when it is given up for dead. All times are the server's, in milliseconds.

// take asks all limits of a call in one round trip. The script runs alone on the server, so that nobody else's call comes between.
// The answer is the time, whether the call passed, and for each limit: refused, left, reset, wait (-1: never), part, total.
//
//	KEYS  one for each limit
//	ARGV  call, proxy, lease; for each limit: kind (w or c), amount, period, n, watch (0 or 1)
var take = redis.NewScript(`
local SLOTS = 20
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local call, proxy, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])
local pass, out, slots = 1, {now, 1}, {}
local function soonest(parts, newest, slot, len, rest)
  local sum = 0
  for n = newest, slot - SLOTS, -1 do
    sum = sum + (parts[n] or 0)
    if sum > rest then return math.max((n + SLOTS + 1) * len - now, 1) end
  end
  return 0
end
for i, key in ipairs(KEYS) do
  local a = 3 + (i - 1) * 5
  local amount, per, n = tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4])
  local used, refused, wait, reset, slot = 0, 0, 0, 0, 0
  if ARGV[a + 1] == 'c' then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    used = redis.call('ZCARD', key)
    if used >= amount then refused, wait = 1, 1000 end
  else
    local len = per / SLOTS
    slot = math.floor(now / len)
    local parts, newest, all = {}, slot, redis.call('HGETALL', key)
    for j = 1, #all, 2 do
      local s = tonumber(all[j])
      if s and s < slot - SLOTS then
        redis.call('HDEL', key, all[j])
      elseif s then
        parts[s] = tonumber(all[j + 1])
        used = used + parts[s]
        if s > newest then newest = s end
      end
    end
    reset = soonest(parts, newest, slot, len, 0)
    if n > amount then refused, wait = 1, -1
    elseif used + n > amount then refused, wait = 1, soonest(parts, newest, slot, len, amount - n) end
  end
  if refused == 1 and ARGV[a + 5] == '0' then pass = 0 end
  slots[i] = slot
  local b = 2 + (i - 1) * 6
  out[b + 1], out[b + 2], out[b + 3], out[b + 4], out[b + 5], out[b + 6] = refused, math.max(amount - used, 0), reset, wait, slot, used
end
out[2] = pass
if pass == 0 then return out end
for i, key in ipairs(KEYS) do
  local a, b = 3 + (i - 1) * 5, 2 + (i - 1) * 6
  local per, n = tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4])
  if out[b + 1] == 0 then
    if ARGV[a + 1] == 'c' then
      redis.call('ZADD', key, now + lease, call)
      redis.call('PEXPIRE', key, 2 * lease)
    else
      redis.call('HINCRBY', key, slots[i], n)
      redis.call('HSET', key, 'p:' .. proxy, 1)
      redis.call('PEXPIRE', key, per + 2 * per / SLOTS)
      if out[b + 3] == 0 then out[b + 3] = per end
    end
    out[b + 2] = math.max(out[b + 2] - n, 0)
    out[b + 6] = out[b + 6] + n
  end
end
return out
`)

// amend adds to parts of a window, or takes from them, whatever the limit says. Where the proxy's mark is gone the server has lost what
// it knew: then what the proxy knows by itself is written instead, if it is sent.
//
//	KEYS  the window
//	ARGV  proxy, period, number of pairs of the amendment; these pairs: part, n; then pairs of all that the proxy has let in
var amend = redis.NewScript(`
local SLOTS = 20
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local key, proxy, per, pairs = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local oldest = math.floor(now / (per / SLOTS)) - SLOTS
local from, to = 4, 3 + 2 * pairs
if #ARGV > to and redis.call('HEXISTS', key, 'p:' .. proxy) == 0 then from, to = to + 1, #ARGV end
local wrote = false
for i = from, to, 2 do
  local n = tonumber(ARGV[i + 1])
  if tonumber(ARGV[i]) >= oldest and n ~= 0 then
    if n > 0 or redis.call('HEXISTS', key, ARGV[i]) == 1 then
      if redis.call('HINCRBY', key, ARGV[i], n) < 0 then redis.call('HSET', key, ARGV[i], 0) end
      wrote = true
    end
  end
end
if wrote then
  redis.call('HSET', key, 'p:' .. proxy, 1)
  redis.call('PEXPIRE', key, per + 2 * per / SLOTS)
end
return 1
`)

// beat says that a proxy lives and whether it counts by itself. The answer is the time, how many proxies live, how many of them come
// before it, and how many others count by themselves: those that say so, and those that were not heard for three beats.
//
//	KEYS  proxies, to when they count as gone; those that count by themselves
//	ARGV  proxy, milliseconds between beats, 1 where it counts by itself
var beat = redis.NewScript(`
local t = redis.call('TIME')
local now, every = t[1] * 1000 + math.floor(t[2] / 1000), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZADD', KEYS[1], now + 10 * every, ARGV[1])
if ARGV[3] == '1' then redis.call('ZADD', KEYS[2], now + 10 * every, ARGV[1]) else redis.call('ZREM', KEYS[2], ARGV[1]) end
redis.call('PEXPIRE', KEYS[1], 100 * every)
redis.call('PEXPIRE', KEYS[2], 100 * every)
local all, rank, away = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES'), 0, 0
for i = 1, #all, 2 do
  local p = all[i]
  if p < ARGV[1] then rank = rank + 1 end
  if p ~= ARGV[1] and (tonumber(all[i + 1]) < now + 7 * every or redis.call('ZSCORE', KEYS[2], p)) then away = away + 1 end
end
return {now, #all / 2, rank, away}
`)

// renew says that calls are still under way.
//
//	KEYS  the places
//	ARGV  lease; calls
var renew = redis.NewScript(`
local t = redis.call('TIME')
local now, lease = t[1] * 1000 + math.floor(t[2] / 1000), tonumber(ARGV[1])
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + lease, ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], 2 * lease)
return 1
`)
