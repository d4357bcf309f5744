import type { ModelDocument, WriteSpec } from '../story/types';
import type { RunLog, TaskRecord, WriteRecord } from './log';
import { isFinal } from './log';

/** One possible content of a document, as text with its members in order; null: there is none. */
export type Content = string | null;

export function contentOf(document: Readonly<Record<string, unknown>>): string {
  const members = Object.entries(document)
    .filter(([name]) => !name.startsWith('_miroir_'))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(members));
}

/** Whether a write may change the document. */
export function touches(spec: WriteSpec, id: string): boolean {
  switch (spec.kind) {
    case 'add':
      return spec.documents.some((document) => document.id === id);
    case 'delete':
      return spec.ids.includes(id);
    case 'delete-filter':
    case 'delete-all':
    case 'delete-index':
      return true;
    case 'settings':
    case 'swap':
    case 'alias':
    case 'create-index':
    case 'rename-index':
      return false;
  }
}

/** What a write makes of one content of a document. */
export function applied(spec: WriteSpec, id: string, before: Content): Content {
  switch (spec.kind) {
    case 'add':
      return spec.documents
        .filter((document) => document.id === id)
        .reduce((now: Content, document) => added(spec.method, now, document), before);
    case 'delete':
    case 'delete-all':
    case 'delete-index':
      return null;
    case 'delete-filter':
      return before !== null && (JSON.parse(before) as { tag?: string }).tag === spec.tag
        ? null
        : before;
    case 'settings':
    case 'swap':
    case 'alias':
    case 'create-index':
    case 'rename-index':
      return before;
  }
}

function added(method: 'POST' | 'PUT', before: Content, document: ModelDocument): string {
  if (method === 'POST' || before === null) return contentOf(document);
  return contentOf({ ...(JSON.parse(before) as object), ...document });
}

/** Codes of a task of which each shard may or may not have applied its part. */
const unsure: ReadonlySet<string> = new Set([
  'miroir_interrupted',
  'miroir_no_quorum',
  'miroir_partially_applied',
  'no_space_left_on_device',
]);

export type Effect = 'applied' | 'unsure' | 'none';

export function effectOf(task: TaskRecord): Effect {
  if (task.status === 'succeeded') return 'applied';
  if (task.status === 'canceled') return 'unsure';
  return unsure.has(task.errorCode ?? '') ? 'unsure' : 'none';
}

/** A write with its task, whose index on the nodes is known by it. */
export interface Ordered {
  readonly write: WriteRecord;
  readonly task: TaskRecord;
}

/** The writes of one index on the nodes in the fleet's order, which is the order of their tasks. */
export function orderedWrites(log: RunLog, physicalUid: string): Ordered[] {
  return log.writes
    .map((write) => ({ write, task: log.taskOf(write) }))
    .filter((one): one is Ordered => one.task?.physicalUid === physicalUid)
    .sort((a, b) => a.task.uid - b.task.uid);
}

/**
 * All contents that a document may have after these writes. One content where every outcome is sure; a
 * write that ended as interrupted adds what it may have made.
 */
export function possibleContents(writes: readonly Ordered[], id: string): Set<Content> {
  let possible = new Set<Content>([null]);
  for (const { write, task } of writes) {
    if (!touches(write.spec, id)) continue;
    const effect = isFinal(task) ? effectOf(task) : 'unsure';
    if (effect === 'none') continue;
    const after = [...possible].map((content) => applied(write.spec, id, content));
    possible = new Set(effect === 'applied' ? after : [...possible, ...after]);
  }
  return possible;
}
