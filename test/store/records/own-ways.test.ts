/**
 * Goal: what a kind of record has of its own: look-ups, revocation, fencing, bounds, history.
 * Method: on a real Valkey; the kinds' common part is in the conformance suite.
 */
import { indexUid, nodeId, physicalUid } from '../../../core/ids';
import { canaryRunsMax } from '../../../core/limits';
import { tenantKeyHash } from '../../../store/records/tenant';
import type { CanaryRun, NodeSettingsVersion } from '../../../store/record-types';
import { waitFor } from '../../support/wait-for';
import { audit, openStore } from '../support';
import type { OpenStore } from '../support';

let pod: OpenStore;

beforeEach(() => {
  pod = openStore();
});
afterEach(async () => pod.close());

const at = '2026-01-01T00:00:00Z';

function version(n: number): NodeSettingsVersion {
  return {
    physicalUid: physicalUid('products-1'),
    node: nodeId(`meili-${n}`),
    settingsVersion: 4,
    settingsHash: 'abc',
    appliedAt: at,
  };
}

describe('tenant', () => {
  test('is found by its key, which is nowhere in Redis', async () => {
    const keyHash = tenantKeyHash('secret-key');
    const record = { keyHash, name: 'acme', group: null, limits: {}, createdAt: at };
    await pod.store.tenants.create(record);
    expect(await pod.store.tenants.byKey('secret-key')).toEqual(record);
    expect(await pod.store.tenants.byKey('other')).toBeNull();
    const names = await pod.redis.keys(`{${pod.prefix}}:*`);
    expect(names.join()).not.toContain('secret-key');
  });
});

describe('node-settings-version', () => {
  test('is found by index and node, and listed for one index only', async () => {
    const { nodeSettingsVersions: versions } = pod.store;
    const foreign = { ...version(9), physicalUid: physicalUid('products-10') };
    await versions.put(version(2));
    await versions.put(version(1));
    await versions.put(foreign);
    expect(await versions.of(physicalUid('products-10'), nodeId('meili-9'))).toEqual(foreign);
    expect(await versions.ofIndex(physicalUid('products-1'))).toEqual([version(1), version(2)]);
    expect(await versions.ofIndex(physicalUid('none'))).toEqual([]);
  });
});

describe('admin-session', () => {
  test('a revoked one is gone, and every pod hears of it', async () => {
    const other = openStore({ prefix: pod.prefix });
    try {
      const heard: string[] = [];
      other.store.adminSessions.watchRevoked((id) => heard.push(id));
      await waitFor(
        async () => {
          await pod.store.adminSessions.revoke('warm-up');
          return heard.length > 0;
        },
        { what: 'the subscription' },
      );
      await pod.store.adminSessions.create({
        id: 'hash1',
        csrf: 'x',
        address: '::1',
        createdAt: at,
        expiresAt: Date.now() + 60_000,
      });
      expect(await pod.store.adminSessions.revoke('hash1')).toBe(true);
      expect(await other.store.adminSessions.get('hash1')).toBeNull();
      await waitFor(() => heard.includes('hash1'), { what: 'the revocation' });
      expect(await pod.store.adminSessions.revoke('hash1')).toBe(false);
    } finally {
      await other.close();
    }
  });
});

