import type { NodeId, NodeTaskUid, PhysicalUid, ShardId } from '../../core/ids';
import { shardId } from '../../core/ids';
import type { FleetTask } from '../../store/task-types';
import type { Diverged } from './fold';
import { numberingOf, partsOf, roleOf } from './fold';
import { mapShards } from '../../core/reshard';

interface Latest {
  readonly task: number;
  readonly uid: NodeTaskUid;
  /** The node's instance id when this write was seen; null where it has none. */
  readonly instance: string | null;
  /** In the numbering of its own time. */
  readonly shards: readonly number[];
  readonly numbering: number | null;
}

/**
 * Finds nodes that took the writes of an index in another order than the fleet gave them: the write
 * with the higher fleet uid must have the higher node uid. A node knows no fencing numbers, so a
 * request that landed late shows only here. Each write is held against the newest one seen, as long as
 * the node is the same instance: one that was rebuilt counts its tasks from the first on again.
 */
export class OrderCheck {
  readonly #latest = new Map<PhysicalUid, Map<NodeId, Latest>>();

  constructor(private readonly instanceOf: (node: NodeId) => string | null) {}

  /** The replicas that this write shows to have another order; to be called once for each task. */
  see(task: FleetTask): Diverged[] {
    if (task.physicalUid === null) return [];
    const nodes = this.#latest.get(task.physicalUid) ?? new Map<NodeId, Latest>();
    this.#latest.set(task.physicalUid, nodes);
    const diverged: Diverged[] = [];
    for (const ref of task.nodeTasks) {
      if (roleOf(ref) !== 'main') continue;
      const shards = partsOf(task)[ref.node] ?? [];
      const latest = nodes.get(ref.node);
      const instance = this.instanceOf(ref.node);
      if (latest?.instance === instance && latest.task !== task.uid) {
        if (latest.task < task.uid !== latest.uid < ref.uid) {
          const before = new Set<number>(inNumbersOf(task, latest));
          const common = shards.filter((shard) => before.has(shard)).map((shard) => shardId(shard));
          if (common.length > 0) diverged.push({ node: ref.node, shards: common as ShardId[] });
        }
        if (latest.task > task.uid) continue;
      }
      const numbering = numberingOf(task);
      nodes.set(ref.node, { task: task.uid, uid: ref.uid, instance, shards, numbering });
    }
    return diverged;
  }

  /** Forgets indexes that are gone. */
  retain(exists: (uid: PhysicalUid) => boolean): void {
    for (const uid of this.#latest.keys()) if (!exists(uid)) this.#latest.delete(uid);
  }
}

/** The shards of an earlier write as this one numbers them: the index may have been resharded between. */
function inNumbersOf(task: FleetTask, { shards, numbering }: Latest): readonly number[] {
  const now = numberingOf(task);
  return now === null || numbering === null ? shards : mapShards(shards, numbering, now);
}
