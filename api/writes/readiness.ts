import type { IndexEntry } from '../../core/fleet';
import type { NodeId, PhysicalUid } from '../../core/ids';
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

  /**
   * The node has taken the work into its queue. A first record has version 0: which settings a node
   * really has is noted only by the run that has read them back.
   */
  async accepted(entry: IndexEntry, work: NodeWork): Promise<void> {
    const { physicalUid } = entry;
    const { node } = work;
    const key = keyOf(physicalUid, node);
    const records = this.store.nodeSettingsVersions;
    if (work.steps.some((step) => step.kind === 'delete-index')) {
      this.#known.delete(key);
      await records.delete(key);
      return;
    }
    if (this.#known.has(key)) return;
    const appliedAt = new Date().toISOString();
    await records.create({ physicalUid, node, settingsVersion: 0, settingsHash: '', appliedAt });
    this.#known.add(key);
  }

  /** Those of the nodes that no record says have the index. Known ones cost no look at the records. */
  async unknown({ physicalUid }: IndexEntry, nodes: readonly NodeId[]): Promise<NodeId[]> {
    const isKnown = (node: NodeId): boolean => this.#known.has(keyOf(physicalUid, node));
    if (nodes.every(isKnown)) return [];
    for (const { node } of await this.store.nodeSettingsVersions.ofIndex(physicalUid)) {
      this.#known.add(keyOf(physicalUid, node));
    }
    return nodes.filter((node) => !isKnown(node));
  }

  /** Forgets what it knows of a node: it may have come back with another disk. */
  forget(node: NodeId): void {
    for (const key of this.#known) if (key.endsWith(`/${node}`)) this.#known.delete(key);
  }
}

function keyOf(uid: PhysicalUid, node: NodeId): string {
  return `${uid}/${node}`;
}
