import { topologyLogEntriesMax, topologyUndoBytesMax } from '../../core/limits';

/** Milliseconds by the server's clock: leases of different pods are compared with each other. */
export const nowMsLua = `
local function nowMs()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
`;

/** Numbers above 2^31 must not be printed as 1.7e+12. */
export const integerLua = `
local function integer(n)
  return string.format('%.0f', n)
end
`;

/**
 * Steps of a change, already spelled as writes. ARGV from \`at\`: count, then for each step
 * verb, ordinal of its key in KEYS, field, value. \`row\` also notes the group of a placement row, so
 * that a script can find all rows of a shard. Returns what was there before, as {key, field, value or
 * false}, in the order in which it was overwritten: undone backwards it gives the state before.
 */
export const applyStepsLua = `
local function addGroup(key, group)
  local groups = redis.call('HGET', key, 'groups')
  if not groups then
    redis.call('HSET', key, 'groups', group)
  elseif not string.find(',' .. groups .. ',', ',' .. group .. ',', 1, true) then
    redis.call('HSET', key, 'groups', groups .. ',' .. group)
  end
end
local function applySteps(at)
  local count, undo = tonumber(ARGV[at]), {}
  for i = 0, count - 1 do
    local p = at + 1 + i * 4
    local verb, key = ARGV[p], KEYS[tonumber(ARGV[p + 1])]
    if verb == 'drop' then
      local flat = redis.call('HGETALL', key)
      for f = 1, #flat, 2 do undo[#undo + 1] = { key, flat[f], flat[f + 1] } end
    else
      undo[#undo + 1] = { key, ARGV[p + 2], redis.call('HGET', key, ARGV[p + 2]) }
    end
    if verb == 'set' then
      redis.call('HSET', key, ARGV[p + 2], ARGV[p + 3])
    elseif verb == 'unset' then
      redis.call('HDEL', key, ARGV[p + 2])
    elseif verb == 'row' then
      redis.call('HSET', key, ARGV[p + 2], ARGV[p + 3])
      addGroup(key, string.match(ARGV[p + 2], '^(%d+):'))
    elseif verb == 'drop' then
      redis.call('DEL', key)
    else
      error('unknown step ' .. verb)
    end
  end
  return undo
end
`;

/**
 * Needs nowMs and integer. Raises the epoch, logs who did it and what was there before, tells every pod.
 * Returns the epoch. A change whose past is too large is logged without it: the log stays bounded.
 */
export const raiseEpochLua = `
local function raiseEpoch(epochKey, logKey, channel, change)
  local epoch = redis.call('INCR', epochKey)
  local undo = #change.undo == 0 and '[]' or cjson.encode(change.undo)
  if #undo > ${topologyUndoBytesMax} then undo = 'null' end
  redis.call('LPUSH', logKey, table.concat(
    { epoch, integer(nowMs()), change.audit, change.ops, undo }, '\\n'))
  redis.call('LTRIM', logKey, 0, ${topologyLogEntriesMax - 1})
  redis.call('PUBLISH', channel, epoch)
  return epoch
end
`;

/**
 * Rows of placement. \`rowsOf\` gives every row of one shard, of all groups, as {field, row}.
 */
export const placementLua = `
local function rowsOf(key, shard)
  local rows = {}
  local groups = redis.call('HGET', key, 'groups')
  if groups then
    for group in string.gmatch(groups, '[^,]+') do
      local field = group .. ':' .. shard
      local row = redis.call('HGET', key, field)
      if row then rows[#rows + 1] = { field, row } end
    end
  end
  return rows
end
`;

/** Stores a task and keeps the two sets of uids and the summary with it; trims finished tasks. */
export const storeTaskLua = `
local function storeTask(task, keys)
  redis.call('SET', keys.task .. task.uid, task.json)
  redis.call('HSET', keys.summaries, task.uid, task.summary)
  if task.final then
    redis.call('ZREM', keys.open, task.uid)
    redis.call('ZADD', keys.finished, task.uid, task.uid)
    local excess = math.min(redis.call('ZCARD', keys.finished) - keys.max, 100)
    if excess > 0 then
      for _, uid in ipairs(redis.call('ZRANGE', keys.finished, 0, excess - 1)) do
        redis.call('ZREM', keys.finished, uid)
        redis.call('HDEL', keys.summaries, uid)
        redis.call('DEL', keys.task .. uid)
      end
    end
  else
    redis.call('ZREM', keys.finished, task.uid)
    redis.call('ZADD', keys.open, task.uid, task.uid)
  end
end
`;

/**
 * Tokens of a journal entry: nonces, and markers that begin with \`=\` and stand for writes settled
 * before something. A token is settled when it is a marker or its nonce is not pending any more.
 */
export const journalTokensLua = `
local function isSettled(pendingKey, token, known)
  if string.sub(token, 1, 1) == '=' then return true end
  if known[token] == nil then
    known[token] = redis.call('HEXISTS', pendingKey, token) == 0
  end
  return known[token]
end
`;
