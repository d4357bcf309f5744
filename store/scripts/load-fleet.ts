import type { Script } from '../script';

/**
 * One consistent snapshot of the catalogue. It reads the placement of every physical uid that an index
 * names; those keys cannot be known before, so they are computed here, under the same hash tag.
 *
 * KEYS: 1 epoch · 2 nodes · 3 indexes · 4 aliases
 * ARGV: 1 beginning of placement keys
 * Returns {epoch, node values, index values, alias values, {physical uid, HGETALL, …}}.
 */
export const loadFleetScript: Script = {
  name: 'miroirLoadFleet',
  lua: `
local indexes = redis.call('HVALS', KEYS[3])
local placements = {}
for _, json in ipairs(indexes) do
  local uid = cjson.decode(json).physicalUid
  placements[#placements + 1] = uid
  placements[#placements + 1] = redis.call('HGETALL', ARGV[1] .. uid)
end
return {
  redis.call('GET', KEYS[1]) or '0',
  redis.call('HVALS', KEYS[2]),
  indexes,
  redis.call('HVALS', KEYS[4]),
  placements,
}
`,
};
