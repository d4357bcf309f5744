/**
 * Goal: a simulation tells the truth of its own assumptions: documents moved within the bound, each node's
 * peak, a duration that follows from the rates; a node that is away costs what it must; nothing else happens.
 * Method: the compiled process, as the command line starts it, with invented fleets.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { findTemporalTestServer } from '../../local/temporal-test-server';
import { applyOps } from '../../worker/simulate/apply-ops';
import { inputOf } from '../../worker/simulate/invent';
import type { SimulationReport, SimulationRequest } from '../../worker/simulate/input';
import { groupId, nodeId, physicalUid, shardId } from '../../core/ids';
import { builtForTest } from '../support/built';

jest.setTimeout(240_000);

let testServer = '';
beforeAll(async () => {
  testServer = await findTemporalTestServer();
});

const rates = {
  ...{ copyPerSecond: 1_000, readPerSecond: 10_000, deletePerSecond: 10_000 },
  ...{ writesPerSecond: 10, taskMs: 1_000, barrierMs: 10_000 },
};
const invented = {
  ...{ nodes: 3, groups: 1, replicationFactor: 1, shards: 16, documents: 160_000, bytesEach: 100 },
};

function request(more: Partial<SimulationRequest>): SimulationRequest {
  return {
    invented,
    change: { kind: 'rebalance', group: null },
    rates,
    options: { parallelSyncs: 4, graceMs: 60_000, documentsPerSecond: null, smallRoundIds: 200 },
    ...{ away: [], slow: {}, testServer },
    ...more,
  };
}

function simulated(more: Partial<SimulationRequest>): SimulationReport {
  const main = join(builtForTest(), 'worker', 'simulate', 'main.js');
  const { stdout, stderr, status } = spawnSync(process.execPath, [main], {
    input: JSON.stringify(request(more)),
    encoding: 'utf8',
    // It blocks this process, so no deadline of the test ends it.
    timeout: 120_000,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as SimulationReport;
}

const added = {
  kind: 'add-node' as const,
  node: { id: nodeId('meili-3'), url: 'http://x', group: groupId(0), zone: null, weight: 1 },
};

test('a node more: its fair share, no more, and as long as the rates say', () => {
  const report = simulated({ change: added });
  expect(report).toMatchObject({ outcome: 'done', error: null, documentsPlanned: 40_000 });
  const node = report.nodes.find((one) => one.node === 'meili-3');
  expect(node).toMatchObject({ documentsBefore: 0, documentsPeak: 40_000, documentsAfter: 40_000 });
  expect(node?.bytesPeak).toBe(4_000_000);
  // Ten writes a second to a quarter of the shards for about a minute.
  expect(report.documentsCopied).toBeGreaterThanOrEqual(40_000);
  expect(report.documentsCopied).toBeLessThan(40_000 * 1.05);
  // A barrier, 40,000 documents at 1,000 a second, the grace time, a barrier, and the tasks between.
  expect(report.seconds).toBeGreaterThan(120);
  expect(report.seconds).toBeLessThan(220);
  expect(report.pairs.map(({ outcome, fencedMs }) => [outcome, fencedMs])).toEqual(
    report.pairs.map(() => ['succeeded', 1_000]),
  );
  const phases = report.timeline
    .filter(({ operation }) => operation.endsWith('/meili-3') && operation.startsWith('sync/'))
    .map(({ what }) => what);
  for (const phase of ['open', 'barrier', 'copy', 'catch-up', 'join', 'verify', 'cut-over']) {
    expect(phases).toContain(phase);
  }
  expect(phases).toContain('clean-up');
});

test('a node that is away for ten minutes costs them, and is waited for', () => {
  const away = [{ node: 'meili-3', fromSeconds: 0, toSeconds: 600 }];
  const report = simulated({ change: added, away });
  expect(report.outcome).toBe('done');
  expect(report.seconds).toBeGreaterThan(700);
  expect(report.seconds).toBeLessThan(900);
});

test('a source that stays away is replaced by another copy, and nothing is sent twice', () => {
  // The only pairs are copies to the new node, of what two of three nodes have.
  const report = simulated({
    invented: { ...invented, replicationFactor: 2 },
    change: added,
    away: [{ node: 'meili-0', fromSeconds: 20, toSeconds: 3_000 }],
  });
  expect(report.outcome).toBe('done');
  const told = report.timeline.filter(({ what }) => what.startsWith('goes on from '));
  expect(told.length).toBeGreaterThan(0);
  for (const { operation, what, seconds } of told) {
    expect(operation).toContain('/meili-0/meili-3');
    expect(what).toMatch(/^goes on from meili-[12](, meili-[12])?$/);
    // After the minute that a source has to come back.
    expect(seconds).toBeGreaterThan(75);
  }
  expect(report.documentsCopied).toBeLessThan(report.documentsPlanned * 1.05);
});

test('a copy that nothing replaces is waited for, and then the pair is undone', () => {
  const away = [{ node: 'meili-0', fromSeconds: 20, toSeconds: 30_000 }];
  const report = simulated({ change: added, away });
  expect(report.outcome).toBe('failed');
  const undone = report.pairs.filter(({ source }) => source === 'meili-0');
  expect(undone.map(({ outcome }) => outcome)).toEqual(undone.map(() => 'failed'));
  expect(undone.length).toBeGreaterThan(0);
  expect(report.error).toContain('meili-0 does not answer');
  expect(report.seconds).toBeGreaterThan(900);
});

test('what cannot be done is told as it would fail', () => {
  const report = simulated({
    change: { kind: 'drain-node', node: nodeId('nobody'), lost: false },
  });
  expect(report).toMatchObject({ outcome: 'failed', error: 'There is no node nobody.', pairs: [] });
});

test('a request that names no fleet is refused', () => {
  const { invented: _, ...rest } = request({});
  expect(() => inputOf(rest)).toThrow(/Neither/);
});

test('a change of the table in memory is what the store would make of it', () => {
  const { fleet } = inputOf(request({}));
  const uid = physicalUid('documents-1');
  const [node] = fleet.nodes;
  const group = groupId(0);
  const row = [{ node: nodeId('meili-2'), state: 'leaving' as const }];
  const after = applyOps(fleet, [
    { op: 'set-node', node: { ...(node as NonNullable<typeof node>), weight: 3 } },
    { op: 'set-replicas', physicalUid: uid, group, shard: shardId(2), replicas: row },
  ]);
  expect(after.epoch).toBe(fleet.epoch + 1);
  expect(after.nodes.find(({ id }) => id === 'meili-0')?.weight).toBe(3);
  expect(after.indexes[0]?.placement[0]?.shards[2]).toEqual(row);
  expect(after.indexes[0]?.placement[0]?.shards[3]).toEqual(
    fleet.indexes[0]?.placement[0]?.shards[3],
  );
  const gone = applyOps(after, [
    { op: 'remove-node', id: nodeId('meili-0') },
    { op: 'remove-placement', physicalUid: uid },
  ]);
  expect(gone.nodes.map(({ id }) => id)).not.toContain('meili-0');
  expect(gone.indexes[0]?.placement).toEqual([]);
});
