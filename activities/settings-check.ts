import { holders } from '../core/covering-set';
import type { IndexEntry } from '../core/fleet';
import type { NodeId, PhysicalUid } from '../core/ids';
import type { DriftedIndex, SettingsCheckResult } from '../core/index-life';
import { differingSettings } from '../core/settings/compare';
import { isNodeError } from '../meili/node-error';
import { settingsOn } from './physical-index';
import type { FoundSettings } from './settings-drift';
import { markDrift } from './settings-drift';
import { clientOf } from './tools';
import type { ActivityTools, Call } from './tools';

/**
 * Compares the settings that each node shows with what the catalogue asks of it. A change that is under
 * way is no drift: its task is open, or the version has moved when the node has answered. A node that
 * does not answer is named and looked at again by the next check.
 */
export async function checkSettings(
  tools: ActivityTools,
  request: { readonly physicalUid: PhysicalUid | null; readonly operation: string },
  call: Call,
): Promise<SettingsCheckResult> {
  const { indexes } = await tools.store.fleet.load();
  const unanswered = new Set<NodeId>();
  const drifted: DriftedIndex[] = [];
  const wanted = indexes.filter(
    ({ physicalUid }) => request.physicalUid === null || physicalUid === request.physicalUid,
  );
  for (const entry of wanted) {
    call.signal.throwIfAborted();
    const found = await compareIndex(tools, entry, { call, unanswered });
    call.beat({ compared: entry.physicalUid });
    if (!(await isSettled(tools, entry))) continue;
    await markDrift(tools, entry.physicalUid, { who: request.operation, found });
    const nodes = found.filter(({ settings }) => settings.length > 0);
    if (nodes.length === 0) continue;
    const { physicalUid, uid } = entry;
    tools.log.warn({ index: uid, nodes: nodes.map(({ node }) => node) }, 'settings drifted');
    drifted.push({ physicalUid, index: uid, nodes });
  }
  return { indexes: wanted.length, drifted, unanswered: [...unanswered].sort() };
}

async function compareIndex(
  tools: ActivityTools,
  entry: IndexEntry,
  { call, unanswered }: { readonly call: Call; readonly unanswered: Set<NodeId> },
): Promise<FoundSettings[]> {
  const nodes = [...holders(entry).keys()].sort();
  const found = await Promise.all(
    nodes.map(async (node): Promise<FoundSettings[]> => {
      try {
        const side = { client: await clientOf(tools, node), physicalUid: entry.physicalUid };
        const shown = await settingsOn(side, call.signal);
        // The index is made there, with its settings, before its first document.
        if (shown === null) return [];
        return [{ node, settings: differingSettings(entry.settings, shown) }];
      } catch (error) {
        if (!isNodeError(error)) throw error;
        unanswered.add(node);
        return [];
      }
    }),
  );
  return found.flat();
}

/** Nothing was being changed while the nodes were asked. */
async function isSettled({ store }: ActivityTools, entry: IndexEntry): Promise<boolean> {
  for (const uid of await store.tasks.open()) {
    const task = await store.tasks.get(uid);
    if (task?.physicalUid === entry.physicalUid && task.type === 'settingsUpdate') return false;
  }
  const { indexes } = await store.fleet.load();
  const now = indexes.find(({ physicalUid }) => physicalUid === entry.physicalUid);
  return now?.settingsVersion === entry.settingsVersion;
}
