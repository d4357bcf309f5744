import type { Lease, LeaseStore } from '../record-types';
import { listOf, numberOf, textOf } from '../script';
import { AcquireLeaseCode, acquireLeaseScript } from '../scripts/acquire-lease';
import { ChangeLeaseCode, changeLeaseScript } from '../scripts/change-lease';
import type { RecordParts } from './record-store';

/** Kind `lease`: of those who ask exactly one wins; expires; fenced by a number that only rises. */
export function createLeaseStore(parts: RecordParts): LeaseStore {
  const { redis, keys, scripts } = parts;
  const index = keys.recordIndex('lease');
  const get = async (name: string): Promise<Lease | null> => {
    const replies = await redis.multi().get(keys.lease(name)).pexpiretime(keys.lease(name)).exec();
    const value = replies?.[0]?.[1];
    return typeof value === 'string'
      ? decodeLease(name, value, Number(replies?.[1]?.[1] ?? 0))
      : null;
  };
  const change = async (lease: Lease, ttlMs: number): Promise<number | null> => {
    const [code, until] = listOf(
      await scripts.run(
        changeLeaseScript,
        [keys.lease(lease.name), index],
        [lease.name, encodeLease(lease), ttlMs],
      ),
    );
    return code === ChangeLeaseCode.Ok ? numberOf(until) : null;
  };
  return {
    get,
    async acquire(name, holder, ttlMs) {
      const [code, fence, until] = listOf(
        await scripts.run(
          acquireLeaseScript,
          [keys.lease(name), keys.leaseFence(name), index],
          [name, holder, ttlMs],
        ),
      );
      if (code !== AcquireLeaseCode.Ok) return null;
      return { name, holder, fence: numberOf(fence), until: numberOf(until) };
    },
    async renew(lease, ttlMs) {
      if (ttlMs <= 0) throw new RangeError('A lease is prolonged by a positive time.');
      const until = await change(lease, ttlMs);
      return until === null ? null : { ...lease, until };
    },
    async release(lease) {
      return (await change(lease, 0)) !== null;
    },
    async holds(lease) {
      return (await redis.get(keys.lease(lease.name))) === encodeLease(lease);
    },
    async list() {
      const names = await redis.zrange(index, 0, '-1');
      const leases = await Promise.all(names.sort().map(get));
      return leases.filter((lease) => lease !== null);
    },
  };
}

function encodeLease({ fence, holder }: Lease): string {
  return `${fence} ${holder}`;
}

function decodeLease(name: string, value: string, until: number): Lease {
  const blank = textOf(value).indexOf(' ');
  return { name, fence: numberOf(value.slice(0, blank)), holder: value.slice(blank + 1), until };
}
