import type { Script } from '../script';
import { journalTokensLua } from './includes';

/**
 * One part of a journal, each id with its tokens that are settled at this moment. Ids whose writes are
 * all pending are left out: a copy taken now might be older than the write. The moment of reading the
 * entry and of judging its tokens is one; that is what makes crossing off afterwards safe.
 *
 * KEYS: 1 journal · 2 pending
 * ARGV: 1 cursor, 0 to begin · 2 about how many
 * Returns {next cursor or 0, tokens of the whole-shard note or '', {id, tokens, …}}.
 */
export const readJournalScript: Script = {
  name: 'miroirReadJournal',
  lua: `${journalTokensLua}
local known = {}
local function settledOf(entry)
  local settled = {}
  for token in string.gmatch(entry or '', '[^ ]+') do
    if isSettled(KEYS[2], token, known) then settled[#settled + 1] = token end
  end
  return table.concat(settled, ' ')
end
local scanned = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local entries, flat = {}, scanned[2]
for i = 1, #flat, 2 do
  if flat[i] ~= '*' then
    local settled = settledOf(flat[i + 1])
    if settled ~= '' then
      entries[#entries + 1] = flat[i]
      entries[#entries + 1] = settled
    end
  end
end
return { scanned[1], settledOf(redis.call('HGET', KEYS[1], '*')), entries }
`,
};
