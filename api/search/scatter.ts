import type { CoveringSet, NodeAsk } from '../../core/covering-set';
import { coveringSet, holders, rendezvousOrder } from '../../core/covering-set';
import { MeiliError } from '../../core/errors';
import type { IndexEntry } from '../../core/fleet';
import type { GroupId, NodeId, ShardId } from '../../core/ids';
import { groupId } from '../../core/ids';
import type { RawAnswer } from '../../meili/types';
import type { ApiContext } from '../context';
import { askHedged } from './ask-hedged';
import type { PartAnswer } from './part-answer';

export interface Scattered {
  readonly group: GroupId | null;
  readonly parts: readonly PartAnswer[];
  /** Shards that no replica answered for. */
  readonly missing: readonly ShardId[];
  /** Nodes that were asked in vain, with the reason's code. */
  readonly failures: ReadonlyMap<NodeId, string>;
  /** Nodes that answered by other settings than the catalogue's, because no other could. */
  readonly inconsistent: readonly NodeId[];
  /** The lowest settings version that the answers were made by. */
  readonly settingsVersion: number;
}

export interface ScatterRequest {
  readonly entry: IndexEntry;
  /** Null: all shards. */
  readonly shards: readonly ShardId[] | null;
  /** Reads with the same fingerprint go to the same replicas while these are healthy. */
  readonly fingerprint: string;
  /** Milliseconds of the pod's monotonic clock at which the whole read gives up. */
  readonly until: number;
  /** `signal` ends a part that another replica has answered meanwhile. */
  readonly ask: (ask: NodeAsk, deadlineMs: number, signal: AbortSignal) => Promise<RawAnswer>;
  /** Only nodes known to have this version of the settings may answer; null or absent: any. */
  readonly minSettingsVersion?: number | null | undefined;
}

/** After the first try, each failed node's shards are asked of other replicas so many times. */
const retriesMax = 2;

/**
 * Asks one in-sync replica of each shard, and other replicas for what a node did not answer. The
 * parts are disjoint by shard also when one node is asked twice, because its second part carries
 * a bucket filter: no document is counted twice.
 */
export async function scatter(ctx: ApiContext, request: ScatterRequest): Promise<Scattered> {
  // Without its lease a pod may route by a table that a move has left behind.
  if (!ctx.pod.ready()) {
    throw new MeiliError(
      'miroir_not_ready',
      'This pod has lost its lease and is loading the fleet anew.',
    );
  }
  const failures = new Map<NodeId, string>();
  const parts: PartAnswer[] = [];
  const lacking: PartAnswer[] = [];
  const group = preferredGroup(request);
  let wanted = request.shards;
  let missing: readonly ShardId[] = [];
  for (let attempt = 0; attempt <= retriesMax; attempt += 1) {
    const cover = await coverShards(ctx, request, wanted, { group, failures });
    missing = cover.missing;
    const failed = await askAll(ctx, request, cover.asks, { group, parts, lacking, failures });
    if (failed.length === 0) break;
    if (attempt === retriesMax || performance.now() >= request.until) {
      missing = [...missing, ...failed];
      break;
    }
    wanted = [...missing, ...failed];
  }
  // Nobody has made the index there yet: their own word is better than none.
  const without = lacking.filter(({ ask }) => ask.shards.some((one) => missing.includes(one)));
  parts.push(...without);
  missing = missing.filter((one) => !without.some(({ ask }) => ask.shards.includes(one)));
  return { group, parts, missing, failures, ...settingsOf(ctx, request.entry, parts) };
}

function settingsOf(
  { settings }: ApiContext,
  entry: IndexEntry,
  parts: readonly PartAnswer[],
): Pick<Scattered, 'inconsistent' | 'settingsVersion'> {
  const nodes = [...new Set(parts.map(({ node }) => node))];
  const versions = nodes.map((node) => settings.versionOn(entry, node));
  return {
    inconsistent: nodes.filter((node) => settings.differs(entry, node)).sort(),
    settingsVersion: Math.min(entry.settingsVersion, ...versions),
  };
}

/** Whether a status means that this node cannot serve now, while another replica may. */
function isNodeFault(status: number): boolean {
  return status >= 500 || status === 401 || status === 403 || status === 408 || status === 429;
}

/**
 * The node has no such index: it missed its creation, or has not got there in its queue. It is well, and
 * another replica may have the index.
 */
class LacksIndex {
  readonly code = 'index_not_found';

  constructor(readonly part: PartAnswer) {}
}

interface Gathering {
  readonly group: GroupId | null;
  readonly parts: PartAnswer[];
  /** What nodes said that have no such index. */
  readonly lacking: PartAnswer[];
  readonly failures: Map<NodeId, string>;
}

