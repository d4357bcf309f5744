/**
 * Goal: what an operator relies on through the years of an index, on real parts: expired documents are gone
 * from every copy within one sweep and do not come back by a repair; settings changed behind the fleet's
 * back are found, named and repaired, and avoided meanwhile; a broken synonym turns a canary red, and an
 * added node waits at its cut over until it is green.
 *
 * Method: real processes, with the real Meilisearch where `MEILISEARCH_BIN` names one. The test plays the
 * intruder on a node, kills one, and breaks a setting.
 */
import { ApiClient } from '../../cli/client';
import { isOver, operation } from '../../cli/operations';
import type { Operation } from '../../cli/operations';
import { startFleet } from '../../local/fleet';
import type { RunningFleet } from '../../local/fleet';
import { builtForTest } from '../support/built';
import { waitFor } from '../support/wait-for';
import { compareReplicas } from './replicas';

const realEngine = process.env['MEILISEARCH_BIN'] !== undefined;
const deadlineMs = realEngine ? 180_000 : 60_000;

let fleet: RunningFleet;
let api: ApiClient;

beforeAll(async () => {
  process.env['MIROIR_BUILT'] = builtForTest();
  fleet = await startFleet({
    nodes: 2,
    replicationFactor: 2,
    settings: {
      MIROIR_REQUEST_DEADLINE_MS: realEngine ? '12000' : '4000',
      MIROIR_NODE_DEADLINE_MS: realEngine ? '10000' : '3000',
      MIROIR_FENCE_MAX_MS: '2000',
      MIROIR_SYNC_GRACE_MS: '200',
      MIROIR_WORKER_HEARTBEAT_MS: '1000',
      MIROIR_WORKER_STICKY_MS: '1000',
      // Several writes for one sweep.
      MIROIR_TTL_BATCH_DOCUMENTS: '20',
    },
  });
  api = new ApiClient(fleet);
}, 120_000);
afterAll(() => fleet.close(), 30_000);

/** What one test left behind must not decide the next one. */
afterEach(async () => {
  for (const { id } of fleet.nodes()) {
    if (fleet.pids()[id] === undefined) await fleet.restartNode(id);
  }
}, 30_000);

async function write(path: string, body: unknown, method: 'post' | 'put' | 'patch' = 'post') {
  const { taskUid } = await api[method]<{ taskUid: number }>(path, body);
  await api.waitTask(taskUid, deadlineMs);
}

async function ended(id: string): Promise<Operation> {
  return await waitFor(
    async () => {
      const view = await operation(api, id);
      if (isOver(view)) return view;
      throw new Error(`${view.phase}: ${view.progress.waitingFor ?? 'working'}`);
    },
    { what: `the end of ${id}`, deadlineMs },
  );
}

/** Starts a run and waits for its end; the view may still be that of an earlier run of the same id. */
async function run(path: string, body: object = {}): Promise<Operation> {
  const started = await api.post<{ operation: string; runId: string }>(path, body);
  await waitFor(
    async () => {
      const { temporal } = await operation(api, started.operation);
      return (temporal as { runId?: string }).runId === started.runId;
    },
    { what: `${started.operation} to begin`, deadlineMs },
  );
  return await ended(started.operation);
}

async function physicalUid(index: string): Promise<string> {
  const { indexes } = await api.get<{ indexes: { uid: string; physicalUid: string }[] }>(
    '/_miroir/topology',
  );
  return indexes.find(({ uid }) => uid === index)?.physicalUid ?? '';
}

/** Straight to a node, past Miroir. */
async function onNode<T>(node: string, path: string, init: RequestInit = {}): Promise<T> {
  const url = fleet.nodes().find(({ id }) => id === node)?.url ?? '';
  const answer = await fetch(`${url}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${fleet.nodeKey}`, 'content-type': 'application/json' },
  });
  return (await answer.json()) as T;
}

const countOn = async (node: string, index: string): Promise<number> => {
  const path = `/indexes/${await physicalUid(index)}/documents?limit=0`;
  return (await onNode<{ total: number }>(node, path)).total;
};

