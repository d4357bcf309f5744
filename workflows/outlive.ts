import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/types';
import type { CopyCursor, SyncInput, SyncRef } from '../core/operations';
import type { SyncFeed, SyncLoss, SyncLossType } from '../core/sync-losses';
import { fatal } from './failures';
import type { Operation } from './operation';
import { awayMaxMsDefault, longWait, sourceGraceMsDefault, withHeartbeat } from './policies';

/** What a step said that it lost, or null for any other failure. */
export interface Loss {
  readonly type: SyncLossType;
  readonly nodes: SyncLoss['nodes'];
  /** How far a copy had got. */
  readonly cursor: CopyCursor | null;
}

const isCursor = (value: unknown): value is CopyCursor =>
  typeof value === 'object' && value !== null && 'nextSlot' in value && 'shardAt' in value;

const causeOf = (error: unknown): unknown =>
  error instanceof ActivityFailure ? error.cause : error;

/** Histories from before steps said so hold no such failure, so they replay without coming here. */
export function lossOf(error: unknown): Loss | null {
  const cause = causeOf(error);
  if (!(cause instanceof ApplicationFailure)) return null;
  const { type, details } = cause;
  if (type !== 'node-away' && type !== 'source-behind') return null;
  const { nodes = [], progress = null } = (details?.[0] ?? {}) as Partial<SyncLoss>;
  return { type, nodes, cursor: isCursor(progress) ? progress : null };
}

/** Both sides were compared and are not equal. */
export function isDifference(error: unknown): boolean {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure && cause.type === 'copy-differs';
}

/** How long a node that nothing can replace is waited for. */
export const awayMaxMs = ({ options }: SyncInput): number => options.awayMaxMs ?? awayMaxMsDefault;

/** Shards of one source go one after the other: small ones are read together. */
export const readFrom = (ref: SyncRef, feeds: readonly SyncFeed[]): SyncRef => ({
  ...ref,
  feeds,
  shards: feeds.flatMap(({ shards }) => shards),
});

const clockTime = (ms: number): string => new Date(ms).toISOString().slice(11, 19);

/**
 * Waits until the sync can go on, visibly, and says from where. Null: from the same copies as before.
 * Throws what ends the sync when the time is over: then it is undone.
 */
export async function outlive(
  operation: Operation,
  { input, ref }: { readonly input: SyncInput; readonly ref: SyncRef },
  loss: Loss,
): Promise<readonly SyncFeed[] | null> {
  const { options, parent } = input;
  const { awaitSources } = proxyActivities<Pick<Activities, 'awaitSources'>>(
    withHeartbeat(longWait, options.heartbeatTimeoutMs),
  );
  const now = Date.now();
  const graceUntil = now + (options.sourceGraceMs ?? sourceGraceMsDefault);
  const until = Math.max(now + awayMaxMs(input), graceUntil);
  const names = loss.nodes.join(', ');
  const { target } = input;
  const reason =
    loss.type === 'source-behind'
      ? `another in-sync copy than that of ${names}, until ${clockTime(until)} UTC`
      : loss.nodes.includes(target)
        ? `${names} to answer again, until ${clockTime(until)} UTC`
        : `${names} to answer again; from ${clockTime(graceUntil)} UTC on another in-sync copy is read`;
  const operations = parent === null ? [operation.id] : [operation.id, parent];
  const found = await operation.waiting(reason, () =>
    awaitSources({ ref, graceUntil, until, operations }),
  );
  if (!found.ok) throw fatal('node-away', `${found.reason}; it was waited for long enough.`);
  return found.changed ? found.feeds : null;
}
