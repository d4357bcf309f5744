/**
 * Goal: an operation that is cancelled or reversed at any moment ends before or after, never between: the
 * catalogue as it was or as it was to be, every pair of nodes moved whole or not at all, no copy half
 * made, and each document on just the nodes that the table names.
 *
 * Method: the real workflows and activities on a real Temporal, embedded nodes and a real Valkey. A sync
 * is held at the beginning of a phase while the operator's verb is sent. The matrix is phases × verbs ×
 * kinds; a run takes a few of its cells, chosen by a seed. MIROIR_SEED repeats a choice,
 * MIROIR_MATRIX=full takes all cells, MIROIR_MATRIX=<n> so many.
 */
import { createActivities } from '../../activities/create-activities';
import type { Fleet, IndexEntry } from '../../core/fleet';
import { shardOfId } from '../../core/hash';
import { groupId, nodeId } from '../../core/ids';
import { syncPhases } from '../../core/operations';
import type { OperationReport, SyncPhase } from '../../core/operations';
import type { PlacementChange } from '../../core/placement-change';
import { planChange } from '../../core/plan-change';
import type { SpreadChange } from '../../core/plan-change';
import { runOf } from '../../workflows/start-change';
import {
  documentsOf,
  origin,
  products,
  productsUid,
  shardCount,
  startFleet,
} from '../activities/fleet-for-test';
import type { TestFleet } from '../activities/fleet-for-test';
import { waitFor } from '../support/wait-for';
import { runOptions, startRuns } from './run-for-test';
import type { TestRuns } from './run-for-test';

const cellsByDefault = 6;
const documentCount = 60;
const verbs = ['cancel', 'reverse'] as const;
type Verb = (typeof verbs)[number];

const reshardTo = (count: number): SpreadChange => ({
  ...{ kind: 'reshard', index: productsUid, physicalUid: products, shardCount: count },
});
const factor = { index: productsUid, physicalUid: products, replicationFactor: 2 };

/** All start with every shard on meili-0; meili-3 runs and is no part of the fleet yet. */
const changes: Readonly<Record<string, (spareUrl: string) => SpreadChange>> = {
  rebalance: () => ({ kind: 'rebalance', group: groupId(0) }),
  'drain-node': () => ({ kind: 'drain-node', node: nodeId('meili-0'), lost: false }),
  'add-node': (url) => ({
    kind: 'add-node',
    node: { id: nodeId('meili-3'), url, group: groupId(0), zone: null, weight: 1 },
  }),
  'remove-node': () => ({ kind: 'remove-node', node: nodeId('meili-0'), lost: false }),
  'set-node': () => ({ kind: 'set-node', node: nodeId('meili-1'), weight: 3, zone: null }),
  'replace-node': (url) => ({
    ...{ kind: 'replace-node', old: nodeId('meili-0'), lost: false },
    node: { id: nodeId('meili-3'), url, group: groupId(0), zone: null, weight: 1 },
  }),
  'add-group': (url) => ({
    ...{ kind: 'add-group', group: groupId(1) },
    nodes: [{ id: nodeId('meili-3'), url, group: groupId(1), zone: null, weight: 1 }],
  }),
  'set-replication': () => ({ kind: 'set-replication', factors: [factor] }),
  'reshard up': () => reshardTo(shardCount * 2),
  'reshard down': () => reshardTo(shardCount / 2),
};

interface Cell {
  readonly kind: string;
  readonly phase: SyncPhase;
  readonly verb: Verb;
}

/** What only adds copies has no source to give up: no grace time, and where nothing is dropped no clean up. */
const missing: ReadonlySet<string> = new Set([
  ...['add-group grace', 'add-group clean-up', 'set-replication grace'],
]);

const all: readonly Cell[] = Object.keys(changes).flatMap((kind) =>
  syncPhases
    .filter((phase) => !missing.has(`${kind} ${phase}`))
    .flatMap((phase) => verbs.map((verb) => ({ kind, phase, verb }))),
);

const seed = Number(process.env['MIROIR_SEED'] ?? Date.now() % 1_000_000);

