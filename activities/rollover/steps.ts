import type { AliasEntry, Fleet, IndexEntry, Settings } from '../../core/fleet';
import { indexUid } from '../../core/ids';
import type { IndexUid, PhysicalUid } from '../../core/ids';
import { aliasHistoryMax } from '../../core/limits';
import type { RolloverTemplate } from '../../core/rollover';
import { applySettings } from '../../core/settings/apply';
import { defaultSettings } from '../../core/settings/defaults';
import type { RolloverTerms } from '../../store/record-types';
import type { FleetOp } from '../../store/types';
import { refuse } from '../errors';
import { creationOps, dropIndexes, placedEntry, prepareHolders } from '../index-life';
import type { ActivityTools, Call } from '../tools';
import type { RolloverDecision, RolloverStepInput } from '../types';
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

/** The new index as its template says, on the nodes of this fleet. */
async function plannedEntry(
  tools: ActivityTools,
  fleet: Fleet,
  decision: RolloverDecision,
): Promise<IndexEntry> {
  const { template } = rulesOf(await termsOf(tools, decision), decision.policy);
  const { primaryKey, ttl } = template;
  const index = {
    ...nextOf(decision),
    ...{ primaryKey, createdAt: decision.createdAt, updatedAt: decision.createdAt },
    settings: settingsOf(fleet, template),
    ...(ttl === null ? {} : { ttl }),
  };
  const { shards, replicationFactor } = tools.config.fleet;
  return placedEntry(fleet, index, {
    shards: template.shards ?? shards,
    replicationFactor: template.replicationFactor ?? replicationFactor,
  });
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

/** An index that an alias names since the decision is kept. */
export async function retainIndexes(
  tools: ActivityTools,
  { decision, who, why }: RolloverStepInput,
  call: Call,
): Promise<{ deleted: readonly IndexUid[] }> {
  const { doomed } = decision;
  return { deleted: await dropIndexes(tools, doomed, { who, why, call, spareAliased: true }) };
}

/** A roll-back before the flip: nobody was told of the index, so it goes without a trace. */
export async function dropNextIndex(
  tools: ActivityTools,
  { decision, who, why }: RolloverStepInput,
  call: Call,
): Promise<void> {
  await dropIndexes(tools, [nextOf(decision)], { who, why, call, spareAliased: true });
}
