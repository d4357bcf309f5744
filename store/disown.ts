import type { Fleet } from '../core/fleet';
import { shardId } from '../core/ids';
import type { NodeId } from '../core/ids';
import { scriptItemsMax } from '../core/limits';
import { disown } from '../core/replicas';
import type { FleetOp, Store } from './types';

/** The rows in which a node's copies are stale, because what is on its disk is not what was written. */
function disownOps(fleet: Fleet, node: NodeId): FleetOp[] {
  return fleet.indexes.flatMap((entry) =>
    disown(entry, node).changes.map(({ group, shard, replicas }): FleetOp => ({
      ...{ op: 'set-replicas', physicalUid: entry.physicalUid },
      ...{ group, shard: shardId(shard), replicas },
    })),
  );
}

/**
 * Makes every copy on a node stale that is not the last in-sync one of its shard. Those that are stay,
 * because the table must say where the shard was; pods do not read them while the node is strange.
 * Returns how many rows were changed.
 */
export async function disownNode(
  store: Pick<Store, 'fleet'>,
  node: NodeId,
  audit: { readonly who: string; readonly why: string },
): Promise<number> {
  let changed = 0;
  for (;;) {
    let now = 0;
    let left = 0;
    await store.fleet.update({ ...audit, what: `${node} is new` }, (fleet) => {
      const ops = disownOps(fleet, node);
      now = Math.min(ops.length, scriptItemsMax);
      left = ops.length - now;
      return now === 0 ? null : ops.slice(0, scriptItemsMax);
    });
    changed += now;
    if (left === 0) return changed;
  }
}