/** Cells far apart: each step goes on to another kind, another phase and the other verb. */
function chosen(): Cell[] {
  const wanted = process.env['MIROIR_MATRIX'] ?? String(cellsByDefault);
  if (wanted === 'full') return [...all];
  const stride = 43;
  return Array.from({ length: Math.min(Number(wanted), all.length) }, (_, step) => {
    return all[(seed + step * stride) % all.length] as Cell;
  });
}

jest.setTimeout(120_000);

let fleet: TestFleet;
let runs: TestRuns;
/** Lets go what a test holds, also when it failed. */
let letGo: () => void = () => undefined;

beforeEach(async () => {
  fleet = await startFleet(4);
  await fleet.store.fleet.update({ ...origin, what: 'spare' }, () => [
    { op: 'remove-node', id: nodeId('meili-3') },
  ]);
  await fleet.write(documentsOf(0, documentCount));
  runs = await startRuns({ activities: () => createActivities(fleet.tools) });
});
afterEach(async () => {
  letGo();
  await runs.close();
  await fleet.close();
});

const entryOf = (now: Fleet): IndexEntry => now.indexes[0] as IndexEntry;

/** Holds the first activity of a phase until it is opened. */
function hold(phase: SyncPhase): { reached: () => boolean } {
  let reached = false;
  const opened = new Promise<void>((resolve) => (letGo = resolve));
  const failpoint = async (at: string): Promise<void> => {
    if (at !== phase || reached) return;
    reached = true;
    await opened;
  };
  Object.assign(fleet.tools, { failpoint });
  return { reached: () => reached };
}

async function steer(change: SpreadChange, { phase, verb }: Cell): Promise<OperationReport> {
  const inGrace = phase === 'grace';
  const gate = hold(phase);
  const options = { ...runOptions, autoApprove: true, graceMs: inGrace ? 60_000 : 50 };
  const { workflowType, args } = runOf({ change, options, ...origin }, false);
  const handle = await runs.start(workflowType, args[0] as object);
  const plan = planChange(await fleet.store.fleet.load(), change);
  if (!plan.ok) throw new Error(plan.reason);
  await waitFor(
    async () => {
      if (!inGrace) return gate.reached();
      const jobs = await fleet.store.jobs.list({ limit: 100 });
      return jobs.some((job) => job.kind === 'sync' && job.phase === 'grace');
    },
    { what: `the phase ${phase}`, deadlineMs: 30_000 },
  );
  // Past the point of no return it is refused, and then it must end as if nobody had asked.
  const taken = await handle.executeUpdate(verb, { args: [{ who: 'matrix' }] }).then(
    () => true,
    () => false,
  );
  letGo();
  if (inGrace && verb === 'cancel') {
    // Those past their point of no return go on through their grace time; it is cut short by hand.
    await endGrace();
  }
  const report = (await handle.result()) as OperationReport;
  expect({ taken, outcome: report.outcome }).toEqual({
    ...{ taken, outcome: taken ? 'canceled' : 'done' },
  });
  return report;
}

/** A cancel does not undo what was cut over, so the way back is taken sync by sync. */
async function endGrace(): Promise<void> {
  await waitFor(
    async () => {
      const jobs = await fleet.store.jobs.list({ limit: 100 });
      const open = jobs.filter((job) => job.kind === 'sync' && job.finishedAt === undefined);
      for (const { id, phase } of open) {
        if (phase !== 'grace') continue;
        const handle = runs.client.workflow.getHandle(id);
        await handle.executeUpdate('reverse', { args: [{ who: 'matrix' }] }).catch(() => undefined);
      }
      return open.length === 0;
    },
    { what: 'all syncs to be over', deadlineMs: 30_000 },
  );
}

/** Each document on every node that holds its shard, and on no other. */
async function expectDocumentsWhereTheTableSays(now: Fleet): Promise<void> {
  const entry = entryOf(now);
  const on = await Promise.all(
    fleet.nodes.map(async ({ id }, at) => {
      const client = fleet.client(at);
      const there = (await client.getIndex(products)) !== null;
      const held = there ? [...(await fleet.documents(at)).keys()] : [];
      return { id, held: new Set(held) };
    }),
  );
  for (let at = 0; at < documentCount; at += 1) {
    const document = `doc-${String(at)}`;
    const shard = shardOfId(document, entry.shardCount);
    const wanted = entry.placement.flatMap((placed) =>
      (placed.shards[shard] ?? []).map(({ node }) => String(node)),
    );
    const found = on.filter(({ held }) => held.has(document)).map(({ id }) => String(id));
    expect({ document, on: found.sort() }).toEqual({ document, on: wanted.sort() });
  }
}

