import type { Redis } from 'ioredis';
import type { Keys, RecordKind } from '../keys';
import type { Records } from '../record-types';
import { parsed, unknownCode } from '../script';
import type { ScriptRunner } from '../script';
import { WriteRecordCode, writeRecordScript } from '../scripts/write-record';
import { StoreError } from '../types';

/** A lost race costs one read; this many in a row mean that something spins. */
const updateAttemptsMax = 50;
const listLimitDefault = 1_000;

export interface RecordParts {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly scripts: ScriptRunner;
}

export interface RecordShape<T> {
  readonly kind: RecordKind;
  readonly idOf: (record: T) => string;
  /** Maps what callers pass as id to what is in the key; the same by default. */
  readonly keyOf?: (id: string) => string;
  /** Milliseconds since 1970; records without it stay until they are deleted. */
  readonly expiresAt?: (record: T) => number;
  /** Beyond this many, those that expire first are deleted. */
  readonly max?: number;
}

/** What all kinds that are one JSON string a record have in common. */
export function createRecordStore<T>(parts: RecordParts, shape: RecordShape<T>): Records<T> {
  const { redis, keys } = parts;
  const { kind, keyOf = (id) => id } = shape;
  const recordKey = (id: string): string => keys.record(kind, keyOf(id));
  const index = keys.recordIndex(kind);
  return {
    async create(record) {
      return (await write(parts, shape, { mode: 'create', record })) === WriteRecordCode.Ok;
    },
    async get(id) {
      const value = await redis.get(recordKey(id));
      return value === null ? null : parsed<T>(value);
    },
    async put(record) {
      await write(parts, shape, { mode: 'put', record });
    },
    async update(id, change) {
      for (let attempt = 0; attempt < updateAttemptsMax; attempt += 1) {
        const expected = await redis.get(recordKey(id));
        const record = expected === null ? null : change(parsed<T>(expected));
        if (expected === null || record === null) return null;
        if (keyOf(shape.idOf(record)) !== keyOf(id)) {
          throw new RangeError(`An update must not change the id ${JSON.stringify(id)}.`);
        }
        const code = await write(parts, shape, { mode: 'replace', record, expected });
        if (code === WriteRecordCode.Ok) return record;
      }
      throw new StoreError('store_contention', `The ${kind} record ${id} would not hold still.`);
    },
    async list({ offset = 0, limit = listLimitDefault } = {}) {
      if (limit <= 0) return [];
      const ids = await redis.zrange(index, offset, String(offset + limit - 1));
      if (ids.length === 0) return [];
      const values = await redis.mget(...ids.map((id) => keys.record(kind, id)));
      return values.flatMap((value) => (value === null ? [] : [parsed<T>(value)]));
    },
    async count() {
      // Expired ids leave the index with the next write of the kind, so they are not counted here.
      if (shape.expiresAt === undefined) return redis.zcard(index);
      const [seconds] = await redis.time();
      return redis.zcount(index, Number(seconds) * 1_000, '+inf');
    },
    async delete(id) {
      const replies = await redis.multi().del(recordKey(id)).zrem(index, keyOf(id)).exec();
      return replies?.[0]?.[1] === 1;
    },
  };
}

async function write<T>(
  { keys, scripts }: RecordParts,
  shape: RecordShape<T>,
  step: { mode: 'create' | 'put' | 'replace'; record: T; expected?: string },
): Promise<WriteRecordCode> {
  const { kind, idOf, keyOf = (id) => id, expiresAt, max = 0 } = shape;
  const id = keyOf(idOf(step.record));
  const expiry = expiresAt === undefined ? 0 : Math.max(1, Math.floor(expiresAt(step.record)));
  const code = await scripts.run(
    writeRecordScript,
    [keys.record(kind, id), keys.recordIndex(kind)],
    [
      ...[step.mode, id, JSON.stringify(step.record), step.expected ?? ''],
      ...[expiry, max, keys.record(kind, '')],
    ],
  );
  if (typeof code !== 'number' || WriteRecordCode[code] === undefined) {
    throw unknownCode(writeRecordScript, code);
  }
  return code;
}
