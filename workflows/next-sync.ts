import { patched } from '@temporalio/workflow';
import type { PlannedSync } from '../core/operations';
import { syncId } from './ids';

/**
 * The next sync whose pair of nodes is free: what is moved and what is copied between two nodes are two
 * syncs under one id, which is a lock. Null: all that are left have to wait for one that runs.
 */
export function takeNext(
  todo: number[],
  syncs: readonly PlannedSync[],
  running: ReadonlySet<string>,
): number | null {
  const isFree = (position: number): boolean => {
    const sync = syncs[position];
    return sync === undefined || !running.has(syncId(sync));
  };
  const [first] = todo;
  if (first === undefined) return null;
  // Runs of before started the second one at once, which failed.
  if (isFree(first) || !patched('pairs-in-turn')) return todo.shift() ?? null;
  const at = todo.findIndex(isFree);
  return at < 0 ? null : (todo.splice(at, 1)[0] ?? null);
}
