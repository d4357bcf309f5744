import type { IndexEntry } from '../../core/fleet';
import type { NodeId, PhysicalUid } from '../../core/ids';
import { physicalSettings, settingsHash } from '../../core/settings/physical';
import type { Store } from '../../store/types';
import { setupSteps } from './index-changes';
import type { NodeWork } from './plan';
import type { Step } from './steps';

/**
 * Which nodes have which index with its settings. A node that was away when an index was made would
 * make it by itself at its first documents, without primary key and settings: so every node without a
 * record gets both before anything else. The records are shared by all pods.
 */
export class Readiness {
  readonly #known = new Set<string>();

  constructor(private readonly store: Pick<Store, 'nodeSettingsVersions'>) {}

  async setup(entry: IndexEntry, work: NodeWork): Promise<readonly Step[]> {
    if (work.steps.some((step) => step.kind === 'delete-index')) return [];
    const key = keyOf(entry.physicalUid, work.node);
    if (this.#known.has(key)) return [];
    const record = await this.store.nodeSettingsVersions.of(entry.physicalUid, work.node);
    if (record === null) return setupSteps(entry);
    this.#known.add(key);
    return [];
  }

  /** The node has taken the present settings of the index into its queue. */
  async accepted(entry: IndexEntry, work: NodeWork): Promise<void> {
    const key = keyOf(entry.physicalUid, work.node);
    const isSettings = work.steps.some((step) => step.kind === 'settings');
    if (work.steps.some((step) => step.kind === 'delete-index')) {
      this.#known.delete(key);
      return;
    }
    if (this.#known.has(key) && !isSettings) return;
    await this.store.nodeSettingsVersions.put({
      physicalUid: entry.physicalUid,
      node: work.node,
      settingsVersion: entry.settingsVersion,
      settingsHash: settingsHash(physicalSettings(entry.settings)),
      appliedAt: new Date().toISOString(),
    });
    this.#known.add(key);
  }

  /** Forgets what it knows of a node: it may have come back with another disk. */
  forget(node: NodeId): void {
    for (const key of this.#known) if (key.endsWith(`/${node}`)) this.#known.delete(key);
  }
}

function keyOf(uid: PhysicalUid, node: NodeId): string {
  return `${uid}/${node}`;
}
