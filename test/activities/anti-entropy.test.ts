/**
 * Goal: copies that differ are named honestly; those that the record of the writes shows to be behind are
 * made stale and levelled, a delete is never undone, and what the record does not tell is left alone.
 * Method: a pod writes to embedded nodes; then a disk is put back to an earlier copy, or documents are
 * changed on a node behind Miroir's back, and the activities are run on the same Redis.
 */
import { randomUUID } from 'node:crypto';
import { cp, rm } from 'node:fs/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createActivities } from '../../activities/create-activities';
import type { ActivityTools } from '../../activities/tools';
import type { Activities } from '../../activities/types';
import { judgeCopies } from '../../core/anti-entropy';
import type { AntiEntropyReport } from '../../core/anti-entropy';
import { nodeId } from '../../core/ids';
import { createNodes } from '../../meili/nodes';
import { activityConfigOf, archiveToolsOf, systemClock } from '../../worker/tools';
import { disturb } from '../api/disks';
import { fleetForTest } from '../api/support';
import type { FleetForTest, PodForTest } from '../api/support';
import { openStore } from '../store/support';

jest.setTimeout(60_000);

const origin = { who: 'test', why: 'to see what differs' };
const quiet = {
  ...{ log: nothing, trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing },
};
function nothing(): void {
  return undefined;
}

let fleet: FleetForTest;
let pod: PodForTest;
let run: <N extends keyof Activities>(
  name: N,
  request: Parameters<Activities[N]>[0],
) => ReturnType<Activities[N]>;
let close: () => Promise<void>;
/** Happens whenever an activity sleeps: between two compares of a range. */
let between: () => Promise<void>;

async function begin(env: Record<string, string> = {}): Promise<void> {
  fleet = await fleetForTest({
    nodes: 2,
    shards: 4,
    env: {
      MIROIR_REQUEST_DEADLINE_MS: '1000',
      MIROIR_NODE_DEADLINE_MS: '900',
      MIROIR_FENCE_MAX_MS: '500',
      ...env,
    },
  });
  pod = await fleet.pod();
  between = () => Promise.resolve();
  const { config } = fleet;
  const opened = openStore({ prefix: config.redis.prefix, requestDeadlineMs: 50 });
  const nodes = createNodes({ masterKey: config.nodes.key, nodeKeyUid: randomUUID() });
  const tools: ActivityTools = {
    ...{
      nodes,
      store: opened.store,
      clock: {
        ...systemClock,
        sleep: (ms, signal) => between().then(() => systemClock.sleep(ms, signal)),
      },
      searchApi: null,
      operatorApi: null,
      clientApi: null,
      unseal: () => null,
    },
    log: { info: nothing, warn: nothing },
    config: { ...activityConfigOf(config), requestDeadlineMs: 50, barrierExtraMs: 10 },
    runs: { isOpen: () => Promise.resolve(true) },
    clientApi: null,
    archives: archiveToolsOf(config),
    failpoint: () => Promise.resolve(),
  };
  const activities = createActivities(tools);
  run = (name, request) => {
    const environment = new MockActivityEnvironment(
      { attempt: 1, workflowExecution: { workflowId: 'anti-entropy', runId: 'run-1' } },
      { logger: quiet },
    );
    return environment.run(activities[name] as never, request) as never;
  };
  close = async () => {
    await nodes.close();
    await opened.close();
    await fleet.close();
  };
}
afterEach(async () => {
  await close();
  // The tests that have no fleet must not close the last one again.
  close = () => Promise.resolve();
});

const docs = (from: number, to: number, v = 0): { id: number; v: number }[] =>
  Array.from({ length: to - from }, (_, at) => ({ id: from + at, v }));

async function compare(
  repair = true,
): Promise<{ report: AntiEntropyReport; nodes: readonly string[] }> {
  const report = randomUUID();
  const { indexes } = await run('beginAntiEntropy', { report, physicalUid: null, ...origin });
  for (const physicalUid of indexes) {
    await run('compareIndex', { report, operation: 'anti-entropy', physicalUid });
  }
  const { nodes } = await run('settleDifferences', { report, repair, ...origin });
  await run('finishAntiEntropy', {
    report,
    repaired: [...nodes],
    notRepaired: [],
    canceled: false,
  });
  const found = await pod.ctx.store.antiEntropyReports.get(report);
  if (found === null) throw new Error('no report');
  return { report: found, nodes };
}

