/** The state of one embedded node: indexes, tasks, keys and features, in memory and in the journal. */
import { ApiError, indexNotFound } from './errors';
import { FaultControl } from './faults';
import { isObject, toPlain } from './engine/json';
import type { IndexStore } from './index/index-store';
import { KeyStore } from './keys';
import type { Key } from './keys';
import type { Indexes } from './tasks/execute';
import { Journal } from './tasks/journal';
import { TaskQueue } from './tasks/queue';
import { restoreTasks } from './tasks/restore';

/** All experimental features of Meilisearch 1.50; the embedded node obeys two of them. */
export const FEATURES = [
  'metrics',
  'logsRoute',
  'editDocumentsByFunction',
  'containsFilter',
  'dynamicSearchRules',
  'network',
  'getTaskDocumentsRoute',
  'taskQueueCompactionRoute',
  'compositeEmbedders',
  'chatCompletions',
  'multimodal',
  'foreignKeys',
  'disableDocumentsFetchQueue',
  'legacySearch',
  'renderRoute',
] as const;

const UID_RULE =
  'Index uid can be an integer or a string containing only alphanumeric characters, hyphens (-) and underscores (_), and can not be more than 512 bytes.';

/** The error text of an index uid that is none; null if it is one. */
export function uidFault(uid: string): string | null {
  if (/^[A-Za-z0-9_-]{1,400}$/.test(uid)) return null;
  return `\`${uid}\` is not a valid index uid. ${UID_RULE}`;
}

export class EmbeddedNode {
  readonly indexes: Indexes = new Map();
  readonly keys: KeyStore | null;
  readonly features: Record<string, boolean>;
  readonly faults: FaultControl;
  readonly queue: TaskQueue;
  private readonly journal: Journal | null;

  /** Without `dataDir` all is forgotten at the end; without `masterKey` all is open but `/keys`. */
  constructor(masterKey: string | null, dataDir: string | null) {
    this.keys = masterKey === null ? null : new KeyStore(masterKey);
    this.features = Object.fromEntries(FEATURES.map((name) => [name, false]));
    this.journal = dataDir === null ? null : new Journal(dataDir);
    this.faults = new FaultControl(() => this.queue.wake());
    this.queue = new TaskQueue(this.indexes, this.faults, this.journal);
  }

  /** Brings back what the journal holds, and starts the work that was left. */
  async start(): Promise<void> {
    const entries = this.journal?.read() ?? [];
    await restoreTasks(entries, this.queue, this.indexes);
    for (const entry of entries) {
      const key = entry.get('key');
      const deleted = entry.get('keyDeleted');
      const features = entry.get('features');
      if (isObject(key)) this.keys?.put(toPlain(key) as Key);
      if (typeof deleted === 'string') this.keys?.delete(deleted);
      if (isObject(features)) Object.assign(this.features, toPlain(features));
    }
    if (entries.length === 0) {
      for (const key of this.keys?.addDefaults() ?? []) this.journal?.append({ key });
    }
    this.queue.wake();
  }

  /** The index of a uid in a path. Throws invalid_index_uid and index_not_found. */
  index(uid: string): IndexStore {
    this.checkUid(uid);
    const index = this.indexes.get(uid);
    if (index === undefined) throw indexNotFound(uid);
    return index;
  }

  checkUid(uid: string): void {
    const fault = uidFault(uid);
    if (fault !== null) throw new ApiError('invalid_index_uid', fault);
  }

  saveKey(key: Key): void {
    this.keys?.put(key);
    this.journal?.append({ key });
  }

  deleteKey(uid: string): void {
    this.keys?.delete(uid);
    this.journal?.append({ keyDeleted: uid });
  }

  setFeatures(changes: Readonly<Record<string, boolean>>): void {
    Object.assign(this.features, changes);
    this.journal?.append({ features: changes });
  }

  async close(): Promise<void> {
    await this.queue.close();
  }
}