test(
  'expired documents leave every copy in one sweep, and a repair does not bring them back',
  async () => {
    const documents = (from: number, count: number, more: object = {}): object[] =>
      Array.from({ length: count }, (_, n) => ({ id: from + n, title: `offer ${n}`, ...more }));
    await write('/indexes/offers/documents?primaryKey=id', documents(0, 30));
    await api.put('/_miroir/indexes/offers/ttl', {});
    const past = Date.now() - 1_000;
    await write('/indexes/offers/documents', documents(100, 60, { _miroir_expires_at: past }));
    expect(await countOn('meili-1', 'offers')).toBe(90);

    await fleet.killNode('meili-1');
    const swept = await run('/_miroir/indexes/offers/ttl/sweep');
    expect(swept).toMatchObject({ status: 'succeeded', progress: { documentsCopied: 60 } });
    expect(await countOn('meili-0', 'offers')).toBe(30);

    await fleet.restartNode('meili-1');
    // It has them still, as a copy that was down; nobody is shown them.
    expect(await countOn('meili-1', 'offers')).toBe(90);
    const { estimatedTotalHits } = await api.post<{ estimatedTotalHits: number }>(
      '/indexes/offers/search',
      { limit: 0 },
    );
    expect(estimatedTotalHits).toBe(30);
    // A repair may also come by itself: then this one finds nothing left to do.
    await waitFor(
      async () => {
        const { operation: id } = await api
          .post<{ operation: string }>('/_miroir/nodes/meili-1/repair', { autoApprove: true })
          .catch(() => ({ operation: 'repair/meili-1' }));
        await ended(id);
        return (await countOn('meili-1', 'offers')) === 30;
      },
      { what: 'the copy to be repaired', deadlineMs },
    );
    const replicas = await compareReplicas(api, fleet.nodeKey, 'offers');
    expect(replicas).toMatchObject({ different: [], strays: 0 });
    expect(Object.keys(replicas.states)).toEqual(['in-sync']);
    const again = await run('/_miroir/indexes/offers/ttl/sweep');
    expect(again).toMatchObject({ status: 'succeeded', progress: { documentsCopied: 0 } });
  },
  3 * deadlineMs,
);

test(
  'settings changed behind the back are named and avoided, and then repaired',
  async () => {
    await write('/indexes/films/documents?primaryKey=id', [
      { id: 1, title: 'the great film' },
      { id: 2, title: 'another film' },
    ]);
    await write('/indexes/films/settings', { synonyms: { movie: ['film'] } }, 'patch');
    const uid = await physicalUid('films');
    // Else the run that reads the client's own change back would take the intruder's away.
    await waitFor(
      async () => {
        const { results } = await api.get<{ results: Operation[] }>('/_miroir/operations');
        const settings = results.filter(({ kind }) => kind === 'settings');
        return settings.length > 0 && settings.every(isOver);
      },
      { what: 'the settings to be read back', deadlineMs },
    );
    await onNode('meili-1', `/indexes/${uid}/settings`, {
      method: 'PATCH',
      body: JSON.stringify({ synonyms: {}, stopWords: ['the'] }),
    });
    const settingsOn = (node: string) =>
      onNode<{ synonyms: object; stopWords: string[] }>(node, `/indexes/${uid}/settings`);
    await waitFor(async () => (await settingsOn('meili-1')).stopWords.length === 1, {
      what: 'the intruder to be done',
      deadlineMs,
    });

    const found = await run('/_miroir/settings/check', { index: 'films', repair: false });
    expect(found).toMatchObject({
      status: 'succeeded',
      progress: {
        report: {
          drifted: [{ nodes: [{ node: 'meili-1', settings: ['stopWords', 'synonyms'] }] }],
        },
      },
    });
    // The pod hears of it in its own time.
    await waitFor(
      async () => {
        const { nodes } = await api.get<{ nodes: { node: string; drifted: string[] | null }[] }>(
          '/_miroir/indexes/films/settings',
        );
        const drifted = nodes.map((one) => `${one.node}: ${String(one.drifted)}`);
        return drifted.join('; ') === 'meili-0: null; meili-1: stopWords,synonyms';
      },
      { what: 'the drift to be shown', deadlineMs },
    );
    // Whatever the home of a query is, the other copy answers while this one differs.
    for (const q of ['movie', 'movie a', 'the movie', 'mov']) {
      const answer = await api.call<{ hits: object[] }>({
        ...{ method: 'POST', path: '/indexes/films/search', body: { q } },
      });
      expect(answer.headers.get('x-miroir-settings-inconsistent')).toBeNull();
      if (q === 'movie') expect(answer.body.hits).toHaveLength(2);
    }
    // Where no other copy is left the answer says so.
    await fleet.killNode('meili-0');
    const named = await waitFor(
      async () => {
        const answer = await api.call({
          ...{ method: 'POST', path: '/indexes/films/search', body: { q: 'film' } },
        });
        return answer.headers.get('x-miroir-settings-inconsistent');
      },
      { what: 'an answer of the other node', deadlineMs },
    );
    expect(named).toBe('meili-1');
    await fleet.restartNode('meili-0');

    const repaired = await run('/_miroir/settings/check', { index: 'films' });
    expect(repaired).toMatchObject({ status: 'succeeded' });
    expect(await settingsOn('meili-1')).toMatchObject({
      ...{ synonyms: { movie: ['film'] }, stopWords: [] },
    });
    const { results } = await api.get<{ results: { what: string; why: string }[] }>(
      '/_miroir/topology/log?limit=100',
    );
    const drift = results.filter(({ what }) => /^settings (drifted|are the same)/.test(what));
    expect(drift.map(({ what }) => what)).toEqual([
      'settings are the same again',
      'settings drifted',
    ]);
    expect(drift[1]?.why).toBe('meili-1: stopWords, synonyms');
  },
  3 * deadlineMs,
);

