/**
 * Goal: settings are the same on every holder and are sent only where they differ; a rollover makes,
 * flips and deletes, each step twice without harm; a canary judges what the api answers.
 * Method: activities against embedded nodes (settings also against the real Meilisearch when
 * MEILISEARCH_BIN names one) and a small http server in place of the api.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ActivityTools } from '../../activities/tools';
import { createActivities } from '../../activities/create-activities';
import { MockActivityEnvironment } from '@temporalio/testing';
import { canaryHeader } from '../../core/canary';
import { indexUid } from '../../core/ids';
import { origin, products, startFleet } from './fleet-for-test';
import type { TestFleet } from './fleet-for-test';
import { engines } from './nodes-for-test';

describe.each(engines)('settings on %s nodes', (kind) => {
  let fleet: TestFleet;

  beforeEach(async () => {
    fleet = await startFleet(2, { kind });
  });

  afterEach(() => fleet.close());

  const broadcast = () => fleet.run('broadcastSettings', { physicalUid: products, ...origin });
  const settingsTasks = async (node: number): Promise<number> => {
    const query = { indexUids: [products], types: ['settingsUpdate'] };
    return (await fleet.client(node).tasks(query)).total;
  };

  test('what differs is applied, what is equal is not sent, and what was seen is noted', async () => {
    await fleet.store.fleet.update({ ...origin, what: 'settings' }, ({ indexes }) =>
      indexes.map(({ placement: _, ...entry }) => ({
        op: 'set-index',
        entry: {
          ...entry,
          settingsVersion: 2,
          settings: {
            ...entry.settings,
            filterableAttributes: ['n'],
            sortableAttributes: ['title', 'n'],
            stopWords: ['the', 'a'],
            synonyms: { wifi: ['wlan'] },
            typoTolerance: {
              ...{ enabled: true, disableOnWords: ['zeta', 'alpha'], disableOnAttributes: [] },
              ...{ disableOnNumbers: false, minWordSizeForTypos: { oneTypo: 4, twoTypos: 9 } },
            },
            searchCutoffMs: 700,
          },
        },
      })),
    );
    await fleet.setRow(0, 'meili-0:in-sync meili-1:stale');
    const report = await broadcast();
    expect(report).toMatchObject({
      ...{ settingsVersion: 2, changed: ['meili-0', 'meili-1'], same: [] },
    });
    const shown = await fleet.client(1).getSettings(products);
    expect(shown).toMatchObject({ stopWords: ['a', 'the'], searchCutoffMs: 700 });
    const before = [await settingsTasks(0), await settingsTasks(1)];
    expect(await broadcast()).toEqual({ ...report, changed: [], same: ['meili-0', 'meili-1'] });
    expect([await settingsTasks(0), await settingsTasks(1)]).toEqual(before);
    expect(await fleet.store.nodeSettingsVersions.ofIndex(products)).toMatchObject([
      { node: 'meili-0', settingsVersion: 2, settingsHash: report.settingsHash },
      { node: 'meili-1', settingsVersion: 2, settingsHash: report.settingsHash },
    ]);

    const client = fleet.client(0);
    await client.waitForTask(await client.updateSettings(products, { stopWords: ['drift'] }));
    expect(await broadcast()).toMatchObject({ changed: ['meili-0'], same: ['meili-1'] });
    expect(await client.getSettings(products)).toMatchObject({ stopWords: ['a', 'the'] });
  });
});

describe('rollover', () => {
  let fleet: TestFleet;

  beforeEach(async () => {
    fleet = await startFleet(2);
    await fleet.store.rolloverPolicies.put({
      ...{ name: 'logs', version: 5, enabled: true, pattern: 'logs-{000001}' },
      ...{ writeAlias: indexUid('logs'), readAlias: indexUid('logs-search') },
      triggers: { max_docs: 1 },
      retention: { keep_indexes: 2, safety_lock_older_than_days: 0 },
      template: { primary_key: 'id', settings: { stopWords: ['of'] } },
      updatedAt: '2026-01-01T00:00:00Z',
    });
  });

  afterEach(() => fleet.close());

  const decide = (force = true) =>
    fleet.run('decideRollover', { policy: 'logs', force, dryRun: false, ...origin });
  const whole = async () => {
    const step = { decision: await decide(), ...origin };
    // Each step twice: the second is what a retry after a lost answer does.
    for (const name of ['createNextIndex', 'waitIndexReady', 'flipAliases'] as const) {
      await fleet.run(name, step);
      await fleet.run(name, step);
    }
    const first = await fleet.run('retainIndexes', step);
    await fleet.run('retainIndexes', step);
    return { decision: step.decision, deleted: first.deleted };
  };

  test('makes, flips both aliases in one change, and keeps the newest two', async () => {
    const first = await whole();
    expect(first.decision).toMatchObject({ from: null, to: 'logs-000001', version: 5, doomed: [] });
    const made = (await fleet.store.fleet.load()).indexes.find(({ uid }) => uid === 'logs-000001');
    expect(made).toMatchObject({ primaryKey: 'id', settings: { stopWords: ['of'] } });
    if (made === undefined) throw new Error('no index');
    expect(await fleet.client(1).getSettings(made.physicalUid)).toMatchObject({
      stopWords: ['of'],
    });

    await whole();
    const epochs: number[] = [];
    fleet.store.fleet.watch((epoch) => epochs.push(epoch));
    const third = await whole();
    expect(third.deleted).toEqual(['logs-000001']);
    const { aliases, indexes } = await fleet.store.fleet.load();
    expect(indexes.map(({ uid }) => uid).sort()).toEqual([
      'logs-000002',
      'logs-000003',
      'products',
    ]);
    expect(aliases).toMatchObject([
      { name: 'logs', targets: ['logs-000003'] },
      { name: 'logs-search', targets: ['logs-000002', 'logs-000003'] },
    ]);
    expect(await fleet.client(1).getIndex(made.physicalUid)).toBeNull();
    const log = await fleet.store.fleet.log(10);
    const flips = log.filter(({ what }) => what === 'flip logs to logs-000003');
    expect(flips).toHaveLength(1);
    expect(flips[0]?.ops).toHaveLength(2);
  });

  test('is not due before a trigger is met', async () => {
    await whole();
    const decision = await decide(false);
    expect(decision).toMatchObject({ act: false, outcome: 'not-due', from: 'logs-000001' });
  });

  test('an index that an alias took up since the decision is spared', async () => {
    await whole();
    await whole();
    const step = { decision: await decide(), ...origin };
    expect(step.decision.doomed.map(({ uid }) => uid)).toEqual(['logs-000001']);
    await fleet.store.fleet.update({ ...origin, what: 'alias' }, () => [
      {
        op: 'set-alias',
        alias: { name: indexUid('keep'), targets: [indexUid('logs-000001')], history: [] },
      },
    ]);
    await fleet.run('createNextIndex', step);
    await fleet.run('waitIndexReady', step);
    await fleet.run('flipAliases', step);
    expect(await fleet.run('retainIndexes', step)).toEqual({ deleted: [] });
  });

  test('what goes goes in one change of the fleet, so that one wait is enough; what is aliased stays', async () => {
    for (let n = 0; n < 4; n += 1) await whole();
    const entries = (await fleet.store.fleet.load()).indexes;
    const of = (uid: string) => {
      const entry = entries.find((one) => one.uid === uid);
      if (entry === undefined) throw new Error(`no ${uid}`);
      return { uid: entry.uid, physicalUid: entry.physicalUid, nodes: [] };
    };
    const decision = await decide();
    // The newest two are named by the read alias.
    const doomed = ['logs-000003', 'logs-000004', 'products'].map(of);
    const before = await fleet.store.fleet.epoch();
    const { deleted } = await fleet.run('retainIndexes', {
      ...{ decision: { ...decision, doomed }, ...origin },
    });
    expect(deleted).toEqual(['products']);
    expect(await fleet.store.fleet.epoch()).toBe(before + 1);
    await fleet.store.fleet.update({ ...origin, what: 'no aliases' }, () => [
      { op: 'remove-alias', name: indexUid('logs-search') },
      { op: 'remove-alias', name: indexUid('logs') },
    ]);
    const rest = { decision: { ...decision, doomed: doomed.slice(0, 2) }, ...origin };
    const all = await fleet.run('retainIndexes', rest);
    expect(all.deleted).toEqual(['logs-000003', 'logs-000004']);
    expect(await fleet.store.fleet.epoch()).toBe(before + 3);
    const [last] = await fleet.store.fleet.log(1);
    expect(last).toMatchObject({ what: 'delete logs-000003 and 1 more' });
    expect((await fleet.store.fleet.load()).indexes).toEqual([]);
  });

  test('a roll-back before the flip leaves no trace', async () => {
    const step = { decision: await decide(), ...origin };
    await fleet.run('createNextIndex', step);
    await fleet.run('waitIndexReady', step);
    await fleet.run('dropNextIndex', step);
    const { indexes } = await fleet.store.fleet.load();
    expect(indexes.map(({ uid }) => uid)).toEqual(['products']);
    const uid = step.decision.physicalUid;
    if (uid === null) throw new Error('no uid');
    expect(await fleet.client(0).getIndex(uid)).toBeNull();
  });
});

describe('canaries', () => {
  let fleet: TestFleet;

  beforeEach(async () => {
    fleet = await startFleet(1);
  });

  afterEach(() => fleet.close());

  const put = (id: string, index: string, assertions: object[]) =>
    fleet.store.canaries.put({
      ...{ id, index: indexUid(index), enabled: true, query: { q: 'x' }, intervalMs: 1_000 },
      ...{ assertions: assertions as never, createdAt: 'x', updatedAt: 'x' },
    });

  async function withApi<T>(
    answer: { status: number; body: string; version?: string },
    work: (run: (canary: string) => Promise<unknown>, seen: string[]) => Promise<T>,
  ): Promise<T> {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(
        `${String(request.method)} ${String(request.url)} ${String(request.headers.authorization)} for ${String(request.headers[canaryHeader])}`,
      );
      const headers =
        answer.version === undefined ? {} : { 'x-miroir-settings-version': answer.version };
      response.writeHead(answer.status, headers).end(answer.body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const tools: ActivityTools = { ...fleet.tools, searchApi: { url, key: 'k' } };
    const { runCanary } = createActivities(tools);
    try {
      return await work(
        (canary) => new MockActivityEnvironment().run(runCanary as never, { canary } as never),
        seen,
      );
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  }

  const hits = '{"hits":[{"id":9007199254740993,"t":1},{"id":"b"}],"estimatedTotalHits":2}';

  test('searches through the api, judges, and keeps the run', async () => {
    await put('good', 'products', [
      { type: 'top_hit_id', value: '9007199254740993' },
      { type: 'settings_version_at_least', value: 4 },
      { type: 'min_hits', value: 2 },
    ]);
    await withApi({ status: 200, body: hits, version: '4' }, async (run, seen) => {
      expect(await run('good')).toMatchObject({ ok: true, failures: [] });
      expect(seen).toEqual(['POST /indexes/products/search Bearer k for good']);
    });
    expect(await fleet.store.canaryRuns.list('good', 5)).toMatchObject([{ ok: true }]);
    expect(await fleet.run('canariesAreGreen', { index: indexUid('products') })).toEqual({
      ok: true,
    });
  });

  test('an api that refuses makes it red, and a red one holds back its index only', async () => {
    await put('bad', 'products', [{ type: 'min_hits', value: 0 }]);
    await withApi({ status: 503, body: '{}' }, async (run) => {
      expect(await run('bad')).toMatchObject({
        ok: false,
        failures: ['search: answered with 503'],
      });
    });
    expect(await fleet.run('canariesAreGreen', { index: indexUid('products') })).toEqual({
      ok: false,
      reason: 'green canaries; red: bad (search: answered with 503)',
    });
    expect(await fleet.run('canariesAreGreen', { index: indexUid('other') })).toEqual({ ok: true });
  });

  test('a canary on an alias speaks for the index behind it', async () => {
    await fleet.store.fleet.update({ ...origin, what: 'alias' }, () => [
      {
        op: 'set-alias',
        alias: { name: indexUid('shop'), targets: [indexUid('products')], history: [] },
      },
    ]);
    await put('alias', 'shop', [{ type: 'min_hits', value: 3 }]);
    await withApi({ status: 200, body: hits }, async (run) => {
      expect(await run('alias')).toMatchObject({ ok: false });
    });
    expect(await fleet.run('canariesAreGreen', { index: indexUid('products') })).toMatchObject({
      ok: false,
    });
  });

  test('a canary without an api to search through is red', async () => {
    await put('lost', 'products', [{ type: 'min_hits', value: 0 }]);
    expect(await fleet.run('runCanary', { canary: 'lost' })).toMatchObject({
      failures: ['search: the worker was given no url of the api'],
    });
  });
});
