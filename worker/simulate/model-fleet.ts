import type { Fleet, IndexEntry } from '../../core/fleet';
import type { Epoch } from '../../core/ids';
import type { OperationView, SyncRef } from '../../core/operations';
import type { Audit, FleetOp } from '../../store/types';
import { applyOps } from './apply-ops';
import type { SimulatedNode, SimulationInput, TimelineEntry } from './input';

/** Virtual time, kept by Temporal's test server. */
export interface SimulatedClock {
  /** Milliseconds since 1970 in the simulation. */
  now(): Promise<number>;
  /** Returns when so much virtual time has passed; nothing waits for real. */
  sleep(ms: number): Promise<void>;
}

/** A fleet that is nothing but its table and numbers of documents. No node, no store, no network. */
export class ModelFleet {
  #fleet: Fleet;
  /** Documents that have arrived of the shards that are being filled, by sync. */
  readonly #arrived = new Map<string, number>();
  readonly #peaks = new Map<string, { documents: number; bytes: number }>();
  readonly #before: ReadonlyMap<string, number>;
  readonly #views = new Map<string, OperationView>();
  readonly #timeline: TimelineEntry[] = [];
  #busy = new Map<string, number>();
  #begun = 0;

  constructor(
    readonly input: SimulationInput,
    readonly clock: SimulatedClock,
  ) {
    this.#fleet = input.fleet;
    this.#before = new Map(this.nodeIds().map((id) => [id, this.#held(id).documents]));
    this.#look();
  }

  /** From now on times are told; what was before is the start of the simulation itself. */
  async begin(): Promise<void> {
    this.#begun = await this.clock.now();
  }

  load(): Fleet {
    return this.#fleet;
  }

  /** The store's compare-and-set loop, where nobody else changes anything. */
  update(_audit: Audit, decide: (fleet: Fleet) => readonly FleetOp[] | null): Fleet {
    const ops = decide(this.#fleet);
    if (ops !== null && ops.length > 0) {
      this.#fleet = applyOps(this.#fleet, ops);
      this.#look();
    }
    return this.#fleet;
  }

  epoch(): Epoch {
    return this.#fleet.epoch;
  }

  entry(physicalUid: string): IndexEntry {
    const entry = this.#fleet.indexes.find((one) => one.physicalUid === physicalUid);
    if (entry === undefined) throw new Error(`There is no index ${physicalUid}.`);
    return entry;
  }

  documentsOf(physicalUid: string, shards: number): number {
    const { documents } = this.#sizeOf(physicalUid);
    return (documents * shards) / this.entry(physicalUid).shardCount;
  }

  bytesEach(physicalUid: string): number {
    return this.#sizeOf(physicalUid).bytesEach;
  }

  /** Writes of clients a second to some shards of an index. */
  writesTo(physicalUid: string, shards: number): number {
    const indexes = Math.max(1, this.#fleet.indexes.length);
    const perIndex = this.input.rates.writesPerSecond / indexes;
    return (perIndex * shards) / this.entry(physicalUid).shardCount;
  }

  setArrived({ runKey }: SyncRef, documents: number): void {
    this.#arrived.set(runKey, documents);
    this.#look();
  }

  arrivedOf({ runKey }: SyncRef): number {
    return this.#arrived.get(runKey) ?? 0;
  }

  /** Marks two nodes as at work on a copy, so that others which share them get less. */
  async working<T>(nodes: readonly string[], work: () => Promise<T>): Promise<T> {
    for (const node of nodes) this.#busy.set(node, (this.#busy.get(node) ?? 0) + 1);
    try {
      return await work();
    } finally {
      for (const node of nodes) this.#busy.set(node, (this.#busy.get(node) ?? 1) - 1);
    }
  }

  /** A node's part of a rate, by how slow it is and how many share it. */
  shareOf(node: string, rate: number): number {
    const factor = this.input.slow[node] ?? 1;
    return (rate * factor) / Math.max(1, this.#busy.get(node) ?? 1);
  }

  viewOf(id: string): OperationView | undefined {
    return this.#views.get(id);
  }

  /** Each change of a run's phase is a line of the timeline. */
  show(view: OperationView): void {
    const last = this.#views.get(view.id);
    this.#views.set(view.id, view);
    if (last?.phase === view.phase && last.status === view.status) return;
    const what = view.status === 'running' ? view.phase : `${view.phase}: ${view.status}`;
    this.#timeline.push({ seconds: this.seconds(view.updatedAt), operation: view.id, what });
  }

  /** A line of the timeline for what is no change of a phase. */
  async tell(operation: string, what: string): Promise<void> {
    this.#timeline.push({ seconds: this.#secondsAt(await this.clock.now()), operation, what });
  }

  /** Since the simulation began. */
  seconds(at: string): number {
    return this.#secondsAt(Date.parse(at));
  }

  timeline(): TimelineEntry[] {
    return [...this.#timeline].sort((a, b) => a.seconds - b.seconds);
  }

  nodeIds(): string[] {
    return [
      ...new Set([...this.input.fleet.nodes, ...this.#fleet.nodes].map(({ id }) => id)),
    ].sort();
  }

  nodes(): SimulatedNode[] {
    const ids = new Set([...this.nodeIds(), ...this.#peaks.keys()]);
    return [...ids].sort().map((node) => ({
      node,
      documentsBefore: Math.round(this.#before.get(node) ?? 0),
      documentsPeak: Math.round(this.#peaks.get(node)?.documents ?? 0),
      documentsAfter: Math.round(this.#held(node).documents),
      bytesPeak: Math.round(this.#peaks.get(node)?.bytes ?? 0),
    }));
  }

  #secondsAt(ms: number): number {
    return Math.round((ms - this.#begun) / 100) / 10;
  }

  #sizeOf(physicalUid: string): SimulationInput['sizes'][string] {
    return this.input.sizes[physicalUid] ?? { documents: 0, bytesEach: 0 };
  }

  /** What a node has on its disk: of every copy in the table, and of those on their way what came. */
  #held(node: string): { documents: number; bytes: number } {
    let [documents, bytes] = [0, 0];
    for (const { physicalUid, placement } of this.#fleet.indexes) {
      const each = this.documentsOf(physicalUid, 1);
      const states = placement
        .flatMap(({ shards }) => shards.flat())
        .filter((replica) => replica.node === node);
      const whole = states.filter(({ state }) => state !== 'syncing').length * each;
      const coming = states.length * each - whole;
      const arrived = Math.min(coming, this.#arrivedAt(physicalUid, node));
      documents += whole + arrived;
      bytes += (whole + arrived) * this.bytesEach(physicalUid);
    }
    return { documents, bytes };
  }

  #arrivedAt(physicalUid: string, node: string): number {
    return [...this.#arrived]
      .filter(([key]) => key.startsWith(`sync/${physicalUid}/`) && key.endsWith(`/${node}`))
      .reduce((sum, [, documents]) => sum + documents, 0);
  }

  #look(): void {
    for (const node of this.nodeIds()) {
      const held = this.#held(node);
      const peak = this.#peaks.get(node) ?? { documents: 0, bytes: 0 };
      this.#peaks.set(node, {
        documents: Math.max(peak.documents, held.documents),
        bytes: Math.max(peak.bytes, held.bytes),
      });
    }
  }
}