test(
  'a broken synonym turns a canary red, and an added node waits before its cut over until it is green',
  async () => {
    await write('/indexes/shop/documents?primaryKey=id', [
      { id: 1, title: 'mobile phone' },
      { id: 2, title: 'phone case' },
      { id: 3, title: 'lamp' },
    ]);
    const synonyms = { handset: ['phone'] };
    await write('/indexes/shop/settings', { synonyms }, 'patch');
    await api.put('/_miroir/canaries/handset', {
      index: 'shop',
      query: { q: 'handset' },
      assertions: [{ type: 'top_k_contains', k: 2, ids: [1, 2] }],
      intervalMs: 1_000,
    });
    interface Run {
      readonly ok: boolean;
      readonly failures: string[];
      readonly observed?: { ids: string[]; total: number };
    }
    const last = async (): Promise<Run | undefined> =>
      (await api.get<{ results: Run[] }>('/_miroir/canaries/handset/runs?limit=1')).results[0];
    await waitFor(async () => (await last())?.ok === true, { what: 'green', deadlineMs });

    await write('/indexes/shop/settings', { synonyms: {} }, 'patch');
    const red = await waitFor(
      async () => {
        const one = await last();
        return one?.ok === false ? one : null;
      },
      { what: 'red', deadlineMs },
    );
    // What was seen stands beside what was expected.
    expect(red.failures[0]).toContain('1, 2 not among the first 2');
    expect(red.observed).toMatchObject({ ids: [], total: 0 });

    const { id, url, group } = await fleet.addNodeProcess({ group: 0 });
    const added = await api.post<{ operation: string }>('/_miroir/nodes', {
      ...{ id, url, group, autoApprove: true },
    });
    const shop = await physicalUid('shop');
    const waiting = await waitFor(
      async () => {
        const { results } = await api.get<{ results: Operation[] }>(
          '/_miroir/operations?kind=sync&limit=100',
        );
        const held = results.find((one) => one.phase === 'canaries' && one.id.includes(shop));
        return held?.progress.waitingFor?.includes('handset') === true ? held : null;
      },
      { what: 'a move to wait for the canary', deadlineMs },
    );
    // It stays there through more red runs: nothing is read from the new node yet.
    const { results: before } = await api.get<{ results: { at: number }[] }>(
      '/_miroir/canaries/handset/runs?limit=1',
    );
    await waitFor(
      async () => {
        const { results } = await api.get<{ results: { at: number; ok: boolean }[] }>(
          '/_miroir/canaries/handset/runs?limit=100',
        );
        const since = results.filter(({ at }) => at > (before[0]?.at ?? 0));
        return since.length >= 3 && since.every(({ ok }) => !ok);
      },
      { what: 'three more red runs', deadlineMs },
    );
    expect((await operation(api, waiting.id)).phase).toBe('canaries');
    const rows = await api.get<{ results: { replicas: { node: string; state: string }[] }[] }>(
      `/_miroir/shards?index=shop&node=${id}`,
    );
    const states = rows.results.flatMap(({ replicas }) =>
      replicas.filter(({ node }) => node === id).map(({ state }) => state),
    );
    expect(states).not.toContain('in-sync');

    await write('/indexes/shop/settings', { synonyms }, 'patch');
    expect(await ended(added.operation)).toMatchObject({ status: 'succeeded' });
    const answer = await api.post<{ hits: object[] }>('/indexes/shop/search', { q: 'handset' });
    expect(answer.hits).toHaveLength(2);
  },
  3 * deadlineMs,
);
