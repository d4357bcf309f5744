import type { Redis } from 'ioredis';
import { scriptItemsMax } from '../core/limits';
import type { NodeId, PhysicalUid, ShardId } from '../core/ids';
import type { Keys } from './keys';
import { listOf, numberOf, textOf, unknownCode } from './script';
import type { ScriptRunner } from './script';
import { AbandonNonceCode, abandonNonceScript } from './scripts/abandon-nonce';
import { crossJournalScript } from './scripts/cross-journal';
import { NoteJournalCode, noteJournalScript } from './scripts/note-journal';
import { readJournalScript } from './scripts/read-journal';
import { StoreError } from './store-error';
import type { JournalEntry, JournalStore } from './types';

/** About 20 MB of Redis. A journal longer than that is caught up faster by comparing the shard. */
const journalIdsMax = 200_000;

const wholeShard = '*';

export interface JournalStoreParts {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly scripts: ScriptRunner;
}

type NoteEntry = Parameters<JournalStore['note']>[2][number];
type Rest = [entries: readonly JournalEntry[], all?: string];

export function createJournalStore(parts: JournalStoreParts): JournalStore {
  const { redis, keys, scripts } = parts;
  return {
    async note(physicalUid, shards, entries, nonce) {
      assertNonce(nonce);
      for (const entry of entries) {
        if (!shards.includes(entry.shard)) {
          throw new RangeError(`The journal of shard ${entry.shard} is noted but not listed.`);
        }
        await noteEntry(parts, { physicalUid, nonce }, entry);
      }
    },
    async read(physicalUid, shard, target, limit) {
      const ids = new Map<string, string>();
      let cursor = '0';
      let all = '';
      do {
        const part = await readPart(parts, keys.journal(physicalUid, shard, target), {
          pending: keys.pending(physicalUid),
          cursor,
          count: Math.min(limit, scriptItemsMax),
        });
        for (const { id, nonce } of part.entries) ids.set(id, nonce);
        if (cursor === '0') all = part.all;
        cursor = part.cursor;
      } while (cursor !== '0' && ids.size < limit);
      const entries = [...ids].slice(0, limit).map(([id, nonce]) => ({ id, nonce }));
      return { ids: entries, all: all === '' ? null : all };
    },
    async cross(physicalUid, shard, target, ...[entries, all]: Rest) {
      const crossed = entries.map(({ id, nonce }) => [id, nonce]);
      if (all !== undefined) crossed.push([wholeShard, all]);
      const names = [keys.journal(physicalUid, shard, target), keys.pending(physicalUid)];
      for (let at = 0; at < crossed.length; at += scriptItemsMax) {
        const chunk = crossed.slice(at, at + scriptItemsMax);
        await scripts.run(crossJournalScript, names, chunk.flat());
      }
    },
    async size(physicalUid, shard, target) {
      return redis.hlen(keys.journal(physicalUid, shard, target));
    },
    async pending(physicalUid) {
      return (await redis.hkeys(keys.pending(physicalUid))).sort();
    },
    async abandon(physicalUid, nonce) {
      const code = await scripts.run(abandonNonceScript, [keys.pending(physicalUid)], [nonce]);
      return code === AbandonNonceCode.Ok;
    },
    async drop(physicalUid, shard, target) {
      await redis.unlink(keys.journal(physicalUid, shard, target));
    },
  };
}

/** The nonce becomes pending with the first chunk, before the first of its ids can be read. */
async function noteEntry(
  { keys, scripts }: JournalStoreParts,
  { physicalUid, nonce }: { physicalUid: PhysicalUid; nonce: string },
  { shard, target, ids }: NoteEntry,
): Promise<void> {
  const names = [
    keys.pending(physicalUid),
    keys.journal(physicalUid, shard, target),
    keys.journalMarkers,
  ];
  const noted = ids === 'all' ? [wholeShard] : ids;
  let at = 0;
  do {
    const chunk = noted.slice(at, at + scriptItemsMax);
    const code = await scripts.run(noteJournalScript, names, [
      nonce,
      `${shard}:${target}`,
      journalIdsMax,
      ...chunk,
    ]);
    if (code === NoteJournalCode.AlreadyBegun) {
      throw new RangeError(`The write ${nonce} has begun; a journal is noted before.`);
    }
    if (code !== NoteJournalCode.Ok) throw unknownCode(noteJournalScript, code);
    at += scriptItemsMax;
  } while (at < noted.length);
}

async function readPart(
  { scripts }: JournalStoreParts,
  journal: string,
  { pending, cursor, count }: { pending: string; cursor: string; count: number },
): Promise<{ cursor: string; all: string; entries: JournalEntry[] }> {
  const reply = listOf(await scripts.run(readJournalScript, [journal, pending], [cursor, count]));
  const flat = listOf(reply[2]).map(textOf);
  const entries: JournalEntry[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    entries.push({ id: flat[i] ?? '', nonce: flat[i + 1] ?? '' });
  }
  return { cursor: String(numberOf(reply[0])), all: textOf(reply[1]), entries };
}

/** Reads the whole journal: is there an id with a settled write that nobody has crossed off? */
export async function hasSettledEntries(
  parts: JournalStoreParts,
  { physicalUid, shard, target }: { physicalUid: PhysicalUid; shard: ShardId; target: NodeId },
): Promise<boolean> {
  let cursor = '0';
  do {
    const part = await readPart(parts, parts.keys.journal(physicalUid, shard, target), {
      pending: parts.keys.pending(physicalUid),
      cursor,
      count: scriptItemsMax,
    });
    if (part.entries.length > 0 || part.all !== '') return true;
    cursor = part.cursor;
  } while (cursor !== '0');
  return false;
}

/** Blanks separate tokens, and a leading `=` or `,` means something else where nonces are kept. */
function assertNonce(nonce: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._:-]*$/.test(nonce)) {
    throw new StoreError('store_corrupt', `The nonce ${JSON.stringify(nonce)} cannot be kept.`);
  }
}
