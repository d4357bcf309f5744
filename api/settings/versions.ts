import type { IndexEntry } from '../../core/fleet';

/** The version that a node must have: later ones concern only what Miroir does with answers. */
export function physicalVersionOf(
  entry: Pick<IndexEntry, 'settingsVersion' | 'physicalSettingsVersion'>,
): number {
  return entry.physicalSettingsVersion ?? entry.settingsVersion;
}
