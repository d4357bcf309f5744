import type { IndexEntry } from '../../core/fleet';
import { nodeTaskUid } from '../../core/ids';
import type { NodeId, ShardId } from '../../core/ids';
import type { FleetTask } from '../../store/task-types';
import { clientOf } from '../tools';
import type { ActivityTools } from '../tools';

/** So many of the index's last writes are held against the nodes. */
const writesMax = 2_000;
const pageTasks = 500;
const uidsPerCall = 200;

const documentTypes: ReadonlySet<string> = new Set([
  'documentAdditionOrUpdate',
  'documentDeletion',
  'documentEdition',
]);

/**
 * For each node the writes to the shard that it took into its queue, by the record, and that it has not
 * carried out: its task is gone, belongs to something else, or did not succeed. Ascending task uids.
 */
export async function missedWrites(
  tools: ActivityTools,
  entry: IndexEntry,
  { shard, nodes }: { readonly shard: ShardId; readonly nodes: readonly NodeId[] },
): Promise<ReadonlyMap<NodeId, readonly number[]>> {
  const writes = await writesTo(tools, entry, shard);
  const missed = new Map<NodeId, number[]>();
  for (const node of nodes) {
    const due = new Map<number, number>();
    for (const { uid, nodeTasks } of writes) {
      for (const ref of nodeTasks) {
        const isMain = ref.result?.['role'] === undefined || ref.result['role'] === 'main';
        if (ref.node === node && isMain) due.set(ref.uid, uid);
      }
    }
    missed.set(node, await notDone(tools, node, due));
  }
  return missed;
}

async function writesTo(
  { store }: ActivityTools,
  { uid, physicalUid }: IndexEntry,
  shard: ShardId,
): Promise<FleetTask[]> {
  const found: FleetTask[] = [];
  let from: FleetTask['uid'] | null = null;
  for (let seen = 0; seen < writesMax; seen += pageTasks) {
    const page: Awaited<ReturnType<typeof store.tasks.list>> = await store.tasks.list({
      limit: pageTasks,
      filter: { indexUids: [uid], statuses: ['succeeded'] },
      ...(from === null ? {} : { from }),
    });
    found.push(
      ...page.tasks.filter(
        (task) =>
          task.physicalUid === physicalUid &&
          documentTypes.has(task.type) &&
          (task.shards === 'all' || task.shards.includes(shard)),
      ),
    );
    if (page.next === null) break;
    from = page.next;
  }
  return found;
}

/** `due`: node task uid → the fleet task that it carries. */
async function notDone(
  tools: ActivityTools,
  node: NodeId,
  due: ReadonlyMap<number, number>,
): Promise<number[]> {
  const client = await clientOf(tools, node);
  const missed: number[] = [];
  const uids = [...due.keys()];
  for (let at = 0; at < uids.length; at += uidsPerCall) {
    const part = uids.slice(at, at + uidsPerCall);
    const { results } = await client.tasks({ uids: part.map(nodeTaskUid), limit: part.length });
    const done = new Set(
      results
        .filter(({ uid, status, customMetadata }) => {
          return status === 'succeeded' && customMetadata === `m${String(due.get(uid))}`;
        })
        .map(({ uid }) => Number(uid)),
    );
    missed.push(...part.filter((uid) => !done.has(uid)).map((uid) => due.get(uid) ?? 0));
  }
  return missed.sort((a, b) => a - b);
}