function expectCatalogue(now: Fleet, change: SpreadChange, report: OperationReport): void {
  const done = report.outcome === 'done';
  const entry = entryOf(now);
  const node = (id: string) => now.nodes.find((one) => one.id === id);
  const copies = entry.placement.flatMap(({ shards }) => shards.map((row) => row.length));
  const holds = entry.placement.some(({ shards }) =>
    shards.flat().some((replica) => replica.node === 'meili-3'),
  );
  switch (change.kind) {
    case 'set-node':
      expect(node('meili-1')?.weight).toBe(done ? 3 : 1);
      break;
    case 'drain-node':
      expect(node('meili-0')?.intent).toBe(done ? 'draining' : 'active');
      break;
    case 'replace-node':
      if (done) expect(node('meili-0')).toBeUndefined();
      else expect(node('meili-0')?.intent).toBe('active');
      expect(node('meili-3') !== undefined).toBe(holds);
      break;
    case 'add-group':
      expect(node('meili-3') !== undefined).toBe(done);
      expect(holds).toBe(done);
      break;
    case 'set-replication':
      expect(entry.replicationFactor).toBe(done ? 2 : 1);
      expect([...new Set(copies)]).toEqual([done ? 2 : 1]);
      break;
    case 'reshard': {
      const up = change.shardCount > shardCount;
      // More shards are cut before anything is copied, which is the point of no return.
      expect(entry.shardCount).toBe(done || up ? change.shardCount : shardCount);
      break;
    }
    case 'add-node':
      // A cancel leaves it in the fleet, with what it answers for already.
      expect(node('meili-3')?.intent).toBe('active');
      break;
    case 'remove-node':
      expect(node('meili-0')?.intent).toBe(done ? undefined : 'active');
      break;
    case 'rebalance':
    case 'remove-group':
      break;
  }
}

/** A pair's shards are all where they were or all where they were to go. */
function expectWholePairs(before: Fleet, now: Fleet, change: SpreadChange): void {
  const plan = planChange(before, change);
  if (!plan.ok) throw new Error(plan.reason);
  const entry = entryOf(now);
  const { indexes } = plan.moves;
  const pairs = new Map<string, boolean[]>();
  for (const { entry: planned, moves } of indexes) {
    if (planned.shardCount !== entry.shardCount) continue;
    for (const { group, shard, source, target, kind } of moves) {
      const row = entry.placement.find((placed) => placed.group === group)?.shards[shard] ?? [];
      // What is moved and what is copied between two nodes are two syncs, each whole by itself.
      const key = `${String(group)} ${source} ${target} ${kind}`;
      const arrived = row.some((replica) => replica.node === target);
      pairs.set(key, [...(pairs.get(key) ?? []), arrived]);
    }
  }
  for (const [pair, arrived] of pairs) {
    expect({ pair, arrived: [...new Set(arrived)].length }).toEqual({ pair, arrived: 1 });
  }
}

test.each(chosen())(`$kind: $verb in $phase (seed ${String(seed)})`, async (cell) => {
  const change = changes[cell.kind]?.(fleet.nodes[3]?.url ?? '') as SpreadChange & PlacementChange;
  const before = await fleet.store.fleet.load();
  const report = await steer(change, cell);
  const now = await fleet.store.fleet.load();
  const states = entryOf(now).placement.flatMap(({ shards }) =>
    shards.flat().map((replica) => replica.state),
  );
  expect([...new Set(states)]).toEqual(['in-sync']);
  expectCatalogue(now, change, report);
  expectWholePairs(before, now, change);
  await expectDocumentsWhereTheTableSays(now);
  expect(await fleet.store.governor.view()).toEqual({ holders: [], queue: [] });
});
