import type { IndexEntry, JsonValue } from '../../core/fleet';
import type { GroupId, NodeId, ShardId } from '../../core/ids';
import { searchKind } from '../../core/search/kind';
import { mayDiffer } from '../../core/search/may-differ';
import type { MayDiffer } from '../../core/search/may-differ';
import { touchedFields } from '../../core/search/rewrite';
import type { SearchRequest } from '../../core/search/types';
import type { ApiContext } from '../context';
import type { SearchTarget } from './search';
import { bodyFor, fingerprintOf, wantedShards } from './search';
import { coverShards, preferredGroup } from './scatter';

export interface NodePlan {
  readonly node: NodeId;
  readonly shards: readonly ShardId[];
  /** The node holds more than it is asked for, so its answer is held to these shards. */
  readonly filtered: boolean;
  /**
   * Milliseconds after which other replicas of these shards are asked, too; null: never, because hedging is
   * off or too little is known of the node.
   */
  readonly hedgeAfterMs: number | null;
  readonly body: { [member: string]: JsonValue };
}

export interface IndexPlan {
  readonly index: string;
  readonly physicalUid: string;
  readonly group: GroupId | null;
  readonly shards: {
    readonly wanted: readonly ShardId[] | 'all';
    readonly missing: readonly ShardId[];
  };
  readonly why: readonly string[];
  readonly nodes: readonly NodePlan[];
  readonly settingsVersion: number;
  /** What of the answer can differ from one Meilisearch's, and why; empty: it is exact. */
  readonly approximate: readonly MayDiffer[];
}

export interface SearchPlan {
  readonly epoch: number;
  readonly kind: string;
  readonly touchedFields: readonly string[];
  readonly indexes: readonly IndexPlan[];
}

/** What a search would ask of whom, and why: the plan that the search itself makes, not run. */
export async function explainSearch(
  ctx: ApiContext,
  target: SearchTarget,
  how: { request: SearchRequest; tenantFilter: JsonValue },
): Promise<SearchPlan> {
  return {
    epoch: ctx.fleet.current().epoch,
    kind: searchKind(how.request),
    touchedFields,
    indexes: await Promise.all(
      target.entries.map((entry) => explainIndex(ctx, entry, { ...how, target })),
    ),
  };
}

async function explainIndex(
  ctx: ApiContext,
  entry: IndexEntry,
  how: { request: SearchRequest; tenantFilter: JsonValue; target: SearchTarget },
): Promise<IndexPlan> {
  const wanted = wantedShards(entry, how.request.filter);
  const fingerprint = fingerprintOf(entry, how.request);
  const group = preferredGroup({ entry, fingerprint });
  const cover = await coverShards(ctx, { entry, fingerprint }, wanted, {
    group,
    failures: new Map(),
  });
  const nodes = cover.asks.map((part) => ({
    node: part.node,
    shards: part.shards,
    filtered: part.filtered,
    hedgeAfterMs: roundedUp(ctx.hedges.delayOf(part.node)),
    body: bodyFor(entry, how.request, { part, tenantFilter: how.tenantFilter, half: undefined }),
  }));
  return {
    index: entry.uid,
    physicalUid: entry.physicalUid,
    group: cover.group,
    shards: { wanted: wanted ?? 'all', missing: cover.missing },
    why: reasons(ctx, entry, { wanted, name: how.target.name, nodes }),
    nodes,
    settingsVersion: entry.settingsVersion,
    // A node that is asked for all shards knows all words and counts all documents.
    approximate: nodes.some(({ shards }) => shards.length === entry.shardCount)
      ? []
      : mayDiffer(how.request, entry.settings),
  };
}

const roundedUp = (ms: number | null): number | null => (ms === null ? null : Math.ceil(ms));

function reasons(
  ctx: ApiContext,
  entry: IndexEntry,
  plan: { wanted: readonly ShardId[] | null; name: string; nodes: readonly NodePlan[] },
): string[] {
  const out = ctx.fleet.current().nodes.filter((node) => !ctx.health.usable(node.id));
  const filtered = plan.nodes.filter((node) => node.filtered);
  return [
    ...(plan.name === entry.uid ? [] : [`\`${plan.name}\` is an alias of \`${entry.uid}\`.`]),
    plan.wanted === null
      ? 'The filter does not pin the primary key, so every shard can match.'
      : `The filter pins the primary key, so ${plan.wanted.length} of ${entry.shardCount} shards can match.`,
    'The group and the replicas follow from the fingerprint of the query, so that its pages are answered by the same nodes.',
    ...filtered.map(
      (node) =>
        `\`${node.node}\` holds more shards than it is asked for, so a bucket filter is added.`,
    ),
    ...out.map((node) => `\`${node.id}\` is left out: it did not answer its last requests.`),
  ];
}
