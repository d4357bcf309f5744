import { patched } from '@temporalio/workflow';
import type { Epoch } from '../core/ids';
import type { Operation } from './operation';

/** The deletion waits for the nodes to keep the state; runs that began before this was shown do not show it. */
export function deleteWhenKept<T>(
  operation: Operation,
  epoch: Epoch,
  remove: () => Promise<T>,
): Promise<T> {
  if (!patched('keep-before-deleting')) return remove();
  const reason = `the nodes to keep epoch ${String(epoch)}, then the deletion of documents`;
  return operation.waiting(reason, remove);
}
