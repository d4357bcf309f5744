import { addToReport, judgeCopies } from '../../core/anti-entropy';
import type {
  AntiEntropyReport,
  ComparedIndex,
  CopyVerdict,
  Difference,
  PassedOver,
} from '../../core/anti-entropy';
import type { Fleet, IndexEntry } from '../../core/fleet';
import type { NodeId, PhysicalUid, ShardId } from '../../core/ids';
import { markStale } from '../../core/replicas';
import type { ReplicaName } from '../../core/replicas';
import { isNodeError } from '../../meili/node-error';
import { inspect } from '../nodes/inspect';
import { slotsOfShard } from '../sync/compare-range';
import { createPace } from '../sync/pace';
import { changeReplicas } from '../sync/replica-changes';
import { entryOf, stopIfCancelled } from '../tools';
import type { ActivityTools, Call } from '../tools';
import type { AntiEntropyCounts, CompareRequest, SettleRequest, SettledReport } from '../types';
import { compareCopies, comparesMax, widthOf } from './compare-copies';
import type { Comparing, Copy } from './compare-copies';
import { missedWrites } from './missed-writes';

const gone = (report: string): Error => new Error(`The report ${report} was deleted.`);

/** Begins the report, once, and says which indexes there are to compare. */
export async function beginAntiEntropy(
  { store, clock }: ActivityTools,
  request: Pick<SettleRequest, 'report' | 'who' | 'why'> & {
    readonly physicalUid: PhysicalUid | null;
  },
): Promise<{ readonly indexes: readonly PhysicalUid[] }> {
  const { report: id, who, why, physicalUid } = request;
  await store.antiEntropyReports.create({
    ...{ id, who, why, startedAt: new Date(clock.now()).toISOString(), finishedAt: null },
    ...{ outcome: 'running', indexes: 0, shards: 0, ranges: 0, documents: 0, again: 0 },
    ...{ differences: [], passedOver: [], more: 0, repaired: [], notRepaired: [] },
  });
  const { indexes } = await store.fleet.load();
  const uids = indexes.map((entry) => entry.physicalUid).sort();
  return { indexes: uids.filter((uid) => physicalUid === null || uid === physicalUid) };
}

/** Compares all copies of one index. What is found goes into the report, only counts are returned. */
export async function compareIndex(
  tools: ActivityTools,
  { report: id, operation, physicalUid }: CompareRequest,
  call: Call,
): Promise<AntiEntropyCounts> {
  const { store } = tools;
  const fleet = await store.fleet.load();
  const known = fleet.indexes.find((one) => one.physicalUid === physicalUid);
  // It was deleted since the run began.
  if (known === undefined) return { documents: 0, differences: 0 };
  const found = await compareShards(tools, { fleet, entry: known, operation }, call);
  const report = await store.antiEntropyReports.update(id, (before) => addToReport(before, found));
  if (report === null) throw gone(id);
  return { documents: found.documents, differences: found.differences.length };
}

async function compareShards(
  tools: ActivityTools,
  { fleet, entry, operation }: { fleet: Fleet; entry: IndexEntry; operation: string },
  call: Call,
): Promise<ComparedIndex> {
  const able = await answering(tools, fleet, entry);
  const pace = createPace(tools, call, operation);
  const sum = { shards: 0, ranges: 0, documents: 0, again: 0 };
  const differences: Difference[] = [];
  const passedOver: PassedOver[] = [];
  for (let at = 0; at < entry.shardCount; at += 1) {
    const shard = at as ShardId;
    const copies = copiesOf(tools, { fleet, entry, able }, { shard, passedOver });
    if (copies.length < 2 || entry.primaryKey === null) continue;
    sum.shards += 1;
    const comparing: Comparing = { tools, call, copies, primaryKey: entry.primaryKey };
    const whole = slotsOfShard(shard, entry.shardCount);
    const width = await widthOf(comparing, whole);
    for (let from = whole.from; from < whole.to;) {
      stopIfCancelled(call);
      const asked = { from, to: Math.min(from + width, whole.to) };
      const compared = await compareCopies(comparing, asked);
      from = compared.range.to;
      sum.ranges += 1;
      sum.documents += compared.documents;
      if (compared.compares > 1) sum.again += 1;
      if (compared.difference !== null) {
        differences.push(await judged(tools, entry, { shard, ...compared }));
      }
      call.beat({ shard, from });
      while (!(await pace.after(compared.documents, sum.documents))) {
        await tools.clock.sleep(1_000, call.signal);
      }
    }
  }
  return { ...sum, differences, passedOver };
}

/** Writes that are on their way look like missed ones: the record is not asked about such a range. */
const stillChanging: CopyVerdict = {
  kind: 'undecided',
  why: `changing: it was never the same in ${String(comparesMax)} compares`,
};

type Compared = Awaited<ReturnType<typeof compareCopies>> & { readonly shard: ShardId };

async function judged(
  tools: ActivityTools,
  entry: IndexEntry,
  { shard, range, difference, changing }: Compared,
): Promise<Difference> {
  const { prints, documents, ids } = difference ?? { prints: new Map(), documents: 0, ids: [] };
  const missed = await missedWrites(tools, entry, { shard, nodes: [...prints.keys()] });
  const copies = [...prints].map(([node, one]) => ({
    ...{ node, ...one, missed: missed.get(node) ?? [] },
  }));
  return {
    ...{ index: entry.uid, physicalUid: entry.physicalUid, shard, from: range.from, to: range.to },
    ...{ copies, documents, ids, verdict: changing ? stillChanging : judgeCopies(copies) },
  };
}

