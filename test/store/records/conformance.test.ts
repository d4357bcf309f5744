/**
 * Goal: every kind of record can be created, read, updated, listed and deleted, and expires where it must.
 * Method: one suite over a table of the kinds, on a real Valkey; what a kind has of its own follows.
 */
import { epoch, fleetTaskUid, indexUid, nodeId, physicalUid } from '../../../core/ids';
import { canaryRunsMax } from '../../../core/limits';
import { tenantKeyHash } from '../../../store/records/tenant';
import type {
  AdminSession,
  ApiKey,
  Canary,
  CanaryRun,
  CdcCursor,
  IdempotencyRecord,
  JobView,
  NodeSettingsVersion,
  Records,
  RolloverPolicy,
  SearchUiConfig,
  SessionRecord,
  Tenant,
} from '../../../store/record-types';
import type { Store } from '../../../store/types';
import { waitFor } from '../../support/wait-for';
import { audit, openStore } from '../support';
import type { OpenStore } from '../support';

let pod: OpenStore;

beforeEach(() => {
  pod = openStore();
});
afterEach(async () => pod.close());

const at = '2026-01-01T00:00:00Z';
const soon = Date.now() + 3_600_000;

interface Kind<T> {
  readonly of: (store: Store) => Records<T>;
  readonly record: (n: number) => T;
  readonly id: (n: number) => string;
  readonly changed: (record: T) => T;
  readonly expiring?: (record: T, expiresAt: number) => T;
}

const job: Kind<JobView> = {
  of: (store) => store.jobs,
  id: (n) => `rebalance/group-${n}`,
  record: (n) => ({
    id: `rebalance/group-${n}`,
    kind: 'rebalance',
    status: 'running',
    phase: 'copy',
    progress: { done: 1, total: 2, documentsCopied: 3 },
    startedAt: at,
    updatedAt: at,
    temporal: { workflowId: 'w', runId: 'r' },
    who: 'ann',
    why: 'because "of" \u0000 it',
  }),
  changed: (record) => ({ ...record, status: 'succeeded', finishedAt: at }),
};
const session: Kind<SessionRecord> = {
  of: (store) => store.sessions,
  id: (n) => `s${n}`,
  record: (n) => ({
    id: `s${n}`,
    writes: { products: fleetTaskUid(n) },
    pinnedGroup: null,
    epoch: epoch(3),
    createdAt: at,
    expiresAt: soon + n,
  }),
  changed: (record) => ({ ...record, writes: {} }),
  expiring: (record, expiresAt) => ({ ...record, expiresAt }),
};
const idempotency: Kind<IdempotencyRecord> = {
  of: (store) => store.idempotency,
  id: (n) => `key ${n}`,
  record: (n) => ({
    key: `key ${n}`,
    bodyHash: 'h',
    taskUid: fleetTaskUid(n),
    expiresAt: soon + n,
  }),
  changed: (record) => ({ ...record, bodyHash: 'other' }),
  expiring: (record, expiresAt) => ({ ...record, expiresAt }),
};
const canary: Kind<Canary> = {
  of: (store) => store.canaries,
  id: (n) => `c${n}`,
  record: (n) => ({
    id: `c${n}`,
    index: indexUid('products'),
    enabled: true,
    query: { q: 'red' },
    assertions: [{ min_hits: 1 }],
    intervalMs: 1_000,
    createdAt: at,
    updatedAt: at,
  }),
  changed: (record) => ({ ...record, enabled: false }),
};
const cdcCursor: Kind<CdcCursor> = {
  of: (store) => store.cdcCursors,
  id: (n) => `hook/a/p${n}`,
  record: (n) => ({ sink: 'hook/a', index: indexUid(`p${n}`), eventId: '1-1', updatedAt: at }),
  changed: (record) => ({ ...record, eventId: '1-2' }),
};
const tenant: Kind<Tenant> = {
  of: (store) => store.tenants,
  id: (n) => `${n}`.repeat(64),
  record: (n) => ({
    keyHash: `${n}`.repeat(64),
    name: 'acme',
    group: null,
    limits: {},
    createdAt: at,
  }),
  changed: (record) => ({ ...record, limits: { rps: 5 } }),
};
const rolloverPolicy: Kind<RolloverPolicy> = {
  of: (store) => store.rolloverPolicies,
  id: (n) => `logs-${n}`,
  record: (n) => ({
    name: `logs-${n}`,
    version: 1,
    enabled: true,
    writeAlias: indexUid('logs'),
    readAlias: null,
    pattern: 'logs-{n}',
    triggers: { max_docs: 10 },
    retention: {},
    template: {},
    updatedAt: at,
  }),
  changed: (record) => ({ ...record, version: 2 }),
};
const searchUiConfig: Kind<SearchUiConfig> = {
  of: (store) => store.searchUiConfigs,
  id: (n) => `p${n}`,
  record: (n) => ({ index: indexUid(`p${n}`), config: { title: 'T' }, updatedAt: at }),
  changed: (record) => ({ ...record, config: {} }),
};
const adminSession: Kind<AdminSession> = {
  of: (store) => store.adminSessions,
  id: (n) => `hash${n}`,
  record: (n) => ({
    id: `hash${n}`,
    csrf: 'x',
    address: '::1',
    createdAt: at,
    expiresAt: soon + n,
  }),
  changed: (record) => ({ ...record, csrf: 'y' }),
  expiring: (record, expiresAt) => ({ ...record, expiresAt }),
};
const nodeSettingsVersion: Kind<NodeSettingsVersion> = {
  of: (store) => store.nodeSettingsVersions,
  id: (n) => `products-1/meili-${n}`,
  record: (n) => ({
    physicalUid: physicalUid('products-1'),
    node: nodeId(`meili-${n}`),
    settingsVersion: 4,
    settingsHash: 'abc',
    appliedAt: at,
  }),
  changed: (record) => ({ ...record, settingsVersion: 5 }),
};
const apiKey: Kind<ApiKey> = {
  of: (store) => store.apiKeys,
  id: (n) => `uid-${n}`,
  record: (n) => ({
    uid: `uid-${n}`,
    name: null,
    description: 'd',
    actions: ['search'],
    indexes: ['*'],
    expiresAt: null,
    createdAt: at,
    updatedAt: at,
  }),
  changed: (record) => ({ ...record, name: 'n' }),
};

