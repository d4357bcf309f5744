import type { IndexTtl, JsonValue } from './fleet';
import { slotsOfShard } from './hash';
import { encodeMillis, hiddenField, slotRangeFilter } from './hidden-fields';
import type { ShardId } from './ids';
import { shardId } from './ids';
import { slotCount } from './limits';

/**
 * The expiry of documents. A document's time stands in `_miroir_expires_at`, and what has expired is
 * deleted by writes like any client's: in the order of the writes, on every copy, so that a copy that
 * missed one is stale and is filled again from one that did not.
 */

/** Documents of the slots `[fromSlot, toSlot)` whose time is not after `before` (ms since 1970). */
export interface ExpiredPart {
  readonly before: number;
  readonly fromSlot: number;
  readonly toSlot: number;
}

export const wholeHashSpace = { fromSlot: 0, toSlot: slotCount } as const;

/** The filter that matches them on a node, as elements that must all hold. */
export function expiredParts({ before, fromSlot, toSlot }: ExpiredPart): string[] {
  const expired = `${hiddenField.expiresAt} <= "${encodeMillis(before)}"`;
  if (fromSlot === 0 && toSlot === slotCount) return [expired];
  return [expired, slotRangeFilter(fromSlot, toSlot)];
}

/** The shards that have any of these slots. */
export function shardsOfSlots(
  { fromSlot, toSlot }: Pick<ExpiredPart, 'fromSlot' | 'toSlot'>,
  shardCount: number,
): ShardId[] {
  const all = Array.from({ length: shardCount }, (_, shard) => shardId(shard));
  return all.filter((shard) => {
    const { from, to } = slotsOfShard(shard, shardCount);
    return from < toSlot && to > fromSlot;
  });
}

/** Two halves of a part, or null when it is one slot, which is taken whole. */
export function halvesOf(part: ExpiredPart): [ExpiredPart, ExpiredPart] | null {
  const middle = Math.floor((part.fromSlot + part.toSlot) / 2);
  if (middle === part.fromSlot) return null;
  return [
    { ...part, toSlot: middle },
    { ...part, fromSlot: middle },
  ];
}

export type ParsedTtl =
  { readonly ok: true; readonly ttl: IndexTtl } | { readonly ok: false; readonly message: string };

/** 100 years: beyond it a mistake in the unit is likelier than the wish. */
const ttlMsMax = 100 * 365 * 24 * 3_600_000;
const ttlMsMin = 1_000;

/** Checks `{enabled, defaultTtlMs}` as the API takes it; both may be left out. */
export function parseTtl(body: { readonly [member: string]: JsonValue }): ParsedTtl {
  const enabled = body['enabled'] ?? true;
  if (typeof enabled !== 'boolean')
    return { ok: false, message: '`enabled` must be true or false.' };
  const ms = body['defaultTtlMs'] ?? null;
  if (ms === null) return { ok: true, ttl: { enabled, defaultTtlMs: null } };
  if (typeof ms !== 'number' || !Number.isInteger(ms) || ms < ttlMsMin || ms > ttlMsMax) {
    const message = `\`defaultTtlMs\` must be null or a whole number of milliseconds between ${String(ttlMsMin)} and ${String(ttlMsMax)}.`;
    return { ok: false, message };
  }
  return { ok: true, ttl: { enabled, defaultTtlMs: ms } };
}
