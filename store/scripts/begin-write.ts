import type { Script } from '../script';
import { applyStepsLua, integerLua, nowMsLua, raiseEpochLua, storeTaskLua } from './includes';

export enum BeginWriteCode {
  Ok = 1,
  Repeated = 2,
  EpochMoved = -1,
  LeaseLost = -2,
  Fenced = -3,
  KeyReused = -4,
  JournalMissing = -5,
}

/** A waiting writer asks again after this long at most: fences are usually lowered before their end. */
const fenceRetryMsMax = 50;

/**
 * The intent of a write, all or nothing. When it returns Ok: the epoch was the expected one; the pod
 * held the writer lease with this fence; no touched shard was fenced; for every touched shard that is
 * syncing the journal of just that target was noted with this nonce, which is still pending; the idempotency key was free and now
 * leads to the task; the task has the next uid, is stored as enqueuing and is open; the sequence
 * numbers are the index's next ones, so uids, sequences and the order of begins agree; the write is
 * outstanding; the steps are applied with the epoch one higher.
 * The same nonce again, while it is outstanding, gives the same answer and changes nothing: a begin
 * whose reply was lost may be repeated.
 *
 * KEYS: 1 epoch · 2 topology log · 3 next task uid · 4 open tasks · 5 finished tasks · 6 summaries
 *       7 writer · 8 fences · 9 sequence · 10 outstanding · 11 unsettled · 12 pending · 13 placement
 *       14 idempotency record · 15 idempotency index · 16… hashes of the steps
 * ARGV: 1 channel · 2 audit · 3 lines · 4 epoch · 5 pod · 6 fence or '' · 7 shards 1,2,3 or all
 *       8 sequences · 9 nonce · 10 outstanding JSON · 11 task JSON · 12 summary
 *       13 beginning of task keys · 14 tasks max · 15 physical uid or ''
 *       16 idempotency index member or '' · 17 body hash · 18 record JSON without its end · 19 ttl ms
 *       20 idempotency keys max · 21 beginning of idempotency keys · 22… steps
 * Returns {Ok, task uid, first sequence, epoch}, {Repeated, task uid}, {EpochMoved, epoch},
 *         {Fenced, retry ms} or {another code}.
 */
export const beginWriteScript: Script = {
  name: 'miroirBeginWrite',
  lua: `${nowMsLua}${integerLua}${applyStepsLua}${raiseEpochLua}${storeTaskLua}
local now = nowMs()
local nonce, all = ARGV[9], ARGV[7] == 'all'

local noted = redis.call('HGET', KEYS[12], nonce)
if noted and string.sub(noted, 1, 1) ~= ',' then
  local uid, first, at = string.match(noted, '^(%d+) (%d+) (%d+)$')
  return { ${BeginWriteCode.Ok}, uid, first, at }
end

if ARGV[16] ~= '' then
  local record = redis.call('GET', KEYS[14])
  if record then
    local known = cjson.decode(record)
    if known.bodyHash ~= ARGV[17] then return { ${BeginWriteCode.KeyReused} } end
    return { ${BeginWriteCode.Repeated}, integer(known.taskUid) }
  end
end

local epoch = tonumber(redis.call('GET', KEYS[1]) or '0')
if epoch ~= tonumber(ARGV[4]) then return { ${BeginWriteCode.EpochMoved}, epoch } end

if ARGV[15] ~= '' then
  local held = redis.call('HMGET', KEYS[7], 'pod', 'fence', 'until')
  if held[1] ~= ARGV[5] or held[2] ~= ARGV[6] or tonumber(held[3]) <= now then
    return { ${BeginWriteCode.LeaseLost} }
  end
  local shards = {}
  if not all then
    for shard in string.gmatch(ARGV[7], '%d+') do shards[#shards + 1] = shard end
  end

  local fencedUntil = 0
  local values = {}
  if all then values = redis.call('HVALS', KEYS[8])
  elseif #shards > 0 then values = redis.call('HMGET', KEYS[8], unpack(shards)) end
  for _, value in ipairs(values) do
    local untilMs = value and tonumber(string.match(value, '|(%d+)|%d+$')) or 0
    fencedUntil = math.max(fencedUntil, untilMs)
  end
  if fencedUntil > now then
    return { ${BeginWriteCode.Fenced}, math.min(fencedUntil - now, ${fenceRetryMsMax}) }
  end

  local function isNoted(shard, row)
    for node, state in string.gmatch(row, '([^:,]+):([^,]+)') do
      if state == 'syncing' then
        local pair = ',' .. shard .. ':' .. node .. ','
        if not noted or not string.find(noted, pair, 1, true) then return false end
      end
    end
    return true
  end
  if all then
    local flat = redis.call('HGETALL', KEYS[13])
    for i = 1, #flat, 2 do
      local shard = string.match(flat[i], ':(%d+)$')
      if shard and not isNoted(shard, flat[i + 1]) then return { ${BeginWriteCode.JournalMissing} } end
    end
  elseif #shards > 0 then
    for group in string.gmatch(redis.call('HGET', KEYS[13], 'groups') or '', '[^,]+') do
      local fields = {}
      for i, shard in ipairs(shards) do fields[i] = group .. ':' .. shard end
      for i, row in ipairs(redis.call('HMGET', KEYS[13], unpack(fields))) do
        if row and not isNoted(shards[i], row) then return { ${BeginWriteCode.JournalMissing} } end
      end
    end
  end
end

local uid = redis.call('INCR', KEYS[3]) - 1
local sequences, first = tonumber(ARGV[8]), 0
if sequences > 0 then first = redis.call('INCRBY', KEYS[9], sequences) - sequences end
storeTask({ uid = integer(uid), json = ARGV[11], summary = ARGV[12], final = false },
  { task = ARGV[13], summaries = KEYS[6], open = KEYS[4], finished = KEYS[5], max = tonumber(ARGV[14]) })
redis.call('HSET', KEYS[10], integer(uid), integer(now) .. ' ' .. ARGV[10])
redis.call('SADD', KEYS[11], ARGV[15])

if ARGV[16] ~= '' then
  local expiresAt = integer(now + ARGV[19])
  redis.call('SET', KEYS[14],
    ARGV[18] .. ',"taskUid":' .. integer(uid) .. ',"expiresAt":' .. expiresAt .. '}', 'PXAT', expiresAt)
  redis.call('ZREMRANGEBYSCORE', KEYS[15], 1, integer(now))
  redis.call('ZADD', KEYS[15], expiresAt, ARGV[16])
  if redis.call('ZCARD', KEYS[15]) > tonumber(ARGV[20]) then
    redis.call('DEL', ARGV[21] .. redis.call('ZPOPMIN', KEYS[15])[1])
  end
end

if tonumber(ARGV[22]) > 0 then
  local change = { audit = ARGV[2], ops = ARGV[3], undo = applySteps(22) }
  epoch = raiseEpoch(KEYS[1], KEYS[2], ARGV[1], change)
end
redis.call('HSET', KEYS[12], nonce, integer(uid) .. ' ' .. integer(first) .. ' ' .. integer(epoch))
return { ${BeginWriteCode.Ok}, integer(uid), integer(first), epoch }
`,
};