function conforms<T>(name: string, kind: Kind<T>): void {
  describe(name, () => {
    const { record, id } = kind;
    const records = (): Records<T> => kind.of(pod.store);

    test('is created once, by exactly one of many', async () => {
      const created = await Promise.all(
        Array.from({ length: 20 }, async () => records().create(record(1))),
      );
      expect(created.filter(Boolean)).toHaveLength(1);
      expect(await records().get(id(1))).toEqual(record(1));
      expect(await records().get(id(2))).toBeNull();
    });

    test('is put, whether there was one or not', async () => {
      await records().put(record(1));
      await records().put(kind.changed(record(1)));
      expect(await records().get(id(1))).toEqual(kind.changed(record(1)));
      expect(await records().count()).toBe(1);
    });

    test('is updated where there is one', async () => {
      expect(await records().update(id(1), kind.changed)).toBeNull();
      await records().create(record(1));
      expect(await records().update(id(1), () => null)).toBeNull();
      expect(await records().update(id(1), kind.changed)).toEqual(kind.changed(record(1)));
      expect(await records().get(id(1))).toEqual(kind.changed(record(1)));
    });

    test('may not change its id in an update', async () => {
      await records().create(record(1));
      await expect(records().update(id(1), () => record(2))).rejects.toThrow(RangeError);
    });

    test('is listed in order and in pages', async () => {
      for (const n of [3, 1, 2]) await records().create(record(n));
      expect(await records().list()).toEqual([record(1), record(2), record(3)]);
      expect(await records().list({ offset: 1, limit: 1 })).toEqual([record(2)]);
      expect(await records().list({ limit: 0 })).toEqual([]);
      expect(await records().count()).toBe(3);
    });

    test('is deleted once', async () => {
      await records().create(record(1));
      expect(await records().delete(id(1))).toBe(true);
      expect(await records().delete(id(1))).toBe(false);
      expect(await records().list()).toEqual([]);
      expect(await records().create(record(1))).toBe(true);
    });

    const { expiring } = kind;
    if (expiring === undefined) {
      test('stays', async () => {
        await records().create(record(1));
        const [name = ''] = await pod.redis.keys(`{${pod.prefix}}:*${id(1)}`);
        expect(await pod.redis.pttl(name)).toBe(-1);
      });
      return;
    }
    test('expires at its time, and leaves the list and the index', async () => {
      await records().create(expiring(record(1), Date.now() + 60));
      await records().create(record(2));
      await waitFor(async () => (await records().get(id(1))) === null, { what: 'the expiry' });
      expect(await records().list()).toEqual([record(2)]);
      await records().create(record(3));
      expect(await records().count()).toBe(2);
      expect(await records().create(record(1))).toBe(true);
    });

    test('lives longer when its expiry moves', async () => {
      await records().create(expiring(record(1), Date.now() + 5_000));
      await records().update(id(1), (before) => expiring(before, soon));
      const [name = ''] = (await pod.redis.keys(`{${pod.prefix}}:*`)).filter(
        (key) => !key.includes('record-index'),
      );
      expect(await pod.redis.pttl(name)).toBeGreaterThan(10_000);
    });
  });
}

conforms('job', job);
conforms('session', session);
conforms('idempotency', idempotency);
conforms('canary', canary);
conforms('cdc-cursor', cdcCursor);
conforms('tenant', tenant);
conforms('rollover-policy', rolloverPolicy);
conforms('search-ui-config', searchUiConfig);
conforms('admin-session', adminSession);
conforms('node-settings-version', nodeSettingsVersion);
conforms('api-key', apiKey);

test('updates of one record by many at once all happen', async () => {
  await pod.store.canaries.create(canary.record(1));
  await Promise.all(
    Array.from({ length: 15 }, async () =>
      pod.store.canaries.update('c1', (one) => ({ ...one, intervalMs: one.intervalMs + 1 })),
    ),
  );
  expect((await pod.store.canaries.get('c1'))?.intervalMs).toBe(1_015);
});

describe('tenant', () => {
  test('is found by its key, which is nowhere in Redis', async () => {
    const keyHash = tenantKeyHash('secret-key');
    const record = { ...tenant.record(1), keyHash };
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
    const foreign = { ...nodeSettingsVersion.record(9), physicalUid: physicalUid('products-10') };
    await versions.put(nodeSettingsVersion.record(2));
    await versions.put(nodeSettingsVersion.record(1));
    await versions.put(foreign);
    expect(await versions.of(physicalUid('products-10'), nodeId('meili-9'))).toEqual(foreign);
    expect(await versions.ofIndex(physicalUid('products-1'))).toEqual([
      nodeSettingsVersion.record(1),
      nodeSettingsVersion.record(2),
    ]);
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
      await pod.store.adminSessions.create(adminSession.record(1));
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
