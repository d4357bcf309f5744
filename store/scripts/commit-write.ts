import type { Script } from '../script';
import { integerLua, nowMsLua, placementLua, raiseEpochLua, storeTaskLua } from './includes';

export enum CommitWriteCode {
  Ok = 1,
  LastInSync = 2,
  LeaseLost = -1,
}

/**
 * The end of a write. Only the newest holder of the lease may commit; one whose lease ran out while
 * nobody took it still is that. The task is stored, the write is no longer outstanding, its nonce no
 * longer pending. Replicas named stale that were in-sync or joined become stale with the epoch one
 * higher, but a shard keeps its marks as they were when no in-sync replica of any group would be left.
 * A write that is not outstanding has been committed already: nothing changes, so a repeated commit
 * cannot undo what happened to its task since.
 *
 * KEYS: 1 epoch · 2 topology log · 3 writer · 4 outstanding · 5 unsettled · 6 pending · 7 placement
 *       8 open tasks · 9 finished tasks · 10 summaries
 * ARGV: 1 channel · 2 audit · 3 pod · 4 fence or '' · 5 physical uid or '' · 6 task uid · 7 nonce
 *       8 task JSON · 9 summary · 10 final 0|1 · 11 beginning of task keys · 12 tasks max
 *       13 JSON and 14 summary of the final task where the last in-sync copy of a shard missed it, or ''
 *       15… shard, group, node of each stale replica, sorted by shard
 * Returns {code, epoch, shards not marked 1,2,3}.
 */
export const commitWriteScript: Script = {
  name: 'miroirCommitWrite',
  lua: `${nowMsLua}${integerLua}${raiseEpochLua}${placementLua}${storeTaskLua}
local epoch = tonumber(redis.call('GET', KEYS[1]) or '0')
if ARGV[5] ~= '' then
  local held = redis.call('HMGET', KEYS[3], 'pod', 'fence')
  if held[1] ~= ARGV[3] or held[2] ~= ARGV[4] then
    return { ${CommitWriteCode.LeaseLost}, epoch, '' }
  end
end
if redis.call('HDEL', KEYS[4], ARGV[6]) == 0 then return { ${CommitWriteCode.Ok}, epoch, '' } end
if redis.call('HLEN', KEYS[4]) == 0 then redis.call('SREM', KEYS[5], ARGV[5]) end
redis.call('HDEL', KEYS[6], ARGV[7])

local kept, lines, undo = {}, {}, {}
-- What took the write is not read any more, so what is read has not got it for sure. Copies that may have
-- it would differ from the one that stays: they are filled again.
local function keepOne(shard)
  local stays, rows = true, {}
  for _, fieldAndRow in ipairs(rowsOf(KEYS[7], shard)) do
    local field, row = fieldAndRow[1], fieldAndRow[2]
    local items, changed = {}, false
    for node, state in string.gmatch(row, '([^:,]+):([^,]+)') do
      if state == 'in-sync' and stays then stays = false
      elseif state == 'in-sync' or state == 'joined' then state, changed = 'stale', true end
      items[#items + 1] = node .. ':' .. state
    end
    if changed then rows[#rows + 1] = { field, table.concat(items, ','), row } end
  end
  return rows
end

local function markShard(shard, marked)
  local before, after, rows = 0, 0, {}
  for _, fieldAndRow in ipairs(rowsOf(KEYS[7], shard)) do
    local field, row = fieldAndRow[1], fieldAndRow[2]
    local group = string.match(field, '^%d+')
    local items, changed = {}, false
    for node, state in string.gmatch(row, '([^:,]+):([^,]+)') do
      if state == 'in-sync' then before = before + 1 end
      if marked[group .. ':' .. node] and (state == 'in-sync' or state == 'joined') then
        state, changed = 'stale', true
      end
      if state == 'in-sync' then after = after + 1 end
      items[#items + 1] = node .. ':' .. state
    end
    if changed then rows[#rows + 1] = { field, table.concat(items, ','), row } end
  end
  if before > 0 and after == 0 then
    kept[#kept + 1] = shard
    rows = keepOne(shard)
  end
  for _, row in ipairs(rows) do
    redis.call('HSET', KEYS[7], row[1], row[2])
    undo[#undo + 1] = { KEYS[7], row[1], row[3] }
    lines[#lines + 1] = 'set-replicas ' .. ARGV[5] .. ' ' .. string.gsub(row[1], ':', '/') .. ' ' .. row[2]
  end
end

local at = 15
while ARGV[at] do
  local shard, marked = ARGV[at], {}
  while ARGV[at] == shard do
    marked[ARGV[at + 1] .. ':' .. ARGV[at + 2]] = true
    at = at + 3
  end
  markShard(shard, marked)
end
local committed = { uid = ARGV[6], json = ARGV[8], summary = ARGV[9], final = ARGV[10] == '1' }
if #kept > 0 and ARGV[13] ~= '' then
  committed = { uid = ARGV[6], json = ARGV[13], summary = ARGV[14], final = true }
end
storeTask(committed,
  { task = ARGV[11], summaries = KEYS[10], open = KEYS[8], finished = KEYS[9], max = tonumber(ARGV[12]) })
if #lines > 0 then
  local change = { audit = ARGV[2], ops = cjson.encode(lines), undo = undo }
  epoch = raiseEpoch(KEYS[1], KEYS[2], ARGV[1], change)
end
if #kept > 0 then return { ${CommitWriteCode.LastInSync}, epoch, table.concat(kept, ',') } end
return { ${CommitWriteCode.Ok}, epoch, '' }
`,
};
