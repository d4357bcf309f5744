import type { Script } from '../script';
import { journalTokensLua } from './includes';

/**
 * Crosses off the given tokens of each id, as far as they are still there and settled. What was noted
 * since stays, and keeps its id in the journal.
 *
 * KEYS: 1 journal · 2 pending
 * ARGV: id, tokens, id, tokens, …
 * Returns how many ids left the journal.
 */
export const crossJournalScript: Script = {
  name: 'miroirCrossJournal',
  lua: `${journalTokensLua}
local known, gone = {}, 0
for i = 1, #ARGV, 2 do
  local entry = redis.call('HGET', KEYS[1], ARGV[i])
  if entry then
    local crossed, kept = ' ' .. ARGV[i + 1] .. ' ', {}
    for token in string.gmatch(entry, '[^ ]+') do
      local named = string.find(crossed, ' ' .. token .. ' ', 1, true)
      if not named or not isSettled(KEYS[2], token, known) then kept[#kept + 1] = token end
    end
    if #kept == 0 then
      gone = gone + redis.call('HDEL', KEYS[1], ARGV[i])
    else
      redis.call('HSET', KEYS[1], ARGV[i], table.concat(kept, ' '))
    end
  end
end
return gone
`,
};