async function states(node: string): Promise<Set<string>> {
  await pod.ctx.fleet.reload();
  const [entry] = (await pod.ctx.store.fleet.load()).indexes;
  const rows = entry?.placement.flatMap(({ shards }) => shards).flat() ?? [];
  return new Set(rows.filter((one) => one.node === node).map(({ state }) => state));
}

const physical = (): string => pod.ctx.fleet.current().indexes[0]?.physicalUid ?? '';

async function idsOn(node: number): Promise<number[]> {
  const { results } = await fleet.askNode(node, `/indexes/${physical()}/documents?limit=1000`);
  return (results as unknown as { id: number }[]).map(({ id }) => id).sort((a, b) => a - b);
}

test('copies that are equal are said to be, also while they are written to', async () => {
  await begin();
  await pod.write('POST', '/indexes/films/documents?primaryKey=id', docs(0, 200));
  let on = true;
  const writing = (async () => {
    for (let v = 1; on; v += 1) await pod.write('POST', '/indexes/films/documents', docs(0, 20, v));
  })();
  const { report, nodes } = await compare();
  on = false;
  await writing;
  expect(report).toMatchObject({
    outcome: 'equal',
    indexes: 1,
    shards: 4,
    differences: [],
    more: 0,
  });
  expect(report.documents).toBe(200);
  expect(nodes).toEqual([]);
});

test('a copy that lacks acknowledged writes is stale, is levelled, and its deleted documents stay gone', async () => {
  await begin({ MIROIR_HEALTH_CHECK_IDENTITY: 'false' });
  await pod.write('POST', '/indexes/films/documents?primaryKey=id', docs(0, 60));
  const old = `${fleet.disk(1)}-old`;
  await disturb(fleet, 1, (disk) => cp(disk, old, { recursive: true }));
  await pod.write('DELETE', '/indexes/films/documents/7');
  await pod
    .write('POST', '/indexes/films/documents/delete', { filter: '_never = 1' })
    .catch(nothing);
  await pod.write('POST', '/indexes/films/documents', docs(60, 70));
  await disturb(fleet, 1, async (disk) => {
    await rm(disk, { recursive: true, force: true });
    await cp(old, disk, { recursive: true });
  });
  const reportOnly = await compare(false);
  expect(reportOnly.report.outcome).toBe('differs');
  expect(reportOnly.report.repaired).toEqual([]);
  expect(await states('meili-1')).toEqual(new Set(['in-sync']));

  const { report, nodes } = await compare();
  expect(nodes).toEqual(['meili-1']);
  expect(report.outcome).toBe('repaired');
  const wrong = report.differences.filter(({ verdict }) => verdict.kind !== 'stale');
  expect(wrong).toEqual([]);
  const gone = report.differences.find(({ ids }) => ids.includes('7'));
  expect(gone?.verdict).toEqual({ kind: 'stale', nodes: ['meili-1'] });
  const behind = gone?.copies.find(({ node }) => node === 'meili-1');
  expect(behind?.missed.length).toBeGreaterThan(0);
  expect([...(await states('meili-1'))]).toContain('stale');
  expect(await states('meili-0')).toEqual(new Set(['in-sync']));

  const plan = await run('planRepair', { node: nodeId('meili-1'), physicalUid: null });
  for (const { documents: _, bytes: __, ...pair } of plan.syncs) {
    const ref = { ...pair, ...origin, runKey: 'repair' };
    const { epoch } = await run('openTarget', ref);
    await pod.ctx.fleet.reload(epoch);
    await pod.ctx.pod.beat();
    await run('passBarrier', { epoch, operation: 'repair' });
    await run('copyRanges', { ref, cursor: null });
    await run('catchUpRound', ref);
    expect(await run('joinUnderFence', ref)).toMatchObject({ joined: true });
    await run('verifyCopy', ref);
    expect(await run('cutOver', ref)).toEqual({ ok: true });
  }
  expect(await idsOn(1)).toEqual(await idsOn(0));
  expect(await idsOn(1)).not.toContain(7);
  expect((await compare()).report.outcome).toBe('equal');
});

