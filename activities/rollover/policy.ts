import { createHash } from 'node:crypto';
import type { AliasEntry, Fleet, IndexEntry } from '../../core/fleet';
import { indexUid, physicalUid, shardId } from '../../core/ids';
import type { IndexUid, NodeId, PhysicalUid, ShardId } from '../../core/ids';
import { indexUidBytesMax } from '../../core/limits';
import type { RolloverInput } from '../../core/operations';
import { holders } from '../../core/covering-set';
import {
  indexesOfPattern,
  indexesToDelete,
  isRolloverDue,
  nextIndexName,
  parseRules,
  whyNotDue,
} from '../../core/rollover';
import type { IndexFacts, NamedIndex, RolloverRules } from '../../core/rollover';
import type { RolloverPolicy, RolloverTerms } from '../../store/record-types';
import { refuse } from '../errors';
import { countDocuments } from '../sync/read-documents';
import { bucketFilter } from '../../core/hidden-fields';
import { clientOf } from '../tools';
import type { ActivityTools, Call } from '../tools';
import type { DoomedIndex, RolloverDecision } from '../types';

export async function policyOf(tools: ActivityTools, name: string): Promise<RolloverPolicy> {
  const policy = await tools.store.rolloverPolicies.get(name);
  if (policy === null) throw refuse('policy-unknown', `There is no rollover policy ${name}.`);
  return policy;
}

/** The policy as it was when the run decided: what changed since then counts for the next run. */
export async function termsOf(
  tools: ActivityTools,
  { policy: name, version }: Pick<RolloverDecision, 'policy' | 'version'>,
): Promise<RolloverTerms> {
  const policy = await policyOf(tools, name);
  const terms = [policy, ...(policy.earlier ?? [])].find((one) => one.version === version);
  if (terms !== undefined) return terms;
  throw refuse('policy-unknown', `Version ${String(version)} of policy ${name} is forgotten.`);
}

export function rulesOf(terms: RolloverTerms, name: string): RolloverRules {
  const parsed = parseRules(terms);
  if (!parsed.ok) throw refuse('policy-invalid', `${name}: ${parsed.message}`);
  return parsed.rules;
}

export const entryByUid = (fleet: Fleet, uid: IndexUid): IndexEntry | null =>
  fleet.indexes.find((entry) => entry.uid === uid) ?? null;

export const aliasOf = (fleet: Fleet, name: IndexUid): AliasEntry | null =>
  fleet.aliases.find((alias) => alias.name === name) ?? null;

const named = ({ uid, createdAt }: IndexEntry): NamedIndex => ({
  uid,
  createdAtMs: Date.parse(createdAt),
});

/** Documents counted once for each shard, on an in-sync copy; bytes by the nodes' average size. */
async function factsOf(tools: ActivityTools, entry: IndexEntry, call: Call): Promise<IndexFacts> {
  const asked = new Map<NodeId, ShardId[]>();
  for (let shard = 0; shard < entry.shardCount; shard += 1) {
    const copy = entry.placement
      .flatMap(({ shards }) => shards[shard] ?? [])
      .find(({ state }) => state === 'in-sync');
    if (copy === undefined) continue;
    asked.set(copy.node, [...(asked.get(copy.node) ?? []), shardId(shard)]);
  }
  let documents = 0;
  let bytes = 0;
  for (const [node, shards] of asked) {
    const side = { client: await clientOf(tools, node), physicalUid: entry.physicalUid };
    const count = await countDocuments(side, bucketFilter(shards, entry.shardCount), call.signal);
    const { avgDocumentSize } = await side.client.stats(entry.physicalUid);
    documents += count;
    bytes += count * avgDocumentSize;
  }
  return { documents, bytes, createdAtMs: Date.parse(entry.createdAt) };
}

/** The same for every try of one run and never the same for two runs. */
function physicalUidOf(uid: string, runId: string): PhysicalUid {
  const suffix = createHash('sha256').update(`${runId}/${uid}`).digest('hex').slice(0, 12);
  return physicalUid(`${uid.slice(0, indexUidBytesMax - suffix.length - 1)}-${suffix}`);
}

