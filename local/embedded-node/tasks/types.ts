/** Tasks as they are kept and as they are shown. */
import type { Json, JsonObject } from '../engine/json';
import type { ErrorBody } from '../errors';
import type { SettingsChange } from '../settings/index-settings';

export const TASK_STATUSES = ['enqueued', 'processing', 'succeeded', 'failed', 'canceled'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

export const TASK_TYPES = [
  'documentAdditionOrUpdate',
  'documentEdition',
  'documentDeletion',
  'settingsUpdate',
  'indexCreation',
  'indexDeletion',
  'indexUpdate',
  'indexSwap',
  'taskCancelation',
  'taskDeletion',
  'dumpCreation',
  'snapshotCreation',
  'export',
  'upgradeDatabase',
  'indexCompaction',
  'networkTopologyChange',
  'dsrUpdate',
  'dsrClear',
] as const;
export type TaskType = (typeof TASK_TYPES)[number];

/** What a task does when its turn comes; all that is needed to do it again after a restart. */
export type TaskContent =
  | {
      readonly kind: 'addDocuments';
      readonly merge: boolean;
      readonly primaryKey: string | null;
      readonly skipCreation: boolean;
      readonly documents: readonly JsonObject[];
      readonly poison: string | null;
    }
  | { readonly kind: 'deleteIds'; readonly ids: readonly string[] }
  | { readonly kind: 'deleteFilter'; readonly filter: Json }
  | { readonly kind: 'clear' }
  | { readonly kind: 'settings'; readonly change: SettingsChange; readonly isReset: boolean }
  | { readonly kind: 'createIndex'; readonly primaryKey: string | null }
  | {
      readonly kind: 'updateIndex';
      readonly primaryKey: string | null;
      readonly newUid: string | null;
    }
  | { readonly kind: 'deleteIndex' }
  | { readonly kind: 'swap'; readonly pairs: readonly (readonly [string, string])[] }
  | { readonly kind: 'cancelTasks'; readonly uids: readonly number[]; readonly query: string }
  | { readonly kind: 'deleteTasks'; readonly uids: readonly number[]; readonly query: string };

/** `details` in the order of Meilisearch; values are JSON. */
export type Details = Record<string, unknown>;

export interface Task {
  readonly uid: number;
  readonly indexUid: string | null;
  readonly type: TaskType;
  readonly content: TaskContent;
  readonly enqueuedAt: number;
  readonly customMetadata: string | null;
  status: TaskStatus;
  batchUid: number | null;
  canceledBy: number | null;
  details: Details;
  error: ErrorBody | null;
  /** Microseconds since 1970, as `enqueuedAt`. */
  startedAt: number | null;
  finishedAt: number | null;
}

/** What a request puts into the queue. */
export interface NewTask {
  readonly indexUid: string | null;
  readonly content: TaskContent;
  readonly customMetadata?: string | null;
}
