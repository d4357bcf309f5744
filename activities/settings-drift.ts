import type { DriftedNode, IndexEntry } from '../core/fleet';
import type { NodeId, PhysicalUid } from '../core/ids';
import type { ActivityTools } from './tools';

/** What a comparison found on one node; no settings: it has what the catalogue says. */
export interface FoundSettings {
  readonly node: NodeId;
  readonly settings: readonly string[];
}

/**
 * Notes in the catalogue which nodes have other settings than it says, and forgets those that have not
 * any more. It is a change of the fleet, so every pod knows at one epoch whom to avoid, and the
 * topology log shows when it began and ended. Nodes that were not looked at stay as they are.
 */
export async function markDrift(
  tools: ActivityTools,
  physicalUid: PhysicalUid,
  { who, found }: { readonly who: string; readonly found: readonly FoundSettings[] },
): Promise<void> {
  const differing = found.filter(({ settings }) => settings.length > 0);
  const names = differing.map(({ node, settings }) => `${node}: ${settings.join(', ')}`).join('; ');
  const what = names === '' ? 'settings are the same again' : 'settings drifted';
  const at = new Date(tools.clock.now()).toISOString();
  await tools.store.fleet.update({ who, why: names, what }, (fleet) => {
    const entry = fleet.indexes.find((one) => one.physicalUid === physicalUid);
    if (entry === undefined) return null;
    const drifted = driftOf(entry, found, at);
    if (sameDrift(entry.drifted ?? [], drifted)) return null;
    const { placement: _placement, drifted: _before, ...meta } = entry;
    return [{ op: 'set-index', entry: drifted.length === 0 ? meta : { ...meta, drifted } }];
  });
}

function driftOf(entry: IndexEntry, found: readonly FoundSettings[], at: string): DriftedNode[] {
  const before = entry.drifted ?? [];
  const seen = new Set(found.map(({ node }) => node));
  const now = found
    .filter(({ settings }) => settings.length > 0)
    .map(({ node, settings }): DriftedNode => {
      const since = before.find((one) => one.node === node)?.since ?? at;
      return { node, settings, since };
    });
  return [...before.filter(({ node }) => !seen.has(node)), ...now].sort((a, b) =>
    a.node < b.node ? -1 : 1,
  );
}

const sameDrift = (a: readonly DriftedNode[], b: readonly DriftedNode[]): boolean =>
  JSON.stringify(a.map(({ node, settings }) => [node, settings])) ===
  JSON.stringify(b.map(({ node, settings }) => [node, settings]));