/** Nodes that answer and are the ones that the table means. */
async function answering(
  tools: ActivityTools,
  fleet: Fleet,
  entry: IndexEntry,
): Promise<ReadonlySet<NodeId>> {
  const held = new Set(
    entry.placement.flatMap(({ shards }) => shards.flat()).map(({ node }) => node),
  );
  const able = new Set<NodeId>();
  for (const node of fleet.nodes.filter(({ id }) => held.has(id))) {
    try {
      if ((await inspect(tools, node)).kind !== 'strange') able.add(node.id);
    } catch (error) {
      if (!isNodeError(error)) throw error;
    }
  }
  return able;
}

/** The copies that may be compared; the others are written down with the reason. */
function copiesOf(
  tools: ActivityTools,
  { fleet, entry, able }: { fleet: Fleet; entry: IndexEntry; able: ReadonlySet<NodeId> },
  { shard, passedOver }: { shard: ShardId; passedOver: PassedOver[] },
): Copy[] {
  const { uid: index, physicalUid } = entry;
  const copies: (Copy & Pick<PassedOver, 'group'>)[] = [];
  for (const { group, shards } of entry.placement) {
    for (const { node: id, state } of shards[shard] ?? []) {
      const node = fleet.nodes.find((one) => one.id === id);
      const why = state !== 'in-sync' ? state : !able.has(id) || node === undefined ? 'away' : null;
      if (why !== null) passedOver.push({ index, shard, group, node: id, why });
      else if (node !== undefined) {
        copies.push({ node: id, group, client: tools.nodes.client(node), physicalUid });
      }
    }
  }
  const [only, ...more] = copies;
  if (only !== undefined && more.length === 0) {
    passedOver.push({ index, shard, group: only.group, node: only.node, why: 'only copy' });
  }
  return copies;
}

/**
 * Makes the copies stale that the record of the writes shows to be behind, never the last one, and says
 * which nodes have something to repair. A copy that is to be repaired anyway is named as well.
 */
export async function settleDifferences(
  tools: ActivityTools,
  { report: id, repair, who, why }: SettleRequest,
): Promise<{ readonly nodes: readonly NodeId[] }> {
  const report = await tools.store.antiEntropyReports.get(id);
  if (report === null) throw gone(id);
  if (!repair) return { nodes: [] };
  const nodes = new Set<NodeId>();
  for (const difference of report.differences) {
    if (difference.verdict.kind !== 'stale') continue;
    const { physicalUid, shard, verdict } = difference;
    const entry = await entryOf(tools, physicalUid).catch(() => null);
    if (entry === null) continue;
    const missed = namesOf(entry, shard, verdict.nodes);
    const what = `anti-entropy: ${verdict.nodes.join(', ')} lacks writes`;
    await changeReplicas(tools, { physicalUid, who, why, what }, (present) => ({
      ...{ ok: true, changes: markStale(present, missed).changes },
    }));
    for (const node of verdict.nodes) nodes.add(node);
  }
  for (const { why: state, node } of report.passedOver) if (state === 'stale') nodes.add(node);
  return { nodes: [...nodes].sort() };
}

function namesOf(entry: IndexEntry, shard: ShardId, nodes: readonly NodeId[]): ReplicaName[] {
  return entry.placement.flatMap(({ group, shards }) =>
    (shards[shard] ?? [])
      .filter(({ node }) => nodes.includes(node))
      .map(({ node }) => ({ group, shard, node })),
  );
}

/** The end of the report: what came of it, in one word and in full. */
export async function finishAntiEntropy(
  { store, clock }: ActivityTools,
  { report: id, repaired, notRepaired, canceled }: SettledReport,
): Promise<{ readonly outcome: AntiEntropyReport['outcome'] }> {
  const report = await store.antiEntropyReports.update(id, (before) => ({
    ...before,
    ...{ repaired, notRepaired, finishedAt: new Date(clock.now()).toISOString() },
    outcome: canceled ? 'canceled' : outcomeOf(before, { repaired, notRepaired }),
  }));
  if (report === null) throw gone(id);
  return { outcome: report.outcome };
}

/** `repaired` is said only when every node with something to repair was repaired. */
function outcomeOf(
  { differences, passedOver, more }: AntiEntropyReport,
  { repaired, notRepaired }: Pick<SettledReport, 'repaired' | 'notRepaired'>,
): AntiEntropyReport['outcome'] {
  const verdicts = differences.map(({ verdict }) => verdict);
  const behind = new Set([
    ...verdicts.flatMap((verdict) => (verdict.kind === 'stale' ? verdict.nodes : [])),
    ...passedOver.filter(({ why }) => why === 'stale').map(({ node }) => node),
  ]);
  if (differences.length === 0 && behind.size === 0 && more === 0) return 'equal';
  const open = verdicts.some(({ kind }) => kind === 'undecided') || more > 0;
  const left = [...behind].some((node) => !repaired.includes(node));
  return open || left || notRepaired.length > 0 ? 'differs' : 'repaired';
}