describe('lease', () => {
  test('exactly one of fifty wins', async () => {
    const won = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => pod.store.leases.acquire('sweep', `h${i}`, 9_000)),
    );
    const winners = won.filter((lease) => lease !== null);
    expect(winners).toHaveLength(1);
    expect(await pod.store.leases.get('sweep')).toEqual(winners[0]);
    expect(await pod.store.leases.list()).toEqual(winners);
  });

  test('is prolonged and released only by its holder, under its fence', async () => {
    const { leases } = pod.store;
    const lease = await leases.acquire('sweep', 'one', 9_000);
    if (lease === null) throw new Error('nobody else asked for it');
    expect(await leases.acquire('sweep', 'one', 9_000)).toMatchObject({ fence: lease.fence });
    expect((await leases.renew(lease, 20_000))?.until).toBeGreaterThan(lease.until);
    expect(await leases.renew({ ...lease, holder: 'two' }, 1_000)).toBeNull();
    expect(await leases.release({ ...lease, fence: lease.fence + 1 })).toBe(false);
    expect(await leases.holds(lease)).toBe(true);
    expect(await leases.release(lease)).toBe(true);
    expect(await leases.holds(lease)).toBe(false);
    expect(await leases.get('sweep')).toBeNull();
    expect(await leases.list()).toEqual([]);
    await expect(leases.renew(lease, 0)).rejects.toThrow(RangeError);
  });

  test('a lease that ran out goes to the next one with a higher fence', async () => {
    const { leases } = pod.store;
    const old = await leases.acquire('sweep', 'one', 30);
    const next = await waitFor(async () => leases.acquire('sweep', 'two words', 9_000), {
      what: 'the end of the lease',
    });
    expect(next.fence).toBe((old?.fence ?? 0) + 1);
    expect(await leases.renew(old!, 9_000)).toBeNull();
    expect(await leases.holds(old!)).toBe(false);
    expect(await leases.get('sweep')).toEqual(next);
  });
});

describe('canary-run', () => {
  const run = (n: number, ok = true): CanaryRun => ({
    canaryId: 'c1',
    at: 1_000 + n,
    ok,
    failures: [],
    latencyMs: n,
  });

  test('runs are kept newest first and bounded', async () => {
    const { canaryRuns } = pod.store;
    for (let n = 0; n < canaryRunsMax + 10; n += 1) await canaryRuns.add(run(n));
    const runs = await canaryRuns.list('c1', canaryRunsMax * 2);
    expect(runs).toHaveLength(canaryRunsMax);
    expect(runs[0]).toEqual(run(canaryRunsMax + 9));
    expect(runs.at(-1)).toEqual(run(10));
    expect(await canaryRuns.list('c1', 0)).toEqual([]);
    expect(await canaryRuns.list('other', 5)).toEqual([]);
  });

  test('a run is read, updated and deleted with its canary', async () => {
    const { canaryRuns } = pod.store;
    await canaryRuns.add(run(1));
    expect(await canaryRuns.get('c1', 1_001)).toEqual(run(1));
    expect(await canaryRuns.get('c1', 7)).toBeNull();
    expect(await canaryRuns.update(run(1, false))).toBe(true);
    expect(await canaryRuns.update(run(2))).toBe(false);
    expect(await canaryRuns.list('c1', 5)).toEqual([run(1, false)]);
    expect(await canaryRuns.delete('c1')).toBe(1);
    expect(await canaryRuns.delete('c1')).toBe(0);
  });
});

describe('alias', () => {
  const alias = { name: indexUid('shop'), targets: [indexUid('p1')], history: [] };

  test('is created once, read, listed and deleted, each with a new epoch', async () => {
    const { aliases, fleet } = pod.store;
    expect(await aliases.create(alias, audit)).toBe(true);
    expect(await aliases.create(alias, audit)).toBe(false);
    expect(await aliases.get(alias.name)).toEqual(alias);
    expect(await aliases.list()).toEqual([alias]);
    expect(await aliases.delete(alias.name, audit)).toBe(true);
    expect(await aliases.delete(alias.name, audit)).toBe(false);
    expect(await aliases.get(alias.name)).toBeNull();
    expect(await fleet.epoch()).toBe(2);
  });

  test('a flip keeps the newest ten targets before it', async () => {
    const { aliases } = pod.store;
    expect(await aliases.flip(alias.name, [indexUid('p2')], audit)).toBeNull();
    await aliases.create(alias, audit);
    for (let n = 2; n <= 14; n += 1) await aliases.flip(alias.name, [indexUid(`p${n}`)], audit);
    const flipped = await aliases.get(alias.name);
    expect(flipped?.targets).toEqual(['p14']);
    expect(flipped?.history.map((entry) => entry.targets[0])).toEqual(
      Array.from({ length: 10 }, (_, i) => `p${i + 4}`),
    );
  });
});
