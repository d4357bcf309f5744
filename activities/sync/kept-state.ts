import { stateEpochs } from '../../meili/node-meta';
import { isNodeError } from '../../meili/node-error';
import type { FleetNode } from '../../core/fleet';
import type { Epoch } from '../../core/ids';
import type { ActivityTools, Call } from '../tools';

const firstPauseMs = 50;
const lastPauseMs = 500;

/**
 * Returns when the nodes keep the state of the fleet's present epoch or a later one: every node that
 * answers, and one of each group. Documents are deleted only then, because a recovery takes the newest
 * state that a node keeps: an older one would name the deleted copies as in sync.
 * False: that did not come about within `keptWaitMs`, as when no pod runs or a whole group is away; the
 * clean-up goes on then, and the log says so. True at once where no state is kept on nodes.
 */
export async function stateIsKept(tools: ActivityTools, call: Call): Promise<boolean> {
  const { store, clock, config, log } = tools;
  const waitMs = config.keptWaitMs ?? null;
  if (waitMs === null) return true;
  const { epoch } = await store.fleet.load();
  const until = clock.now() + waitMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, lastPauseMs)) {
    const lacking = await nodesLacking(tools, epoch, call);
    call.beat({ keeping: epoch, lacking });
    if (lacking.length === 0) return true;
    if (clock.now() >= until) {
      log.warn({ epoch, lacking }, 'documents are deleted before the nodes keep the state');
      return false;
    }
    await clock.sleep(pauseMs, call.signal);
  }
}

/** Nodes that answer and do not keep it, and groups of which no node answers. */
async function nodesLacking(tools: ActivityTools, least: Epoch, call: Call): Promise<string[]> {
  const { nodes, epoch: most } = await tools.store.fleet.load();
  const kept = await Promise.all(nodes.map((node) => keeps(tools, node, { least, most, call })));
  const silent = new Set(nodes.map(({ group }) => group));
  nodes.forEach(({ group }, at) => {
    if (kept[at] !== null) silent.delete(group);
  });
  return [
    ...nodes.filter((_, at) => kept[at] === false).map(({ id }) => String(id)),
    ...[...silent].map((group) => `group ${String(group)}`),
  ];
}

/** Null: the node does not answer. Epochs above the fleet's own are those of another fleet. */
async function keeps(
  { nodes, config }: ActivityTools,
  node: FleetNode,
  { least, most, call }: { readonly least: Epoch; readonly most: Epoch; readonly call: Call },
): Promise<boolean | null> {
  try {
    const options = { deadlineMs: config.nodeDeadlineMs, signal: call.signal };
    const epochs = await stateEpochs(nodes.client(node), options);
    return epochs.some((epoch) => epoch >= least && epoch <= most);
  } catch (error) {
    if (call.signal.aborted || !isNodeError(error)) throw error;
    return null;
  }
}
