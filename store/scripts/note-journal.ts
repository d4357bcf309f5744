import type { Script } from '../script';
import { journalTokensLua } from './includes';

export enum NoteJournalCode {
  Ok = 1,
  AlreadyBegun = -1,
}

/**
 * Notes ids in one journal under a nonce that becomes, or stays, pending, and remembers with the nonce
 * that this journal was noted. An id keeps the nonces that are pending; those that are settled are
 * folded into one marker that nobody has read before, so that an entry stays short and a copy read
 * earlier cannot cross off what was settled later. A journal that is full gets a whole-shard note
 * instead of more ids: it says more than was asked, never less.
 *
 * KEYS: 1 pending · 2 journal · 3 journal markers
 * ARGV: 1 nonce · 2 shard:target · 3 journal ids max · 4… ids, or only * for the whole shard
 * Returns the code.
 */
export const noteJournalScript: Script = {
  name: 'miroirNoteJournal',
  lua: `${journalTokensLua}
local nonce, pair = ARGV[1], ARGV[2] .. ','
local noted = redis.call('HGET', KEYS[1], nonce) or ','
if string.sub(noted, 1, 1) ~= ',' then return ${NoteJournalCode.AlreadyBegun} end
if not string.find(noted, ',' .. pair, 1, true) then noted = noted .. pair end
redis.call('HSET', KEYS[1], nonce, noted)
if #ARGV < 4 then return ${NoteJournalCode.Ok} end

local ids = {}
for i = 4, #ARGV do ids[#ids + 1] = ARGV[i] end
if redis.call('HLEN', KEYS[2]) + #ids > tonumber(ARGV[3]) then ids = { '*' } end

local known, marker, writes = {}, nil, {}
local function freshMarker()
  marker = marker or '=' .. redis.call('INCR', KEYS[3])
  return marker
end
for i, entry in ipairs(redis.call('HMGET', KEYS[2], unpack(ids))) do
  local kept, settled = {}, {}
  for token in string.gmatch(entry or '', '[^ ]+') do
    if token ~= nonce then
      local list = isSettled(KEYS[1], token, known) and settled or kept
      list[#list + 1] = token
    end
  end
  if #settled == 1 then kept[#kept + 1] = settled[1]
  elseif #settled > 1 then kept[#kept + 1] = freshMarker() end
  kept[#kept + 1] = nonce
  writes[#writes + 1] = ids[i]
  writes[#writes + 1] = table.concat(kept, ' ')
end
redis.call('HSET', KEYS[2], unpack(writes))
return ${NoteJournalCode.Ok}
`,
};
