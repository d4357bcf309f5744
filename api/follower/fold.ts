import { MeiliError } from '../../core/errors';
import type { JsonValue } from '../../core/fleet';
import type { NodeId, ShardId } from '../../core/ids';
import { shardId } from '../../core/ids';
import type { FleetTask, NodeTaskRef } from '../../store/task-types';
import { clientError } from './client-error';
import { durationText, withoutCounts } from './task-times';

type JsonObject = { readonly [member: string]: JsonValue };

/** A node that will not finish its part: it is away, or it does not know the task any more. */
export type Loss = 'away' | 'forgotten';

/** Replicas that end up with other documents than the shard's other replicas. */
export interface Diverged {
  readonly node: NodeId;
  readonly shards: readonly ShardId[];
}

export type Fold =
  | { readonly kind: 'open'; readonly processing: boolean }
  | { readonly kind: 'final'; readonly task: FleetTask; readonly diverged: readonly Diverged[] };

type PartState = 'open' | 'succeeded' | 'failed' | 'canceled' | 'away' | 'forgotten';

/**
 * What the nodes' tasks make of the fleet task. A shard has succeeded when one of its replicas has;
 * replicas that failed beside it diverged. The same failure on all replicas is the data's fault.
 * A node that is away is waited for as long as the shard has no other replica with the write.
 */
export function foldTask(task: FleetTask, lost: ReadonlyMap<NodeId, Loss>): Fold {
  const states = new Map<NodeId, PartState>();
  for (const node of Object.keys(partsOf(task)) as NodeId[]) {
    states.set(node, partState(task.nodeTasks, node, lost.get(node)));
  }
  const shards = nodesByShard(task);
  const setupOpen = shards.size === 0 && [...states.values()].includes('open');
  const verdicts = [...shards].map(([shard, nodes]) => ({
    shard,
    nodes,
    state: shardState(nodes.map((node) => states.get(node) ?? 'open')),
  }));
  if (setupOpen || verdicts.some(({ state }) => state === 'open')) {
    return { kind: 'open', processing: task.nodeTasks.some(hasStarted) };
  }
  if (task.type === 'settingsUpdate') return foldSettings(task, [...states.values()]);
  const diverged = new Map<NodeId, ShardId[]>();
  for (const { shard, nodes, state } of verdicts) {
    if (state !== 'succeeded') continue;
    for (const node of nodes) {
      if (states.get(node) === 'succeeded') continue;
      diverged.set(node, [...(diverged.get(node) ?? []), shard]);
    }
  }
  return {
    kind: 'final',
    task: finalTask(
      task,
      verdicts.map(({ state }) => state),
    ),
    diverged: [...diverged].map(([node, list]) => ({ node, shards: list })),
  };
}

/**
 * Settings fail for a node, not for a shard: one node may have a document that the others have not.
 * The change as a whole has failed then, and no replica holds other documents than before.
 */
function foldSettings(task: FleetTask, states: readonly PartState[]): Fold {
  const failed = states.includes('failed');
  const ended = finalTask(task, [
    failed ? 'failed' : states.includes('canceled') ? 'canceled' : 'succeeded',
  ]);
  return { kind: 'final', task: ended, diverged: [] };
}

/** Node → the touched shards it takes writes for. */
export function partsOf(task: FleetTask): Record<string, readonly number[]> {
  const nodes = task.extra['nodes'];
  return typeof nodes === 'object' && nodes !== null && !Array.isArray(nodes)
    ? (nodes as unknown as Record<string, readonly number[]>)
    : {};
}

/** How many shards the index had when this task was sent; null where it was not noted. */
export function numberingOf({ extra }: FleetTask): number | null {
  const count = extra['shardCount'];
  return typeof count === 'number' ? count : null;
}

function nodesByShard(task: FleetTask): Map<ShardId, NodeId[]> {
  const byShard = new Map<ShardId, NodeId[]>();
  for (const [node, shards] of Object.entries(partsOf(task))) {
    for (const shard of shards) {
      const key = shardId(shard);
      byShard.set(key, [...(byShard.get(key) ?? []), node as NodeId]);
    }
  }
  return byShard;
}

function partState(refs: readonly NodeTaskRef[], node: NodeId, loss: Loss | undefined): PartState {
  const mine = refs.filter((ref) => ref.node === node && roleOf(ref) !== 'side');
  const open = mine.some((ref) => !isFinal(ref));
  if (open) return loss ?? 'open';
  // The index being there already is what the setup wanted.
  const main = mine.filter((ref) => roleOf(ref) === 'main');
  if (main.some((ref) => ref.status === 'failed')) return 'failed';
  return main.some((ref) => ref.status === 'canceled') ? 'canceled' : 'succeeded';
}

function shardState(states: readonly PartState[]): Exclude<PartState, 'away' | 'forgotten'> {
  if (states.includes('open')) return 'open';
  if (states.includes('succeeded')) return 'succeeded';
  if (states.includes('away')) return 'open';
  return states.includes('failed') || states.includes('forgotten') ? 'failed' : 'canceled';
}