function undecided(policy: RolloverPolicy, from: IndexUid | null, now: number): RolloverDecision {
  return {
    ...{ policy: policy.name, version: policy.version, act: false, from, to: null },
    ...{ outcome: 'not-due', reason: 'no trigger is met', physicalUid: null },
    ...{ createdAt: new Date(now).toISOString(), readTargets: null, doomed: [] },
    ...{ writeAlias: policy.writeAlias, readAlias: policy.readAlias },
  };
}

/**
 * Decides once, with the policy as it is now, what this run will do: the next name, the aliases after
 * the flip, and what retention deletes. A half-done run that resumes does the same.
 */
export async function decideRollover(
  tools: ActivityTools,
  input: RolloverInput,
  call: Call,
): Promise<RolloverDecision> {
  const policy = await policyOf(tools, input.policy);
  const rules = rulesOf(policy, policy.name);
  const fleet = await tools.store.fleet.load();
  const from = aliasOf(fleet, policy.writeAlias)?.targets[0] ?? null;
  const now = tools.clock.now();
  const nothing = undecided(policy, from, now);
  if (!policy.enabled && !input.force) {
    return { ...nothing, outcome: 'disabled', reason: 'the policy is switched off' };
  }
  const { due, reason } = await judge(tools, fleet, { rules, from, force: input.force, call });
  if (!due) return { ...nothing, reason };
  const next = nextOf(fleet, policy, { rules, now });
  const decision: RolloverDecision = {
    ...nothing,
    ...next,
    act: !input.dryRun,
    outcome: input.dryRun ? 'dry-run' : 'rolled-over',
    reason,
    physicalUid: physicalUidOf(next.to, call.runId),
  };
  return decision;
}

interface DueInput {
  readonly rules: RolloverRules;
  readonly from: IndexUid | null;
  readonly force: boolean;
  readonly call: Call;
}

/** Whether it is due, and the counts that say so. */
async function judge(
  tools: ActivityTools,
  fleet: Fleet,
  { rules, from, force, call }: DueInput,
): Promise<{ readonly due: boolean; readonly reason: string }> {
  if (force) return { due: true, reason: 'asked for by an operator' };
  const entry = from === null ? null : entryByUid(fleet, from);
  if (entry === null) return { due: true, reason: 'the write alias names no index yet' };
  const facts = await factsOf(tools, entry, call);
  const now = tools.clock.now();
  const due = isRolloverDue(rules.triggers, facts, now);
  if (due !== null) return { due: true, reason: due };
  return { due: false, reason: whyNotDue(rules.triggers, facts, now) };
}

function nextOf(
  fleet: Fleet,
  policy: RolloverPolicy,
  { rules, now }: { readonly rules: RolloverRules; readonly now: number },
): { to: IndexUid; readTargets: readonly IndexUid[] | null; doomed: readonly DoomedIndex[] } {
  // Aliases and indexes share their names, so neither may be taken.
  const taken = [...fleet.indexes.map(({ uid }) => uid), ...fleet.aliases.map(({ name }) => name)];
  const to = indexUid(nextIndexName(policy.pattern, now, taken));
  const present = indexesOfPattern(policy.pattern, fleet.indexes.map(named));
  const after = [...present, { uid: to, createdAtMs: now }];
  const readTargets = after.slice(-rules.retention.readIndexes).map(({ uid }) => indexUid(uid));
  const own = [policy.writeAlias, policy.readAlias];
  const aliased = fleet.aliases
    .filter(({ name }) => !own.includes(name))
    .flatMap(({ targets }) => targets);
  const kept = policy.readAlias === null ? aliased : [...aliased, ...readTargets];
  const doomed = indexesToDelete(rules.retention, after, [...kept, to], now);
  return {
    to,
    readTargets: policy.readAlias === null ? null : readTargets,
    doomed: doomed.flatMap((uid) => doom(entryByUid(fleet, indexUid(uid)))),
  };
}

const doom = (entry: IndexEntry | null): DoomedIndex[] =>
  entry === null
    ? []
    : [
        {
          uid: entry.uid,
          physicalUid: entry.physicalUid,
          nodes: [...holders(entry).keys()].sort(),
        },
      ];
