import type { Fleet, FleetNode } from '../../core/fleet';
import { isNodeError } from '../../meili/node-error';
import { inspect } from '../nodes/inspect';
import { lastCopiesOn } from '../nodes/rebuild';
import type { ActivityTools } from '../tools';
import type { NeededRepairs } from '../types';

/**
 * What there is to repair by itself: stale copies that have a source, on nodes that answer, and nodes
 * that came back empty or older. What only an operator may decide is named and left.
 */
export async function findRepairs(
  tools: ActivityTools,
  { nodesMax }: { readonly nodesMax: number },
): Promise<NeededRepairs> {
  const { automatic, rebuildNodes } = tools.config.repair ?? {
    automatic: true,
    rebuildNodes: true,
  };
  const fleet = await tools.store.fleet.load();
  const found: { repair: string[]; rebuild: string[]; left: string[] } = {
    ...{ repair: [], rebuild: [], left: [] },
  };
  for (const node of fleet.nodes) {
    const state = await look(tools, fleet, node);
    if (state === null) continue;
    if (found.repair.length + found.rebuild.length >= nodesMax) break;
    if (state.kind === 'left') found.left.push(state.why);
    else if (state.kind === 'rebuild' ? rebuildNodes : automatic) found[state.kind].push(node.id);
    else found.left.push(`${node.id} needs a ${state.kind}`);
  }
  return found as unknown as NeededRepairs;
}

type Look =
  { readonly kind: 'repair' | 'rebuild' } | { readonly kind: 'left'; readonly why: string };

async function look(tools: ActivityTools, fleet: Fleet, node: FleetNode): Promise<Look | null> {
  try {
    const verdict = await inspect(tools, node);
    if (verdict.kind !== 'strange') return hasRepairable(fleet, node) ? { kind: 'repair' } : null;
    const last = lastCopiesOn(fleet, node.id);
    if (verdict.why === 'other-disk' || last.length > 0) {
      const copies =
        last.length === 0 ? '' : ` and had the last copy of shards of ${last.join(', ')}`;
      return { kind: 'left', why: `${node.id} is ${verdict.why}${copies}` };
    }
    return { kind: 'rebuild' };
  } catch (error) {
    // A repair of a node that is away would keep its group's other operations waiting.
    if (!isNodeError(error)) throw error;
    return hasRepairable(fleet, node) ? { kind: 'left', why: `${node.id} does not answer` } : null;
  }
}

const hasRepairable = (fleet: Fleet, node: FleetNode): boolean =>
  fleet.indexes.some(({ placement, shardCount }) =>
    Array.from({ length: shardCount }, (_, shard) =>
      placement.flatMap(({ shards }) => shards[shard] ?? []),
    ).some(
      (row) =>
        row.some((copy) => copy.node === node.id && copy.state === 'leaving') ||
        (row.some((copy) => copy.node === node.id && copy.state === 'stale') &&
          row.some((copy) => copy.node !== node.id && copy.state === 'in-sync')),
    ),
  );
