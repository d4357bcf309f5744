/**
 * Goal: every kind of record can be created, read, updated, listed and deleted, and expires where it must.
 * Method: one suite over a table of the kinds, on a real Valkey; what a kind has of its own follows.
 */
import type { ArchiveSchedule } from '../../../core/archives/types';
import { epoch, fleetTaskUid, indexUid, nodeId, physicalUid } from '../../../core/ids';
import type {
  AdminSession,
  ApiKey,
  Canary,
  CapturedQuery,
  CdcCursor,
  ExperimentalFeature,
  IdempotencyRecord,
  IndexUpdate,
  JobView,
  NodeSettingsVersion,
  Records,
  RestoreDrill,
  RolloverPolicy,
  SealedSecret,
  SearchUiConfig,
  SessionRecord,
  Tenant,
  TtlSweep,
  Webhook,
} from '../../../store/record-types';
import type { Store } from '../../../store/types';
import { waitFor } from '../../support/wait-for';
import { openStore } from '../support';
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
const secret: Kind<SealedSecret> = {
  of: (store) => store.secrets,
  id: (n) => `secret-${n}`,
  record: (n) => ({ id: `secret-${n}`, sealed: `v1.${n}`, expiresAt: soon + n }),
  changed: (record) => ({ ...record, sealed: 'v1.other' }),
  expiring: (record, expiresAt) => ({ ...record, expiresAt }),
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

const webhook: Kind<Webhook> = {
  of: (store) => store.webhooks,
  id: (n) => `uuid-${n}`,
  record: (n) => ({
    uuid: `uuid-${n}`,
    url: 'https://a.example/',
    headers: { Authorization: 'Bearer "x"' },
  }),
  changed: (record) => ({ ...record, headers: {} }),
};
const experimentalFeature: Kind<ExperimentalFeature> = {
  of: (store) => store.experimentalFeatures,
  id: (n) => `feature-${n}`,
  record: (n) => ({ name: `feature-${n}`, enabled: true }),
  changed: (record) => ({ ...record, enabled: false }),
};

const indexUpdate: Kind<IndexUpdate> = {
  of: (store) => store.indexUpdates,
  id: (n) => `products-${n}`,
  record: (n) => ({ physicalUid: physicalUid(`products-${n}`), updatedAt: at }),
  changed: (record) => ({ ...record, updatedAt: '2026-01-02T00:00:00Z' }),
};

const ttlSweep: Kind<TtlSweep> = {
  of: (store) => store.ttlSweeps,
  id: (n) => `products-${n}`,
  record: (n) => ({
    ...{ physicalUid: physicalUid(`products-${n}`), at, deleted: n, durationMs: 5 },
    ...{ deletedTotal: n, left: 0 },
  }),
  changed: (record) => ({ ...record, deletedTotal: record.deletedTotal + 1 }),
};

const restoreDrill: Kind<RestoreDrill> = {
  of: (store) => store.restoreDrills,
  id: (n) => `2026010${n}-000000000`,
  record: (n) => ({
    ...{ id: `2026010${n}-000000000`, at, ok: true, failures: [], documents: 3, seconds: 1.5 },
  }),
  changed: (record) => ({ ...record, ok: false, failures: ['films has 2 documents.'] }),
};

const capturedQuery: Kind<CapturedQuery> = {
  of: (store) => store.capturedQueries,
  id: (n) => `query-${n}`,
  record: (n) => ({
    ...{ id: `query-${n}`, index: indexUid('products'), query: { q: 'a' }, ids: ['1'] },
    ...{ total: 1, seen: n, at, expiresAt: soon },
  }),
  changed: (record) => ({ ...record, seen: record.seen + 1 }),
  expiring: (record, expiresAt) => ({ ...record, expiresAt }),
};

const archiveScheduleKind: Kind<ArchiveSchedule> = {
  of: (store) => store.archiveSchedules,
  id: (n) => `schedule-${n}`,
  record: (n) => ({
    ...{ name: `schedule-${n}` as ArchiveSchedule['name'], enabled: true, everyMs: 60_000 },
    ...{ jitterMs: null, catchUpMs: null, keep: 3, updatedAt: at },
  }),
  changed: (record) => ({ ...record, enabled: false, pauseNote: 'why' }),
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
conforms('secret', secret);
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
conforms('webhook', webhook);
conforms('experimental-feature', experimentalFeature);
conforms('index-update', indexUpdate);
conforms('ttl-sweep', ttlSweep);
conforms('restore-drill', restoreDrill);
conforms('captured-query', capturedQuery);
conforms('archive-schedule', archiveScheduleKind);

test('updates of one record by many at once all happen', async () => {
  await pod.store.canaries.create(canary.record(1));
  await Promise.all(
    Array.from({ length: 15 }, async () =>
      pod.store.canaries.update('c1', (one) => ({ ...one, intervalMs: one.intervalMs + 1 })),
    ),
  );
  expect((await pod.store.canaries.get('c1'))?.intervalMs).toBe(1_015);
});