function finalTask(task: FleetTask, states: readonly PartState[]): FleetTask {
  const failed = states.includes('failed');
  const canceled = states.includes('canceled');
  const some = states.includes('succeeded');
  const whole = failed || canceled ? !some && !(failed && canceled) : true;
  // What only open tasks need would fill Redis.
  const { places: _places, settingsBefore: _before, ...extra } = task.extra;
  const base: FleetTask = { ...task, extra, batchUid: task.uid, ...timesOf(task) };
  if (!failed && !canceled) {
    return { ...base, status: 'succeeded', details: detailsOf(task) };
  }
  const details = withoutCounts(task.details);
  if (canceled && whole) return { ...base, status: 'canceled', details };
  const error = firstError(task);
  return {
    ...base,
    status: 'failed',
    details,
    error: (whole ? error : partly(error)) as unknown as FleetTask['error'],
  };
}

function partly(error: JsonObject): JsonObject {
  const reason = typeof error['message'] === 'string' ? error['message'] : '';
  const message = `Some shards have applied their part of this task and others have not: ${reason}`;
  return { ...new MeiliError('miroir_partially_applied', message).toBody() };
}

function firstError(task: FleetTask): JsonObject {
  for (const ref of task.nodeTasks) {
    const error = ref.result?.['error'];
    if (ref.status !== 'failed' || roleOf(ref) !== 'main') continue;
    if (typeof error === 'object' && error !== null && !Array.isArray(error))
      return clientError(task, error);
  }
  const message = 'The nodes do not know this task any more, so what became of it is unknown.';
  return { ...new MeiliError('miroir_interrupted', message).toBody() };
}

function detailsOf(task: FleetTask): FleetTask['details'] {
  const { details, extra } = task;
  if (details === null) return null;
  if ('indexedDocuments' in details) {
    const indexed = extra['indexed'];
    return { ...details, indexedDocuments: typeof indexed === 'number' ? indexed : 0 };
  }
  if (!('deletedDocuments' in details)) return details;
  const deletedDocuments = deletedOf(task);
  // An edition counts the documents it was applied to as both.
  const edited = 'editedDocuments' in details ? { editedDocuments: deletedDocuments } : {};
  return { ...details, deletedDocuments, ...edited };
}

/** The nodes of one group counted each document once for each copy. */
function deletedOf(task: FleetTask): number {
  const rule = task.extra['count'];
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) return 0;
  const { nodes, copies, expected } = rule;
  if (typeof expected === 'number') return expected;
  if (!Array.isArray(nodes) || typeof copies !== 'number') return 0;
  let sum = 0;
  const told = new Set<string>();
  for (const ref of task.nodeTasks) {
    const details = ref.result?.['details'];
    if (!nodes.includes(ref.node) || typeof details !== 'object' || details === null) continue;
    const deleted = Array.isArray(details) ? undefined : details['deletedDocuments'];
    if (typeof deleted !== 'number') continue;
    sum += deleted;
    told.add(ref.node);
  }
  return Math.round(sum / copiesTold(task, told, copies));
}

/**
 * How many copies of a touched shard the counts are of, on average: a node that missed the write has
 * counted none of its copies, so the others must not be divided by it.
 */
function copiesTold(task: FleetTask, told: ReadonlySet<string>, copies: number): number {
  const counted = [...nodesByShard(task).values()]
    .map((nodes) => nodes.filter((node) => told.has(node)).length)
    .filter((count) => count > 0);
  if (counted.length === 0) return copies;
  return Math.min(copies, counted.reduce((sum, count) => sum + count, 0) / counted.length);
}

function timesOf(task: FleetTask): Pick<FleetTask, 'startedAt' | 'finishedAt' | 'duration'> {
  const enqueued = Date.parse(task.enqueuedAt);
  const times = (name: string): number[] =>
    task.nodeTasks
      .filter((ref) => roleOf(ref) !== 'side')
      .map((ref) => Date.parse(String(ref.result?.[name])))
      .filter((time) => !Number.isNaN(time));
  // Nodes have clocks of their own: nothing begins before it was asked for.
  const started = Math.max(enqueued, Math.min(...times('startedAt'), Date.now()));
  const ends = times('finishedAt');
  const ended = Math.max(started, ...(ends.length === 0 ? [started] : ends));
  return {
    startedAt: new Date(started).toISOString(),
    finishedAt: new Date(ended).toISOString(),
    duration: durationText(started, ended),
  };
}

export function roleOf(ref: NodeTaskRef): 'main' | 'setup' | 'side' {
  const role = ref.result?.['role'];
  return role === 'setup' || role === 'side' ? role : 'main';
}

export function isFinal(ref: NodeTaskRef): boolean {
  return ref.status === 'succeeded' || ref.status === 'failed' || ref.status === 'canceled';
}

function hasStarted(ref: NodeTaskRef): boolean {
  return ref.status !== undefined && ref.status !== 'enqueued';
}
