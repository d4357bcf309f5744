import type { JsonValue } from '../../core/fleet';
import type { NodeTaskUid, PhysicalUid } from '../../core/ids';
import type { BodyStream, CallOptions, NodeClient } from '../../meili/types';

/** One request to one node, as data, so that whoever settles a dead pod's write can send it again. */
export type Step =
  | { readonly kind: 'create-index'; readonly primaryKey: string | null }
  | { readonly kind: 'update-index'; readonly primaryKey: string }
  | { readonly kind: 'settings'; readonly settings: { [name: string]: JsonValue } }
  | {
      readonly kind: 'documents';
      readonly method: 'POST' | 'PUT';
      readonly primaryKey: string;
      readonly skipCreation: boolean;
      readonly payload: Uint8Array | BodyStream;
    }
  | { readonly kind: 'delete-ids'; readonly ids: readonly string[] }
  | { readonly kind: 'delete-filter'; readonly filter: JsonValue }
  | { readonly kind: 'delete-all' }
  | { readonly kind: 'edit'; readonly body: { [name: string]: JsonValue } }
  | { readonly kind: 'delete-index' };

/** Only document routes take `customMetadata`. The others may be sent twice without harm. */
export function carriesMetadata(step: Step): boolean {
  const { kind } = step;
  if (kind === 'documents' || kind === 'edit') return true;
  return kind.startsWith('delete-') && kind !== 'delete-index';
}

/** More ids than this are not stored with the task: they would be most of what Redis holds. */
const storedIdsMax = 1_000;

/** The step as it is stored with the intent; null when it cannot be sent again from there. */
export function storedStep(step: Step): JsonValue {
  if (step.kind === 'documents') return null;
  if (step.kind === 'delete-ids' && step.ids.length > storedIdsMax) return null;
  return step as unknown as JsonValue;
}

export function stepFromStore(stored: JsonValue): Step | null {
  return typeof stored === 'object' && stored !== null && !Array.isArray(stored)
    ? (stored as unknown as Step)
    : null;
}

/** The node's type of task for a step, by which a task without metadata is told. */
export function nodeTaskType(step: Step): string {
  switch (step.kind) {
    case 'create-index':
      return 'indexCreation';
    case 'update-index':
      return 'indexUpdate';
    case 'settings':
      return 'settingsUpdate';
    case 'documents':
      return 'documentAdditionOrUpdate';
    case 'delete-ids':
    case 'delete-filter':
    case 'delete-all':
      return 'documentDeletion';
    case 'edit':
      return 'documentEdition';
    case 'delete-index':
      return 'indexDeletion';
  }
}

export interface SendOptions extends CallOptions {
  readonly customMetadata: string;
}

/** Throws the client's NodeError. */
export async function sendStep(
  client: NodeClient,
  uid: PhysicalUid,
  step: Step,
  options: SendOptions,
): Promise<NodeTaskUid> {
  const { customMetadata: _metadata, ...plain } = options;
  switch (step.kind) {
    case 'create-index':
      return await client.createIndex(uid, step.primaryKey, plain);
    case 'update-index':
      return await client.updateIndexPrimaryKey(uid, step.primaryKey, plain);
    case 'settings':
      return await client.updateSettings(uid, step.settings, plain);
    case 'documents':
      return await client.addDocuments(uid, step.method, step.payload, {
        ...options,
        primaryKey: step.primaryKey,
        ...(step.skipCreation ? { skipCreation: true } : {}),
      });
    case 'delete-ids':
      return await client.deleteDocuments(uid, step.ids, options);
    case 'delete-filter':
      return await client.deleteByFilter(uid, step.filter, options);
    case 'delete-all':
      return await client.deleteAll(uid, options);
    case 'edit':
      return await client.editDocuments(uid, step.body, options);
    case 'delete-index':
      return await client.deleteIndex(uid, plain);
  }
}
