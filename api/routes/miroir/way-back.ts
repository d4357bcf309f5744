import { MeiliError } from '../../../core/errors';
import type { Fleet } from '../../../core/fleet';
import type { PlacementChange } from '../../../core/placement-change';
import { toAdd } from '../../../core/plan-change';
import { isObject } from '../../../core/search/values';
import type { JobView } from '../../../store/record-types';

/**
 * The change that takes back an operation that is over; it gets a plan of its own. Most plans name it. Refused
 * with the reason where there is none.
 */
export function wayBack(job: JobView, fleet: Fleet): PlacementChange {
  if (job.status !== 'succeeded') {
    throw over(job, `it is ${job.status}, so there is nothing of it to take back`);
  }
  const undo = isObject(job.plan) ? job.plan['undo'] : null;
  if (isObject(undo)) return undo as unknown as PlacementChange;
  const node = job.nodes?.[0];
  if (job.kind === 'drain-node' && node !== undefined) return activation(job, fleet, node);
  throw over(job, 'it has no opposite that could be told from it');
}

/** A drained node is in the fleet and holds nothing: it is taken in once more, as it is. */
function activation(job: JobView, fleet: Fleet, id: string): PlacementChange {
  const node = fleet.nodes.find((present) => present.id === id);
  if (node === undefined) throw over(job, `node \`${id}\` has left the fleet: add it`);
  if (node.intent === 'active') throw over(job, `node \`${id}\` is active again already`);
  return { kind: 'add-node', node: toAdd(node) };
}

const over = ({ id }: JobView, why: string): MeiliError =>
  new MeiliError('miroir_operation_refused', `Operation \`${id}\` is over, and ${why}.`);
