import { ApplicationFailure } from '@temporalio/common';
import type { JsonValue } from '../../core/fleet';
import type { NodeId } from '../../core/ids';
import type { SyncRef } from '../../core/operations';
import type { SyncLoss, SyncLossType } from '../../core/sync-losses';
import { isNodeError } from '../../meili/node-error';
import { isRefusal } from '../errors';
import { inspect } from '../nodes/inspect';
import type { ActivityTools, Call } from '../tools';
import { feedsBehind, feedsOf, findEntry } from './replica-changes';

/** A node that does not say so soon who it is does not answer; it is asked again and again. */
const askMs = 3_000;

export type Presence = 'here' | 'away' | 'strange';

/** What the fleet has of each node: itself, nothing, or something that is not it. One that was forgotten is away. */
export async function presenceOf(
  tools: ActivityTools,
  ids: readonly NodeId[],
  { signal }: Pick<Call, 'signal'>,
): Promise<ReadonlyMap<NodeId, Presence>> {
  const { nodes } = await tools.store.fleet.load();
  const deadlineMs = Math.min(tools.config.nodeDeadlineMs, askMs);
  const ask = async (id: NodeId): Promise<Presence> => {
    const node = nodes.find((one) => one.id === id);
    if (node === undefined) return 'away';
    try {
      return (await inspect(tools, node, deadlineMs)).kind === 'strange' ? 'strange' : 'here';
    } catch (error) {
      if (signal.aborted || !isNodeError(error)) throw error;
      return 'away';
    }
  };
  const asked = [...new Set(ids)];
  const found = await Promise.all(asked.map(ask));
  return new Map(asked.map((id, at) => [id, found[at] ?? 'away']));
}

type Step<R, A> = (tools: ActivityTools, request: R, call: Call) => Promise<A>;

/**
 * Makes a step of a sync say that it failed because a node is away, or because what it reads is not in sync
 * any more: by trying again neither is cured, and the workflow knows what is. Every other failure stays
 * what it is. What the step had last told of its progress goes along, because a new activity has no
 * heartbeat to go on from.
 */
export const namingLosses =
  <R, A>(step: Step<R, A>, refOf: (request: R) => SyncRef): Step<R, A> =>
  async (tools, request, call) => {
    let progress = call.resumed();
    const watched: Call = {
      ...call,
      beat(details) {
        progress = details;
        call.beat(details);
      },
    };
    try {
      return await step(tools, request, watched);
    } catch (error) {
      if (call.signal.aborted) throw error;
      const loss = await lossOf(tools, refOf(request), { error, call });
      if (loss === null) throw error;
      throw lossFailure(loss, (progress ?? null) as JsonValue);
    }
  };

interface Found {
  readonly type: SyncLossType;
  readonly nodes: readonly NodeId[];
}

async function lossOf(
  tools: ActivityTools,
  ref: SyncRef,
  { error, call }: { readonly error: unknown; readonly call: Call },
): Promise<Found | null> {
  const entry = findEntry(await tools.store.fleet.load(), ref.physicalUid);
  if (entry === null) return null;
  const behind = feedsBehind(entry, ref);
  if (behind.length > 0) return { type: 'source-behind', nodes: behind };
  const isStrange = isRefusal(error, 'node-strange');
  if (!isStrange && !isNodeError(error)) return null;
  const feeds = feedsOf(ref).map(({ node }) => node);
  const presence = await presenceOf(tools, [...feeds, ref.target], call);
  const are = (what: Presence, of: readonly NodeId[]): NodeId[] =>
    of.filter((node) => presence.get(node) === what);
  if (isStrange) {
    const strange = are('strange', feeds);
    return strange.length === 0 ? null : { type: 'source-behind', nodes: strange };
  }
  const away = are('away', [...new Set([...feeds, ref.target])]);
  return away.length === 0 ? null : { type: 'node-away', nodes: away };
}

/** What `outlive` in the workflow goes on from. */
export function lossFailure({ type, nodes }: Found, progress: JsonValue): ApplicationFailure {
  const names = nodes.join(', ');
  const message =
    type === 'node-away' ? `${names} does not answer.` : `${names} is not in sync any more.`;
  const loss: SyncLoss = { nodes, progress };
  return ApplicationFailure.create({ message, type, nonRetryable: true, details: [loss] });
}
