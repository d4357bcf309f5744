import { holders } from '../../core/covering-set';
import type { AliasEntry, Fleet, IndexEntry, Settings } from '../../core/fleet';
import { indexUid, shardId } from '../../core/ids';
import type { IndexUid, PhysicalUid } from '../../core/ids';
import { aliasHistoryMax } from '../../core/limits';
import { place } from '../../core/placement';
import type { RolloverTemplate } from '../../core/rollover';
import { applySettings } from '../../core/settings/apply';
import { defaultSettings } from '../../core/settings/defaults';
import type { RolloverTerms } from '../../store/record-types';
import type { FleetOp } from '../../store/types';
import { passBarrier } from '../barrier';
import { refuse } from '../errors';
import { deleteIndexOn, preparePhysicalIndex } from '../physical-index';
import { clientOf } from '../tools';
import type { ActivityTools, Call } from '../tools';
import type { DoomedIndex, RolloverDecision, RolloverStepInput } from '../types';
import { aliasOf, entryByUid, rulesOf, termsOf } from './policy';

interface Next {
  readonly uid: IndexUid;
  readonly physicalUid: PhysicalUid;
}

function nextOf({ to, physicalUid }: RolloverDecision): Next {
  if (to === null || physicalUid === null) {
    throw refuse('rollover-refused', 'This run has decided to do nothing.');
  }
  return { uid: to, physicalUid };
}

function settingsOf(fleet: Fleet, { settings, settingsRef }: RolloverTemplate): Settings {
  if (settingsRef !== null) {
    const name = indexUid(settingsRef);
    const entry = entryByUid(fleet, aliasOf(fleet, name)?.targets[0] ?? name);
    if (entry === null)
      throw refuse('policy-invalid', `There is no index ${settingsRef} to take the settings of.`);
    return entry.settings;
  }
  if (settings === null) return defaultSettings();
  const applied = applySettings(defaultSettings(), settings);
  if (!applied.ok) throw refuse('policy-invalid', applied.error.message);
  return applied.settings;
}

/** The new index as it would be placed on the nodes of this fleet. */
async function plannedEntry(
  tools: ActivityTools,
  fleet: Fleet,
  decision: RolloverDecision,
): Promise<IndexEntry> {
  const { uid, physicalUid } = nextOf(decision);
  const { template } = rulesOf(await termsOf(tools, decision), decision.policy);
  const { fleet: defaults } = tools.config;
  const shardCount = template.shards ?? defaults.shards;
  const replicationFactor = template.replicationFactor ?? defaults.replicationFactor;
  const groups = [...new Set(fleet.nodes.map(({ group }) => group))];
  const { placement } = place({
    ...{ nodes: fleet.nodes, groups, shardCount, replicationFactor },
    ...{ present: null, seed: physicalUid },
  });
  return {
    ...{
      uid,
      physicalUid,
      primaryKey: template.primaryKey,
      shardCount,
      replicationFactor,
      placement,
    },
    ...{ createdAt: decision.createdAt, updatedAt: decision.createdAt },
    ...{ settings: settingsOf(fleet, template), settingsVersion: 1 },
    ...(template.ttl === null ? {} : { ttl: template.ttl }),
  };
}

async function prepareHolders(tools: ActivityTools, entry: IndexEntry, call: Call): Promise<void> {
  const nodes = [...holders(entry).keys()].sort();
  await Promise.all(
    nodes.map(async (node) => {
      const side = { client: await clientOf(tools, node), physicalUid: entry.physicalUid };
      await preparePhysicalIndex(side, entry, { clock: tools.clock, call });
      call.beat({ prepared: node });
    }),
  );
}

/** The index is made on its nodes, with its settings, before anyone can find it by its name. */
export async function createNextIndex(
  tools: ActivityTools,
  { decision }: RolloverStepInput,
  call: Call,
): Promise<void> {
  const fleet = await tools.store.fleet.load();
  await prepareHolders(tools, await plannedEntry(tools, fleet, decision), call);
}

/** It stands in the catalogue, and every node that holds it by the catalogue has it. */
export async function waitIndexReady(
  tools: ActivityTools,
  { decision, who, why }: RolloverStepInput,
  call: Call,
): Promise<void> {
  const next = nextOf(decision);
  const entry = await plannedEntry(tools, await tools.store.fleet.load(), decision);
  const fleet = await tools.store.fleet.update(
    { who, why, what: `create ${next.uid}` },
    (present) => {
      const known = entryByUid(present, next.uid);
      return known === null ? creationOps(entry) : null;
    },
  );
  const made = entryByUid(fleet, next.uid);
  if (made?.physicalUid !== next.physicalUid) {
    throw refuse('rollover-refused', `Somebody else has made an index ${next.uid}.`);
  }
  await prepareHolders(tools, made, call);
}

