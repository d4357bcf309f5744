import { nodeTaskUid, physicalUid } from '../core/ids';
import type { NodeIdentity } from '../core/node-identity';
import { isNodeError } from './node-error';
import type { CallOptions, NodeClient } from './types';

/** The index on each node that says which node of which fleet it is. */
const identityUid = physicalUid('_miroir_node');
const identityId = 'node';

/** The request by which a node is asked who it is: the only one that may make a node key anew. */
export const identityPath = `/indexes/${identityUid}/documents/fetch`;

/** The state of the fleet, kept on every node. */
export const metaUid = physicalUid('_miroir_meta');

/** Indexes that are Miroir's own on every node; no client can name one. */
const ownIndexes: ReadonlySet<string> = new Set([identityUid, metaUid]);

/** Null: nothing on the node's disk says who it is. */
export async function readIdentity(
  client: NodeClient,
  options: CallOptions = {},
): Promise<NodeIdentity | null> {
  try {
    const body = { ids: [identityId], limit: 1 };
    const { bytes } = await client.fetchDocuments(identityUid, body, options);
    const { results } = JSON.parse(bytes.toString('utf8')) as { results?: NodeIdentity[] };
    const [found] = results ?? [];
    return found === undefined ? null : { node: found.node, instance: found.instance };
  } catch (error) {
    if (isNodeError(error) && error.status === 404) return null;
    throw error;
  }
}

/** Null when it was written, else the reason of the node. Of two that write at once the node has one, so read it back. */
export async function writeIdentity(
  client: NodeClient,
  identity: NodeIdentity,
): Promise<string | null> {
  const payload = new TextEncoder().encode(JSON.stringify([{ id: identityId, ...identity }]));
  const uid = await client.addDocuments(identityUid, 'POST', payload, { primaryKey: 'id' });
  const { status, error } = await client.waitForTask(uid);
  if (status === 'succeeded') return null;
  return error === null ? status : `${error.code}: ${error.message}`;
}

/** One task of a node's past: its number alone says nothing after the numbers began anew. */
export interface TaskMark {
  readonly taskUid: number;
  readonly enqueuedAt: string;
}

/** The newest task that the node has, or null for none. */
export async function newestTask(
  client: NodeClient,
  options: CallOptions = {},
): Promise<TaskMark | null> {
  const { results } = await client.tasks({ limit: 1, ...options });
  const [task] = results;
  return task === undefined ? null : { taskUid: task.uid, enqueuedAt: task.enqueuedAt };
}

/** Whether the node still has this very task. */
export async function hasTask(
  client: NodeClient,
  mark: TaskMark,
  options: CallOptions = {},
): Promise<boolean> {
  const task = await client.task(nodeTaskUid(mark.taskUid), options);
  return task !== null && task.enqueuedAt === mark.enqueuedAt;
}

/** The indexes on the node that are not Miroir's own: clients' data, or somebody else's. */
export async function foreignIndexes(
  client: NodeClient,
  options: CallOptions = {},
): Promise<readonly string[]> {
  const { indexes } = await client.allStats(options);
  return Object.keys(indexes).filter((uid) => !ownIndexes.has(uid));
}
