import { parseDocuments } from '../core/documents/parse';
import { buildPayload, prepareDocuments } from '../core/documents/prepare';
import { writers } from '../core/covering-set';
import type { FleetNode, IndexEntry } from '../core/fleet';
import { shardOfId } from '../core/hash';
import { groupId, indexUid, nodeId, physicalUid } from '../core/ids';
import type { NodeId } from '../core/ids';
import { skipValue } from '../core/json/scan';
import { place } from '../core/placement';
import { documentsWorkload } from './workloads/documents';
import type { DocumentsWorkload } from './workloads/documents';

/** What one run measured. Ratios compare two things of the same run and machine. */
export interface PlaceBench {
  /** Documents a second from their id to the nodes that get them: 64 shards, 3 nodes. */
  readonly routedPerSecond: number;
  /** Megabytes a second of syntax check alone. */
  readonly scanMegabytesPerSecond: number;
  /** Megabytes a second from a payload to a node's payload with hidden fields. */
  readonly prepareMegabytesPerSecond: number;
  /** The same with JSON.parse, new members and JSON.stringify. */
  readonly parseMegabytesPerSecond: number;
  /** Ours over theirs: above 1, ours is faster. */
  readonly prepareOverParse: number;
  /** Replicas on each node, by its name. */
  readonly replicas: Readonly<Record<string, number>>;
}

const shardCount = 64;

function benchEntry(): IndexEntry {
  const nodes = ['meili-0', 'meili-1', 'meili-2'].map((id): FleetNode => ({
    id: nodeId(id),
    url: `http://${id}:7700`,
    group: groupId(0),
    zone: null,
    weight: 1,
    intent: 'active',
    instanceId: null,
  }));
  const { placement } = place({
    nodes,
    groups: [groupId(0)],
    shardCount,
    replicationFactor: 1,
    present: null,
    seed: 'bench',
  });
  return {
    uid: indexUid('bench'),
    physicalUid: physicalUid('bench'),
    primaryKey: 'id',
    createdAt: '2026-11-24T00:00:00Z',
    updatedAt: '2026-11-24T00:00:00Z',
    shardCount,
    replicationFactor: 1,
    settings: {},
    settingsVersion: 1,
    placement,
  };
}

/** Seconds of the fastest of several runs: what else the machine does only makes a run slower. */
function fastest(runs: number, work: () => void): number {
  let best = Infinity;
  for (let run = 0; run < runs; run += 1) {
    const started = performance.now();
    work();
    best = Math.min(best, performance.now() - started);
  }
  return best / 1_000;
}

function routeAll(ids: readonly string[], nodesOf: readonly (readonly NodeId[])[]): number {
  let sent = 0;
  for (const id of ids) sent += nodesOf[shardOfId(id, shardCount)]?.length ?? 0;
  return sent;
}

function prepareAll({ bytes }: DocumentsWorkload): number {
  const parsed = parseDocuments(bytes, 'json');
  const result = prepareDocuments({ parsed, primaryKey: 'id', shardCount, ttl: false });
  if (!result.ok) throw new Error(result.error.message);
  const ordered = result.documents.map((prepared, seq) => ({ prepared, seq }));
  return buildPayload(ordered, bytes).length;
}

/** The naive way to the same: every value is made and written again. */
function parseAll({ bytes }: DocumentsWorkload): number {
  const text = new TextDecoder().decode(bytes);
  const documents = JSON.parse(text) as Record<string, unknown>[];
  const built = documents.map((document, seq) => {
    const shard = shardOfId(String(document.id), shardCount);
    const hidden = { _miroir_bucket: `b${String(shard)}`, _miroir_seq: `s${String(seq)}` };
    return { ...document, ...hidden, _miroir_slot: `t${String(shard)}` };
  });
  return new TextEncoder().encode(JSON.stringify(built)).length;
}

/** Hashes, routes and prepares 10,000 documents, and does the same by parsing, in one run. */
export function benchPlace(count = 10_000, runs = 9): PlaceBench {
  const workload = documentsWorkload(count);
  const entry = benchEntry();
  const nodesOf = Array.from({ length: shardCount }, (_, shard) =>
    writers(entry, shard as Parameters<typeof writers>[1]),
  );
  const megabytes = workload.bytes.length / 1e6;
  const route = fastest(runs * 5, () => routeAll(workload.ids, nodesOf));
  const scan = fastest(runs, () => skipValue(workload.bytes, 0));
  const prepare = fastest(runs, () => prepareAll(workload));
  const parse = fastest(runs, () => parseAll(workload));
  const replicas: Record<string, number> = {};
  for (const [node] of nodesOf) {
    if (node !== undefined) replicas[node] = (replicas[node] ?? 0) + 1;
  }
  return {
    routedPerSecond: Math.round(count / route),
    scanMegabytesPerSecond: Math.round(megabytes / scan),
    prepareMegabytesPerSecond: Math.round(megabytes / prepare),
    parseMegabytesPerSecond: Math.round(megabytes / parse),
    prepareOverParse: Math.round((parse / prepare) * 100) / 100,
    replicas,
  };
}
