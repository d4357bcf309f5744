import { rendezvousOrder } from '../../core/covering-set';
import type { IndexEntry } from '../../core/fleet';
import type { GroupId, NodeId, ShardId } from '../../core/ids';
import type { SyncRef } from '../../core/operations';
import type { SourcesFound, SyncFeed } from '../../core/sync-losses';
import type { Presence } from './away';
import { feedsBehind, feedsOf } from './replica-changes';

type Present = ReadonlyMap<NodeId, Presence>;

export interface Seen {
  /** Of every node of `nodesOf`. */
  readonly present: Present;
  /** Milliseconds since 1970, as is `graceUntil`: until then a source that does not answer is waited for. */
  readonly now: number;
  readonly graceUntil: number;
}

export interface Looked {
  readonly found: SourcesFound;
  /** What is wrong with the copies that were read so far, for the event. */
  readonly why: string;
}

/** From where a sync may go on now, by the table and by who answers; not ok: what has to be waited for. */
export function chooseSources(
  entry: IndexEntry,
  ref: SyncRef,
  { present, now, graceUntil }: Seen,
): Looked {
  const not = (reason: string): Looked => ({ found: { ok: false, reason }, why: reason });
  if (present.get(ref.target) === 'away') return not(`${ref.target} does not answer`);
  const behind = new Set(feedsBehind(entry, ref));
  const lost = feedsOf(ref).flatMap(({ node }) => {
    if (behind.has(node)) return [{ node, final: true, why: 'is not in sync any more' }];
    const state = present.get(node);
    if (state === 'here') return [];
    const final = state === 'strange' || now >= graceUntil;
    const why = state === 'strange' ? 'came back as another node' : 'does not answer';
    return [{ node, final, why }];
  });
  const why = lost.map((one) => `${one.node} ${one.why}`).join(', ');
  if (lost.length === 0) return { found: { ok: true, feeds: feedsOf(ref), changed: false }, why };
  if (!lost.some(({ final }) => final)) return not(why);
  const chosen = choose(entry, ref, present);
  if (!Array.isArray(chosen)) return not(`${why}, and ${chosen.missing}`);
  const feeds: readonly SyncFeed[] = chosen;
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

/** The nodes that a choice depends on. */
export const nodesOf = (entry: IndexEntry, ref: SyncRef): NodeId[] => [
  ...new Set([
    ...feedsOf(ref).map(({ node }) => node),
    ...ref.shards.flatMap((shard) => copiesOf(entry, ref, shard).map(({ node }) => node)),
    ref.target,
  ]),
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