test('what the record does not tell is named and left alone: nothing comes back and nothing goes', async () => {
  await begin();
  await pod.write('POST', '/indexes/films/documents?primaryKey=id', docs(0, 40));
  await fleet.askNode(1, `/indexes/${physical()}/documents/11`, { method: 'DELETE' });
  const [before, without] = [await idsOn(0), docs(0, 40).filter(({ id }) => id !== 11)];
  const { report, nodes } = await compare();
  expect(report.outcome).toBe('differs');
  expect(report.differences).toHaveLength(1);
  expect(report.differences[0]).toMatchObject({
    ...{ documents: 1, ids: ['11'], verdict: { kind: 'undecided' } },
  });
  expect(nodes).toEqual([]);
  expect(await states('meili-1')).toEqual(new Set(['in-sync']));
  expect(await idsOn(0)).toEqual(before);
  expect(await idsOn(1)).toEqual(without.map(({ id }) => id));
});

test('a range that never stops changing is neither equal nor decided', async () => {
  await begin();
  await pod.write('POST', '/indexes/films/documents?primaryKey=id', docs(0, 40));
  let v = 1;
  between = async () => {
    const body = JSON.stringify([{ id: 11, v: (v += 1) }]);
    await fleet.askNode(1, `/indexes/${physical()}/documents`, { method: 'PUT', body });
  };
  await between();
  const { report, nodes } = await compare();
  expect(report.outcome).toBe('differs');
  expect(report.differences.map(({ verdict }) => verdict)).toEqual([
    { kind: 'undecided', why: expect.stringContaining('changing') as string },
  ]);
  expect(nodes).toEqual([]);
  expect(await states('meili-1')).toEqual(new Set(['in-sync']));
});

test('copies in transit, stale ones and nodes that are away are not compared, and said not to be', async () => {
  await begin();
  await pod.write('POST', '/indexes/films/documents?primaryKey=id', docs(0, 40));
  const row = (shard: number, state: 'stale' | 'syncing') => ({
    ...{ op: 'set-replicas' as const, physicalUid: physical() as never, group: 0 as never },
    ...{
      shard: shard as never,
      replicas: [
        { node: nodeId('meili-0'), state: 'in-sync' as const },
        { node: nodeId('meili-1'), state },
      ],
    },
  });
  await pod.ctx.store.fleet.update({ ...origin, what: 'test' }, () => [
    row(0, 'stale'),
    row(1, 'syncing'),
  ]);
  const { report, nodes } = await compare();
  expect(report.shards).toBe(2);
  const said = report.passedOver.map(({ shard, node, why }) => `${shard} ${node} ${why}`);
  expect(said.sort()).toEqual([
    '0 meili-0 only copy',
    '0 meili-1 stale',
    '1 meili-0 only copy',
    '1 meili-1 syncing',
  ]);
  expect(nodes).toEqual(['meili-1']);
  await fleet.nodes[1]?.close();
  const away = await compare();
  expect(away.report.shards).toBe(0);
  expect(
    away.report.passedOver.filter(({ why }) => why === 'away').map(({ shard }) => shard),
  ).toEqual([2, 3]);
});

test.each([
  [
    'the one that missed a write',
    [
      ['a', 'x', []],
      ['b', 'y', [4]],
    ],
    { kind: 'stale', nodes: ['b'] },
  ],
  [
    'not one that missed a write and is equal all the same',
    [
      ['a', 'x', []],
      ['b', 'x', [4]],
      ['c', 'y', [4]],
    ],
    { kind: 'stale', nodes: ['c'] },
  ],
  [
    'nobody where all have every write',
    [
      ['a', 'x', []],
      ['b', 'y', []],
      ['c', 'y', []],
    ],
    'undecided',
  ],
  [
    'nobody where each missed one',
    [
      ['a', 'x', [3]],
      ['b', 'y', [4]],
    ],
    'undecided',
  ],
] as const)('the record tells of %s', (_, copies, verdict) => {
  const given = copies.map(([node, print, missed]) => ({
    node: nodeId(node),
    print,
    missed: [...missed],
  }));
  const judged = judgeCopies(given);
  if (verdict === 'undecided') expect(judged.kind).toBe('undecided');
  else expect(judged).toEqual(verdict);
});
