import { rendezvousOrder } from '../../core/covering-set';
import type { IndexEntry } from '../../core/fleet';
import type { GroupId, NodeId, ShardId } from '../../core/ids';
import type { SyncRef } from '../../core/operations';
import type { SourcesFound, SyncFeed } from '../../core/sync-losses';
import { refuse } from '../errors';
import { entryOf } from '../tools';
import type { ActivityTools, Call } from '../tools';
import type { SourcesRequest } from '../types';
import { presenceOf } from './away';
import type { Presence } from './away';
import { makeMissedSources } from './missed-source';
import { feedsBehind, feedsOf } from './replica-changes';

const firstPauseMs = 100;
const lastPauseMs = 1_000;

type Present = ReadonlyMap<NodeId, Presence>;

/**
 * Waits until the sync can go on. A source that is in sync and does not answer has until `graceUntil` to come
 * back as the node that it was; one that missed a write, or came back as another, is not waited for. Then
 * each of its shards is read from another in-sync copy, one of its own group if there is one. The target,
 * which nothing replaces, and a last copy are waited for until `until`.
 * Throws `node-strange` when the target came back as another, and `index-gone`.
 *
 * What it found is told and kept under the name of this wait, so an attempt after one of which nobody heard
 * says the same: what has been lost since is another loss, with a wait and a time of its own.
 */
export async function awaitSources(
  tools: ActivityTools,
  request: SourcesRequest,
  call: Call,
): Promise<SourcesFound> {
  const { figures } = tools.store;
  const name = `${call.runId}/sources/${String(request.until)}`;
  const told = call.attempt > 1 ? await figures.told<SourcesFound>(name) : null;
  if (told !== null) return told;
  const begun = tools.clock.now();
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, lastPauseMs)) {
    const { found, why } = await look(tools, request, call);
    const now = tools.clock.now();
    if (found.ok) {
      return tell(tools, request, { name, found, why, waitedMs: now - begun });
    }
    call.beat({ waitsFor: found.reason });
    if (now >= request.until) return found;
    await tools.clock.sleep(Math.min(pauseMs, request.until - now), call.signal);
  }
}

interface Looked {
  readonly found: SourcesFound;
  /** What is wrong with the copies that are left, for the event. */
  readonly why: string;
}

async function look(
  tools: ActivityTools,
  { ref, graceUntil }: SourcesRequest,
  call: Call,
): Promise<Looked> {
  const entry = await entryOf(tools, ref.physicalUid);
  const holders = inSyncHolders(entry, ref);
  const nodes = [...feedsOf(ref).map(({ node }) => node), ...holders, ref.target];
  const present = await presenceOf(tools, nodes, call);
  const not = (reason: string): Looked => ({ found: { ok: false, reason }, why: reason });
  const target = present.get(ref.target);
  if (target === 'strange') {
    throw refuse('node-strange', `${ref.target} is not the node that it was; rebuild it.`);
  }
  if (target === 'away') return not(`${ref.target} does not answer`);
  const behind = new Set(feedsBehind(entry, ref));
  const lost = feedsOf(ref).flatMap(({ node }) => {
    if (behind.has(node)) return [{ node, final: true, why: 'is not in sync any more' }];
    const state = present.get(node);
    if (state === 'here') return [];
    const final = state === 'strange' || tools.clock.now() >= graceUntil;
    const why = state === 'strange' ? 'came back as another node' : 'does not answer';
    return [{ node, final, why }];
  });
  const why = lost.map((one) => `${one.node} ${one.why}`).join(', ');
  if (lost.length === 0) return { found: { ok: true, feeds: feedsOf(ref), changed: false }, why };
  if (!lost.some(({ final }) => final)) return not(why);
  const chosen = choose(entry, ref, present);
  if (!Array.isArray(chosen)) return not(`${why}, and ${chosen.missing}`);
  const feeds: readonly SyncFeed[] = chosen;
  await makeMissedSources(tools, { ref: { ...ref, feeds }, entry, call });
  return { found: { ok: true, feeds, changed: true }, why };
}

interface Copy {
  readonly node: NodeId;
  readonly group: GroupId;
}

/** The in-sync copies of a shard that the target could be filled from. */
const copiesOf = (entry: IndexEntry, { target }: SyncRef, shard: ShardId): Copy[] =>
  entry.placement.flatMap(({ group, shards }) =>
    (shards[shard] ?? [])
      .filter(({ node, state }) => state === 'in-sync' && node !== target)
      .map(({ node }) => ({ node, group })),
  );

const inSyncHolders = (entry: IndexEntry, ref: SyncRef): NodeId[] => [
  ...new Set(ref.shards.flatMap((shard) => copiesOf(entry, ref, shard).map(({ node }) => node))),
];

function choose(
  entry: IndexEntry,
  ref: SyncRef,
  present: Present,
): SyncFeed[] | { readonly missing: string } {
  const feeds = new Map<string, Copy & { readonly shards: ShardId[] }>();
  for (const shard of ref.shards) {
    const copy = bestCopy(entry, ref, { shard, present });
    if (copy === null) {
      return { missing: `shard ${String(shard)} has no other in-sync copy that answers` };
    }
    const key = `${String(copy.group)}/${copy.node}`;
    const feed = feeds.get(key) ?? { ...copy, shards: [] };
    feed.shards.push(shard);
    feeds.set(key, feed);
  }
  return [...feeds.values()];
}

/** What is read now stays when it can; then the groups whose claim the operation has; then any other. */
function bestCopy(
  entry: IndexEntry,
  ref: SyncRef,
  { shard, present }: { readonly shard: ShardId; readonly present: Present },
): Copy | null {
  const copies = copiesOf(entry, ref, shard).filter(({ node }) => present.get(node) === 'here');
  const now = feedsOf(ref).find(({ shards }) => shards.includes(shard));
  const kept = copies.find(({ node, group }) => node === now?.node && group === now.group);
  if (kept !== undefined) return kept;
  const claimed = copies.filter(({ group }) => group === ref.group || group === ref.sourceGroup);
  const some = claimed.length > 0 ? claimed : copies;
  const [first] = rendezvousOrder(
    `source/${String(shard)}/${ref.target}`,
    some.map(({ node }) => node),
  );
  return some.find(({ node }) => node === first) ?? null;
}

/** An event of each operation that is concerned, and the count that the metrics show. */
async function tell(
  { store, clock, log }: ActivityTools,
  { ref, operations }: SourcesRequest,
  told: {
    readonly name: string;
    readonly found: Extract<SourcesFound, { ok: true }>;
    readonly why: string;
    readonly waitedMs: number;
  },
): Promise<SourcesFound> {
  const { feeds, changed } = told.found;
  const from = feeds.map(({ node, shards }) => `${node} (${String(shards.length)})`).join(', ');
  const pair = `${ref.index}, ${ref.source} → ${ref.target}`;
  const what = changed
    ? `${pair}: goes on from ${from}, all that is there is compared again`
    : `${pair}: goes on as before, the nodes are back`;
  const why = told.why === '' ? 'a node did not answer for a while' : told.why;
  log.warn({ operation: ref.runKey, what, why, waitedMs: told.waitedMs }, 'a sync outlived a node');
  return store.figures.tellOnce<SourcesFound>(told.name, {
    answer: told.found,
    operations,
    event: {
      ...{ at: clock.now(), who: 'sync', what, why },
      figures: { shards: ref.shards.length, waitedMs: told.waitedMs },
    },
    sourceChange: changed ? ref.index : null,
  });
}