async function askAll(
  ctx: ApiContext,
  request: ScatterRequest,
  asks: readonly NodeAsk[],
  into: Gathering,
): Promise<ShardId[]> {
  const failed: ShardId[] = [];
  await Promise.all(
    asks.map(async (ask) => {
      try {
        into.parts.push(
          ...(await askHedged(ctx, ask, {
            ask: (part, signal) => askPart(ctx, request, part, signal),
            // The same plan, without the node that is slow; asks of the others carry the bucket filter.
            others: async () => {
              const failures = new Map(into.failures).set(ask.node, 'slow');
              const avoid = { group: into.group, failures };
              return await coverShards(ctx, request, ask.shards, avoid);
            },
            failed: (error) => blame(ctx, ask.node, error),
          })),
        );
      } catch (error) {
        const code = errorCode(error);
        blame(ctx, ask.node, error);
        if (error instanceof LacksIndex) into.lacking.push(error.part);
        into.failures.set(ask.node, code);
        failed.push(...ask.shards);
        ctx.log.warn(
          { node: ask.node, code, shards: ask.shards.length },
          'node did not answer a read',
        );
      }
    }),
  );
  return failed;
}

function blame({ health }: ApiContext, node: NodeId, error: unknown): void {
  if (!(error instanceof LacksIndex)) health.failed(node, errorCode(error));
}

/** One node's answer to its part. Throws what has a `code` when it cannot serve now. */
async function askPart(
  ctx: ApiContext,
  request: ScatterRequest,
  ask: NodeAsk,
  signal: AbortSignal,
): Promise<PartAnswer> {
  const begun = performance.now();
  const remaining = Math.max(1, request.until - begun);
  const deadlineMs = Math.min(remaining, ctx.config.nodes.deadlineMs);
  const answer = await request.ask(ask, deadlineMs, signal);
  if (isNodeFault(answer.status)) throw { code: `status_${answer.status}` };
  // Its connection broke meanwhile: it may have come back with another disk, and answered from that.
  if (!ctx.health.mayServe(ask.node) && !(await ctx.identities.trusted(ask.node, 'once'))) {
    throw { code: 'node_unverified' };
  }
  ctx.health.answered(ask.node);
  ctx.hedges.answered(ask.node, performance.now() - begun);
  const part = { node: ask.node, ask, answer };
  if (answer.status === 404 && codeIn(answer) === 'index_not_found') throw new LacksIndex(part);
  return part;
}

function codeIn({ bytes }: RawAnswer): unknown {
  try {
    return (JSON.parse(Buffer.from(bytes).toString('utf8')) as { code?: unknown }).code;
  } catch {
    return null;
  }
}

/** Whom a read asks for which shards; `explain` shows the same. `failures`: nodes asked in vain. */
export async function coverShards(
  ctx: ApiContext,
  request: Pick<ScatterRequest, 'entry' | 'fingerprint' | 'minSettingsVersion'>,
  shards: readonly ShardId[] | null,
  avoid: { group: GroupId | null; failures: ReadonlyMap<NodeId, string> },
): Promise<CoveringSet> {
  const plan = (usable: (node: NodeId) => boolean): CoveringSet =>
    coveringSet({
      entry: request.entry,
      ...(avoid.group === null ? {} : { group: avoid.group }),
      ...(shards === null ? {} : { shards: [...shards] }),
      prefer: (candidates) =>
        ctx.health.warmFirst(rendezvousOrder(request.fingerprint, candidates), request.fingerprint),
      usable,
    });
  const { entry, minSettingsVersion: min } = request;
  const { settings, health } = ctx;
  const may = (node: NodeId): boolean =>
    min === null || min === undefined || settings.has(entry, node, min);
  const well = (node: NodeId): boolean =>
    may(node) && health.usable(node) && !avoid.failures.has(node);
  const agrees = (node: NodeId): boolean => well(node) && !settings.differs(entry, node);
  const best = plan((node) => agrees(node) && !isResting(ctx, node));
  if (best.missing.length === 0) return best;
  // A node that is to be spared, and then one with other settings, is still better than no answer.
  const spared = plan(agrees);
  if (spared.missing.length === 0) return spared;
  const healthy = plan(well);
  if (healthy.missing.length === 0) return healthy;
  // A connection that broke says nothing of the next one, once the node has said who it is.
  const left = [...holders(entry).keys()].filter(
    (node) => may(node) && (avoid.failures.get(node) ?? 'node_unreachable') === 'node_unreachable',
  );
  const trusted = new Set<NodeId>();
  await Promise.all(
    left.map(async (node) => {
      if (await ctx.identities.trusted(node, 'once')) trusted.add(node);
    }),
  );
  // A node that is thought to be out is still better than no answer at all; one that is not the node
  // it was is worse.
  return plan((node) => trusted.has(node));
}

/** It is about to be restarted: read only for what nobody else has. */
export const isResting = (ctx: ApiContext, node: NodeId): boolean =>
  ctx.fleet.node(node)?.resting === true;

export function preferredGroup(
  request: Pick<ScatterRequest, 'entry' | 'fingerprint'>,
): GroupId | null {
  const groups = request.entry.placement.map((placement) => String(placement.group));
  const first = rendezvousOrder(`group/${request.fingerprint}`, groups as NodeId[])[0];
  return first === undefined ? null : groupId(Number(first));
}

function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error
    ? String(error.code)
    : 'unknown';
}
