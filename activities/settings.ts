import { holders } from '../core/covering-set';
import type { IndexEntry } from '../core/fleet';
import type { NodeId } from '../core/ids';
import type { SettingsInput, SettingsReport } from '../core/operations';
import { comparable, differingSettings } from '../core/settings/compare';
import { physicalSettings, settingsHash } from '../core/settings/physical';
import { tryAgain } from './errors';
import { demandKnown } from './nodes/inspect';
import { preparePhysicalIndex, settingsOn } from './physical-index';
import { markDrift } from './settings-drift';
import { clientOf, entryOf } from './tools';
import type { ActivityTools, Call } from './tools';

/** Settings that move while they are spread are spread again, so often. */
const roundsMax = 20;

type Shown = NonNullable<Awaited<ReturnType<typeof settingsOn>>>;

/**
 * Every holder gets the physical settings of the version in the catalogue; then they are read back
 * and must be the same everywhere. What each node was seen to have is noted at once, also when another
 * node does not answer: that note, and not the sending, is what searches with a minimal settings
 * version rely on.
 */
export async function broadcastSettings(
  tools: ActivityTools,
  { physicalUid }: SettingsInput,
  call: Call,
): Promise<SettingsReport> {
  const changed = new Set<NodeId>();
  for (let round = 0; round < roundsMax; round += 1) {
    const entry = await entryOf(tools, physicalUid);
    const hashes = await applyEverywhere(tools, entry, { call, changed });
    const after = await entryOf(tools, physicalUid);
    if (after.settingsVersion !== entry.settingsVersion) continue;
    const [hash] = hashes.values();
    if (new Set(hashes.values()).size > 1) continue;
    await markDrift(tools, physicalUid, {
      who: 'settings',
      found: [...hashes.keys()].map((node) => ({ node, settings: [] })),
    });
    return {
      settingsVersion: entry.settingsVersion,
      settingsHash: hash ?? '',
      changed: [...changed].sort(),
      same: [...hashes.keys()].filter((node) => !changed.has(node)).sort(),
    };
  }
  throw tryAgain('settings-differ', `The settings of ${physicalUid} do not become the same.`);
}

async function applyEverywhere(
  tools: ActivityTools,
  entry: IndexEntry,
  { call, changed }: { call: Call; changed: Set<NodeId> },
): Promise<Map<NodeId, string>> {
  const hashes = new Map<NodeId, string>();
  const nodes = [...holders(entry).keys()].sort();
  const ended = await Promise.allSettled(
    nodes.map(async (node) => {
      await demandKnown(tools, [node], tryAgain);
      const side = { client: await clientOf(tools, node), physicalUid: entry.physicalUid };
      const wait = { clock: tools.clock, call };
      const before = hashOf(entry, await settingsOn(side, call.signal));
      await preparePhysicalIndex(side, entry, wait);
      const shown = (await settingsOn(side, call.signal)) ?? {};
      const after = hashOf(entry, shown);
      if (before !== after) changed.add(node);
      hashes.set(node, after);
      if (differingSettings(entry.settings, shown).length === 0) {
        await note(tools, entry, { node, hash: after });
      }
      call.beat({ applied: hashes.size, of: nodes.length });
    }),
  );
  const failed = ended.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason as Error;
  return hashes;
}

/** Only of the settings that Miroir sets: a node may show others that no version knows. */
function hashOf(entry: IndexEntry, present: Shown | null): string {
  const wanted = physicalSettings(entry.settings);
  const known = Object.fromEntries(
    Object.entries(wanted).map(([name, sent]) => [
      name,
      comparable(name, present?.[name] ?? null, sent),
    ]),
  );
  return settingsHash(known);
}

async function note(
  { store, clock }: ActivityTools,
  { physicalUid, settingsVersion }: IndexEntry,
  { node, hash }: { readonly node: NodeId; readonly hash: string },
): Promise<void> {
  const appliedAt = new Date(clock.now()).toISOString();
  await store.nodeSettingsVersions.put({
    ...{ physicalUid, node, settingsVersion, settingsHash: hash, appliedAt },
  });
}
