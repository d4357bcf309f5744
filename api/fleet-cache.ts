import type { AliasEntry, Fleet, FleetNode, IndexEntry } from '../core/fleet';
import type { Epoch, NodeId, PhysicalUid } from '../core/ids';
import type { FleetStore } from '../store/types';

/** An index by a name that a client wrote. `viaAlias`: the alias that the name was, or null. */
export interface FoundIndex {
  readonly entry: IndexEntry;
  readonly viaAlias: AliasEntry | null;
}

interface Snapshot {
  readonly fleet: Fleet;
  readonly byUid: ReadonlyMap<string, IndexEntry>;
  readonly byPhysical: ReadonlyMap<string, IndexEntry>;
  readonly nodes: ReadonlyMap<string, FleetNode>;
  readonly aliases: ReadonlyMap<string, AliasEntry>;
}

/**
 * This pod's copy of the fleet. It only moves forward: a snapshot of a lower epoch than the present
 * one is dropped, so a request never sees an older state than an earlier request of this pod did.
 * Begin checks the epoch, so an outdated copy costs a write one more round and never its order.
 */
export class FleetCache {
  #snapshot: Snapshot | null = null;
  #loading: Promise<Fleet> | null = null;
  readonly #listeners: ((fleet: Fleet) => Promise<void> | void)[] = [];

  constructor(private readonly store: Pick<FleetStore, 'load' | 'watch' | 'told'>) {}

  /** Whether a state has been loaded. */
  ready(): boolean {
    return this.#snapshot !== null;
  }

  /**
   * The state in memory is older than one that nodes have seen: nothing may be answered from it. A change
   * that this pod itself has just made, and has not loaded yet, is no loss.
   */
  lost(): boolean {
    return this.#snapshot !== null && this.#snapshot.fleet.epoch < this.store.told();
  }

  /** Throws when nothing was loaded yet; the pod serves nothing before that. */
  current(): Fleet {
    return this.#present().fleet;
  }

  /** By index uid, or by the name of an alias with one target. An index wins over an alias. */
  index(uidOrAlias: string): FoundIndex | null {
    const { byUid, aliases } = this.#present();
    const direct = byUid.get(uidOrAlias);
    if (direct !== undefined) return { entry: direct, viaAlias: null };
    const alias = aliases.get(uidOrAlias);
    const target = alias?.targets.length === 1 ? alias.targets[0] : undefined;
    const entry = target === undefined ? undefined : byUid.get(target);
    return entry === undefined || alias === undefined ? null : { entry, viaAlias: alias };
  }

  alias(name: string): AliasEntry | null {
    return this.#present().aliases.get(name) ?? null;
  }

  physical(uid: PhysicalUid): IndexEntry | null {
    return this.#present().byPhysical.get(uid) ?? null;
  }

  node(id: NodeId): FleetNode | null {
    return this.#present().nodes.get(id) ?? null;
  }

  /** Loads the state anew, at least as of `minEpoch`. Calls at the same time share one load. */
  async reload(minEpoch?: Epoch): Promise<Fleet> {
    const present = this.#snapshot?.fleet;
    if (minEpoch !== undefined && present !== undefined && present.epoch >= minEpoch)
      return present;
    // A load that is already under way may have read before the change that the caller knows of.
    const shared = await (this.#loading ?? this.#load());
    if (minEpoch === undefined || shared.epoch >= minEpoch) return shared;
    return await this.#load();
  }

  /**
   * Called after each new state and awaited by `reload`: a pod acknowledges an epoch only when all
   * that depends on it (its API keys) has been loaded too.
   */
  onReload(listener: (fleet: Fleet) => Promise<void> | void): void {
    this.#listeners.push(listener);
  }

  /** Follows the epoch as other pods raise it. Returns the way to stop. */
  follow(onError: (error: unknown) => void): () => void {
    return this.store.watch((epoch) => {
      this.reload(epoch).catch(onError);
    });
  }

  #load(): Promise<Fleet> {
    const loading = this.#loadOnce().finally(() => {
      if (this.#loading === loading) this.#loading = null;
    });
    this.#loading = loading;
    return loading;
  }

  async #loadOnce(): Promise<Fleet> {
    const fleet = await this.store.load();
    const known = this.#snapshot;
    if (known !== null && known.fleet.epoch > fleet.epoch) return known.fleet;
    this.#snapshot = {
      fleet,
      byUid: new Map(fleet.indexes.map((entry) => [entry.uid, entry])),
      byPhysical: new Map(fleet.indexes.map((entry) => [entry.physicalUid, entry])),
      nodes: new Map(fleet.nodes.map((node) => [node.id, node])),
      aliases: new Map(fleet.aliases.map((alias) => [alias.name, alias])),
    };
    for (const listener of this.#listeners) await listener(fleet);
    return fleet;
  }

  #present(): Snapshot {
    if (this.#snapshot === null) throw new Error('The state of the fleet has not been loaded yet.');
    return this.#snapshot;
  }
}
