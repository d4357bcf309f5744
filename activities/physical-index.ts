import type { IndexEntry, JsonValue } from '../core/fleet';
import { physicalChanges, physicalSettings } from '../core/settings/physical';
import { sameSettings } from '../core/settings/compare';
import { isNodeError } from '../meili/node-error';
import type { NodeId, NodeTaskUid, PhysicalUid } from '../core/ids';
import { isDiskFull, refuse } from './errors';
import type { NodeSide, QueueWait } from './node-queue';
import { allWorkedOff, workedOff } from './node-queue';
import { clientOf } from './tools';
import type { ActivityTools, Call } from './tools';

type JsonObject = { readonly [member: string]: JsonValue };

async function done(
  side: NodeSide,
  uid: NodeTaskUid,
  wait: QueueWait,
  allowed: string,
): Promise<void> {
  // Creating an index is no task of the index alone, so it is also asked for by its own uid.
  await workedOff(side, uid, wait);
  const task = await side.client.waitForTask(uid, { signal: wait.call.signal });
  const code = task.error?.code ?? task.status;
  if (task.status === 'succeeded' || code === allowed) return;
  const message = `${task.type} on a node is ${task.status}: ${task.error?.message ?? ''}`;
  throw refuse(isDiskFull(code) ? 'disk-full' : 'settings-refused', message);
}

/** Makes the index with its primary key, when the node has none. It is empty and asked by nobody. */
async function ensureIndex(side: NodeSide, entry: IndexEntry, wait: QueueWait): Promise<void> {
  const { client, physicalUid } = side;
  const { signal } = wait.call;
  const present = await client.getIndex(physicalUid, { signal });
  if (present === null) {
    const uid = await client.createIndex(physicalUid, entry.primaryKey, { signal });
    await done(side, uid, wait, 'index_already_exists');
  } else if (present.primaryKey === null && entry.primaryKey !== null) {
    const uid = await client.updateIndexPrimaryKey(physicalUid, entry.primaryKey, { signal });
    await done(side, uid, wait, 'index_primary_key_already_exists');
  }
}

/** The node's settings as it shows them, or null where it has no such index. */
export async function settingsOn(side: NodeSide, signal: AbortSignal): Promise<JsonObject | null> {
  try {
    return await side.client.getSettings(side.physicalUid, { signal });
  } catch (error) {
    if (isNodeError(error) && error.status === 404) return null;
    throw error;
  }
}

/** What a node shows, in the words of what it was sent, so that equal settings compare as equal. */
function withoutShownDefaults(
  present: JsonObject | null,
  wanted: JsonObject,
): { [name: string]: JsonValue } | null {
  if (present === null) return null;
  const base: { [name: string]: JsonValue } = {};
  for (const [name, value] of Object.entries(wanted)) {
    const shown = present[name] ?? null;
    base[name] = sameSettings(name, shown, value) ? value : shown;
  }
  return base;
}

/** Sends only what differs: every settings task costs the node a pass over the index. */
export async function applySettings(
  side: NodeSide,
  wanted: JsonObject,
  wait: QueueWait,
): Promise<boolean> {
  const present = await settingsOn(side, wait.call.signal);
  const changes = physicalChanges(withoutShownDefaults(present, wanted), { ...wanted });
  if (Object.keys(changes).length === 0) return false;
  const uid = await side.client.updateSettings(side.physicalUid, changes, {
    signal: wait.call.signal,
  });
  await done(side, uid, wait, 'succeeded');
  return true;
}

/** Settings come before documents, so that nothing is indexed twice. */
export async function preparePhysicalIndex(
  side: NodeSide,
  entry: IndexEntry,
  wait: QueueWait,
): Promise<void> {
  await ensureIndex(side, entry, wait);
  await applySettings(side, physicalSettings(entry.settings), wait);
}

/** Deletes a node's copy of an index that the catalogue has no more, and waits until it is gone. */
export async function deleteIndexOn(
  tools: ActivityTools,
  node: NodeId,
  { physicalUid, call }: { readonly physicalUid: PhysicalUid; readonly call: Call },
): Promise<void> {
  const { nodes } = await tools.store.fleet.load();
  // A node that left the fleet meanwhile took its copy with it.
  if (!nodes.some(({ id }) => id === node)) return;
  const client = await clientOf(tools, node);
  if ((await client.getIndex(physicalUid, { signal: call.signal })) === null) return;
  await client.deleteIndex(physicalUid, { signal: call.signal });
  await allWorkedOff({ client, physicalUid }, { clock: tools.clock, call });
}
