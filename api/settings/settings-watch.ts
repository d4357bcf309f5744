import { holders } from '../../core/covering-set';
import type { Fleet, IndexEntry } from '../../core/fleet';
import type { NodeId, PhysicalUid } from '../../core/ids';
import { differingSettings } from '../../core/settings/compare';
import type { Nodes } from '../../meili/types';
import type { Store } from '../../store/types';
import type { FleetCache } from '../fleet-cache';
import type { Log } from '../log';
import { clientOf } from '../client-of';
import { physicalVersionOf } from './versions';

interface WatchContext {
  readonly store: Store;
  readonly fleet: FleetCache;
  readonly nodes: Nodes;
  readonly log: Log;
}

const pauseMs = { first: 50, max: 2_000 };
const readDeadlineMs = 2_000;

/**
 * What this pod knows of the settings that each node really has. A settings change takes effect in the
 * catalogue at one epoch and on the nodes when their queues get there; until a node was seen to have
 * them (by the note of a run, or by reading them back here) it is behind: searches avoid it where
 * another can serve, and name it where not. An index at its first version has nothing to be behind of:
 * nodes get settings before documents.
 */
export class SettingsWatch {
  /** Index → node → the version it was seen to have; no entry: nobody has looked yet. */
  readonly #seen = new Map<PhysicalUid, Map<NodeId, number>>();
  /** Index → the version that its nodes had to have when this pod last looked. */
  readonly #wanted = new Map<PhysicalUid, number>();
  #looking: Promise<void> | null = null;
  #wake: () => void = () => undefined;
  #closed = false;

  constructor(private readonly ctx: WatchContext) {}

  start(): void {
    this.ctx.fleet.onReload((fleet) => this.#notice(fleet));
    this.#notice(this.ctx.fleet.current());
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    await this.#looking;
  }

  /** The settings version by which a node answers now, as far as this pod knows. */
  versionOn(entry: IndexEntry, node: NodeId): number {
    const seen = this.#seen.get(entry.physicalUid)?.get(node);
    if (seen === undefined || seen >= physicalVersionOf(entry)) return entry.settingsVersion;
    return seen;
  }

  /** Whether a node has other settings than the catalogue: it is behind, or somebody changed them there. */
  differs(entry: IndexEntry, node: NodeId): boolean {
    return this.versionOn(entry, node) < entry.settingsVersion || isDrifted(entry, node);
  }

  /** Whether the node is known to answer by this version or a later one. */
  has(entry: IndexEntry, node: NodeId, version: number): boolean {
    if (isDrifted(entry, node)) return false;
    if (physicalVersionOf(entry) <= 1) return entry.settingsVersion >= version;
    const seen = this.#seen.get(entry.physicalUid)?.get(node);
    return seen !== undefined && this.versionOn(entry, node) >= version;
  }

  /** Looks at every node that holds the index and is not known to have its settings. */
  async look(entry: IndexEntry): Promise<void> {
    const nodes = this.#unknown(entry);
    if (nodes.length === 0) return;
    const notes = await this.ctx.store.nodeSettingsVersions.ofIndex(entry.physicalUid);
    await Promise.all(
      nodes.map(async (node) => {
        const noted = notes.find((one) => one.node === node)?.settingsVersion ?? 0;
        if (noted >= physicalVersionOf(entry)) this.#learn(entry, node, noted);
        else if (await this.#reads(entry, node)) this.#learn(entry, node, entry.settingsVersion);
        else this.#learn(entry, node, noted);
      }),
    );
  }

  #unknown(entry: IndexEntry): NodeId[] {
    const wanted = physicalVersionOf(entry);
    if (wanted <= 1) return [];
    const seen = this.#seen.get(entry.physicalUid);
    return [...holders(entry).keys()].filter((node) => (seen?.get(node) ?? 0) < wanted);
  }

  #learn({ physicalUid }: IndexEntry, node: NodeId, version: number): void {
    const seen = this.#seen.get(physicalUid) ?? new Map<NodeId, number>();
    seen.set(node, Math.max(version, seen.get(node) ?? 0));
    this.#seen.set(physicalUid, seen);
  }

  /** Reads the settings back; the note is for the other pods and for the next start. */
  async #reads(entry: IndexEntry, node: NodeId): Promise<boolean> {
    const { physicalUid, settingsVersion } = entry;
    try {
      const client = clientOf(this.ctx, node);
      if (client === null) return false;
      const shown = await client.getSettings(physicalUid, { deadlineMs: readDeadlineMs });
      if (differingSettings(entry.settings, shown).length > 0) return false;
      const appliedAt = new Date().toISOString();
      await this.ctx.store.nodeSettingsVersions.put({
        ...{ physicalUid, node, settingsVersion, settingsHash: '', appliedAt },
      });
      return true;
    } catch (error) {
      this.ctx.log.debug({ err: error, node, index: entry.uid }, 'settings were not read back');
      return false;
    }
  }

  #notice(fleet: Fleet): void {
    const present = new Set(fleet.indexes.map(({ physicalUid }) => physicalUid));
    for (const map of [this.#seen, this.#wanted]) {
      for (const uid of map.keys()) if (!present.has(uid)) map.delete(uid);
    }
    for (const entry of fleet.indexes) this.#noticeVersion(entry);
    if (this.#closed || !fleet.indexes.some((entry) => this.#unknown(entry).length > 0)) return;
    this.#wake();
    this.#looking ??= this.#run().finally(() => {
      this.#looking = null;
    });
  }

  /** A change that came while this pod was looking on: nodes have the version of before, and no more. */
  #noticeVersion(entry: IndexEntry): void {
    const wanted = physicalVersionOf(entry);
    const before = this.#wanted.get(entry.physicalUid);
    this.#wanted.set(entry.physicalUid, wanted);
    if (before === undefined || before >= wanted) return;
    const seen = this.#seen.get(entry.physicalUid);
    for (const node of holders(entry).keys()) {
      if (seen?.get(node) === undefined) this.#learn(entry, node, before);
    }
  }

  async #run(): Promise<void> {
    let pause = pauseMs.first;
    while (!this.#closed) {
      const behind = this.ctx.fleet
        .current()
        .indexes.filter((one) => this.#unknown(one).length > 0);
      if (behind.length === 0) return;
      try {
        for (const entry of behind) await this.look(entry);
      } catch (error) {
        this.ctx.log.warn({ err: error }, 'looking at the settings of nodes failed; trying again');
      }
      if (await this.#sleep(pause)) pause = pauseMs.first;
      else pause = Math.min(pause * 2, pauseMs.max);
    }
  }

  /** True when it was woken before. */
  async #sleep(ms: number): Promise<boolean> {
    return await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}

const isDrifted = ({ drifted }: IndexEntry, node: NodeId): boolean =>
  drifted?.some((one) => one.node === node) ?? false;