function creationOps({ placement, ...entry }: IndexEntry): FleetOp[] {
  const { physicalUid } = entry;
  return [
    { op: 'set-index', entry },
    ...placement.flatMap(({ group, shards }) =>
      shards.map((replicas, at): FleetOp => {
        return { op: 'set-replicas', physicalUid, group, shard: shardId(at), replicas };
      }),
    ),
  ];
}

function flipped(
  alias: AliasEntry | null,
  name: IndexUid,
  targets: readonly IndexUid[],
  at: string,
): AliasEntry {
  const past = alias === null ? [] : [...alias.history, { at, targets: alias.targets }];
  const flips = alias === null ? 0 : (alias.flips ?? alias.history.length) + 1;
  return { name, targets, history: past.slice(-aliasHistoryMax), flips };
}

const same = (alias: AliasEntry | null, targets: readonly IndexUid[]): boolean =>
  alias !== null && alias.targets.join('\n') === targets.join('\n');

/** A run that was begun before decisions named the aliases finds them in its policy. */
async function aliasesOf(
  tools: ActivityTools,
  decision: RolloverDecision,
): Promise<Pick<RolloverTerms, 'writeAlias' | 'readAlias'>> {
  const { writeAlias, readAlias } = decision;
  if (writeAlias !== undefined && readAlias !== undefined) return { writeAlias, readAlias };
  return await termsOf(tools, decision);
}

/** Both aliases in one change of the fleet: nobody sees one without the other. */
export async function flipAliases(
  tools: ActivityTools,
  { decision, who, why }: RolloverStepInput,
): Promise<void> {
  const { uid } = nextOf(decision);
  const { writeAlias, readAlias } = await aliasesOf(tools, decision);
  const at = new Date(tools.clock.now()).toISOString();
  await tools.store.fleet.update({ who, why, what: `flip ${writeAlias} to ${uid}` }, (fleet) => {
    const wanted: [IndexUid, readonly IndexUid[]][] = [[writeAlias, [uid]]];
    if (readAlias !== null && decision.readTargets !== null)
      wanted.push([readAlias, decision.readTargets]);
    const ops = wanted
      .filter(([name, targets]) => !same(aliasOf(fleet, name), targets))
      .map(([name, targets]): FleetOp => {
        return { op: 'set-alias', alias: flipped(aliasOf(fleet, name), name, targets, at) };
      });
    return ops.length === 0 ? null : ops;
  });
}

/** Out of the catalogue first; the nodes' copies when no pod can ask for them any more. */
export async function retainIndexes(
  tools: ActivityTools,
  { decision, who, why }: RolloverStepInput,
  call: Call,
): Promise<{ deleted: readonly IndexUid[] }> {
  const deleted: IndexUid[] = [];
  for (const doomed of decision.doomed) {
    if (await dropIndex(tools, doomed, { who, why, call })) deleted.push(doomed.uid);
  }
  return { deleted };
}

interface Drop {
  readonly who: string;
  readonly why: string;
  readonly call: Call;
}

async function dropIndex(
  tools: ActivityTools,
  { uid, physicalUid, nodes }: DoomedIndex,
  { who, why, call }: Drop,
): Promise<boolean> {
  let spared = false;
  const fleet = await tools.store.fleet.update({ who, why, what: `delete ${uid}` }, (present) => {
    const entry = present.indexes.find((one) => one.physicalUid === physicalUid);
    // An alias that was set since the decision keeps the index.
    spared =
      entry !== undefined && present.aliases.some(({ targets }) => targets.includes(entry.uid));
    if (entry === undefined || spared) return null;
    return [
      { op: 'remove-index', uid: entry.uid },
      { op: 'remove-placement', physicalUid },
    ];
  });
  if (spared) return false;
  await passBarrier(tools, { epoch: fleet.epoch, operation: `delete ${uid}` }, call);
  for (const node of nodes) await deleteIndexOn(tools, node, { physicalUid, call });
  return true;
}

/** A roll-back before the flip: nobody was told of the index, so it goes without a trace. */
export async function dropNextIndex(
  tools: ActivityTools,
  { decision, who, why }: RolloverStepInput,
  call: Call,
): Promise<void> {
  const { uid, physicalUid } = nextOf(decision);
  const { nodes } = await tools.store.fleet.load();
  await dropIndex(
    tools,
    { uid, physicalUid, nodes: nodes.map(({ id }) => id) },
    { who, why, call },
  );
}
