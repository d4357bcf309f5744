import { createNodeClient } from '../../meili/node-client';
import { bucketFilter } from '../../core/hidden-fields';
import type { DocumentDigest } from '../../core/digest';
import { combineDigests, digestDocument } from '../../core/digest';
import { physicalUid, shardId } from '../../core/ids';
import { findMember, scanArrayItems, scanObject } from '../../core/json/scan';
import type { ApiClient } from '../../cli/client';
import type { Topology } from '../../cli/topology';

interface ShardRow {
  readonly index: string;
  readonly shard: number;
  readonly replicas: readonly { readonly node: string; readonly state: string }[];
}

export interface ReplicaReport {
  /** Shards whose in-sync copies differ in count or digest. */
  readonly different: readonly string[];
  /** Documents found on nodes that do not hold their shard. */
  readonly strays: number;
  readonly states: Readonly<Record<string, number>>;
}

/** Reads every copy of every shard from the nodes themselves and compares them. */
export async function compareReplicas(
  api: ApiClient,
  nodeKey: string,
  index: string,
): Promise<ReplicaReport> {
  const topology = await api.get<Topology>('/_miroir/topology');
  const { results } = await api.get<{ results: ShardRow[] }>(`/_miroir/shards?index=${index}`);
  const entry = topology.indexes.find((one) => one.uid === index);
  if (entry === undefined) throw new Error(`No index ${index}.`);
  const states: Record<string, number> = {};
  const different: string[] = [];
  const heldOf = new Map<string, number>();
  for (const row of results) {
    const digests = new Set<string>();
    for (const { node, state } of row.replicas) {
      states[state] = (states[state] ?? 0) + 1;
      const url = topology.nodes.find((one) => one.id === node)?.url ?? '';
      const found = await digestShard({ url, nodeKey, entry, shard: row.shard });
      heldOf.set(node, (heldOf.get(node) ?? 0) + found.count);
      if (state === 'in-sync') digests.add(`${found.count}/${found.digest}`);
    }
    if (digests.size !== 1) different.push(`shard ${row.shard}: ${[...digests].join(' and ')}`);
  }
  const strays = await countStrays(topology, { nodeKey, uid: entry.physicalUid, heldOf });
  return { different, strays, states };
}

async function digestShard(of: {
  url: string;
  nodeKey: string;
  entry: Topology['indexes'][number];
  shard: number;
}): Promise<{ count: number; digest: string }> {
  const client = createNodeClient({ url: of.url, key: of.nodeKey });
  try {
    const { bytes } = await client.fetchDocuments(physicalUid(of.entry.physicalUid), {
      limit: 1_000_000,
      filter: bucketFilter([shardId(of.shard)], of.entry.shardCount),
    });
    const digests: DocumentDigest[] = [];
    scanObject(bytes, 0, (key, start) => {
      if (key !== 'results') return;
      scanArrayItems(bytes, start, (from, to) =>
        digests.push({ id: idOf(bytes, from), digest: digestDocument(bytes.subarray(from, to)) }),
      );
    });
    return combineDigests(digests);
  } finally {
    await client.close();
  }
}

/** Documents on a node beyond those of the shards that the table gives it. */
async function countStrays(
  topology: Topology,
  held: { nodeKey: string; uid: string; heldOf: ReadonlyMap<string, number> },
): Promise<number> {
  let strays = 0;
  for (const node of topology.nodes) {
    const client = createNodeClient({ url: node.url, key: held.nodeKey });
    try {
      const present = await client.getIndex(physicalUid(held.uid));
      const stats = present === null ? null : await client.stats(physicalUid(held.uid));
      strays += (stats?.numberOfDocuments ?? 0) - (held.heldOf.get(node.id) ?? 0);
    } finally {
      await client.close();
    }
  }
  return strays;
}

function idOf(bytes: Uint8Array, start: number): string {
  const span = findMember(bytes, start, 'id');
  return span === null ? '' : Buffer.from(bytes.subarray(span.start, span.end)).toString('utf8');
}
