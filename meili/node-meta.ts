import { epoch as epochOf } from '../core/ids';
import type { Epoch, NodeTaskUid } from '../core/ids';
import { isNodeError } from './node-error';
import { metaUid } from './node-identity';
import type { CallOptions, NodeClient } from './types';

/** One state of the fleet as a node keeps it. */
export interface SealedState {
  readonly epoch: Epoch;
  /** RFC 3339, by the clock of the pod that wrote it. */
  readonly at: string;
  readonly sealed: string;
}

/** More are never kept; the few beyond the bound are those whose deletion is under way. */
const statesMax = 2_000;
const idOf = (epoch: number): string => `epoch-${String(epoch).padStart(16, '0')}`;

/** The epochs of the states on a node, newest first; none when it has no such index. */
export async function stateEpochs(client: NodeClient, options: CallOptions = {}): Promise<Epoch[]> {
  const body = { fields: ['epoch'], limit: statesMax };
  const documents = await fetchStates(client, body, options);
  return documents.map(({ epoch }) => epochOf(epoch)).sort((a, b) => b - a);
}

/** Null when the node does not have it (any more). */
export async function readState(
  client: NodeClient,
  epoch: Epoch,
  options: CallOptions = {},
): Promise<SealedState | null> {
  const [found] = await fetchStates(client, { ids: [idOf(epoch)], limit: 1 }, options);
  return found === undefined ? null : { epoch, at: found.at, sealed: found.sealed };
}

async function fetchStates(
  client: NodeClient,
  body: object,
  options: CallOptions,
): Promise<SealedState[]> {
  try {
    const { bytes } = await client.fetchDocuments(metaUid, body, options);
    return (JSON.parse(bytes.toString('utf8')) as { results?: SealedState[] }).results ?? [];
  } catch (error) {
    if (isNodeError(error) && error.status === 404) return [];
    throw error;
  }
}

/** Makes the index if it is not there. What is sealed is not for searching: it is not indexed. */
export async function prepareMeta(client: NodeClient): Promise<void> {
  if ((await client.getIndex(metaUid)) !== null) return;
  await client.createIndex(metaUid, 'id');
  await client.updateSettings(metaUid, { searchableAttributes: ['id'], rankingRules: [] });
}

/** The state in the node's queue, and with it the deletion of those that are too old. The first's task. */
export async function writeState(
  client: NodeClient,
  state: SealedState,
  tooOld: readonly Epoch[],
): Promise<NodeTaskUid> {
  const payload = Buffer.from(JSON.stringify([{ id: idOf(state.epoch), ...state }]));
  const uid = await client.addDocuments(metaUid, 'POST', payload, { primaryKey: 'id' });
  if (tooOld.length > 0) await client.deleteDocuments(metaUid, tooOld.map(idOf));
  return uid;
}
