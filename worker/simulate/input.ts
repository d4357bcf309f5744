import type { Fleet } from '../../core/fleet';
import type { PlacementChange } from '../../core/placement-change';

/** What the parts of the fleet can do, all in documents and milliseconds. */
export interface SimulatedRates {
  /** Documents a second that one node takes in, shared by the copies that reach it at once. */
  readonly copyPerSecond: number;
  /** Documents a second that one node gives out, shared likewise; comparing counts as reading. */
  readonly readPerSecond: number;
  /** Writes of clients a second, over all indexes, spread evenly. */
  readonly writesPerSecond: number;
  /** What a small node task takes. */
  readonly taskMs: number;
  /** From a change of the epoch until every pod knows it and its older requests are over. */
  readonly barrierMs: number;
  /** Documents a second that one node deletes by filter. */
  readonly deletePerSecond: number;
}

/** A node that does not answer from one moment of the simulation to another. */
export interface Absence {
  readonly node: string;
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

/** A fleet that does not exist: equal nodes, and one index that is spread over them. */
export interface InventedFleet {
  readonly nodes: number;
  readonly groups: number;
  readonly replicationFactor: number;
  readonly shards: number;
  readonly documents: number;
  readonly bytesEach: number;
}

/** Documents and their mean bytes, by physical uid. */
export type IndexSizes = Readonly<
  Record<string, { readonly documents: number; readonly bytesEach: number }>
>;

/** What the command line sends. */
export interface SimulationRequest extends Omit<SimulationInput, 'fleet' | 'sizes'> {
  readonly running?: { readonly fleet: Fleet; readonly sizes: IndexSizes };
  readonly invented?: InventedFleet;
}

export interface SimulationInput {
  readonly fleet: Fleet;
  readonly sizes: IndexSizes;
  readonly change: PlacementChange;
  readonly rates: SimulatedRates;
  readonly options: {
    readonly parallelSyncs: number;
    readonly graceMs: number;
    readonly documentsPerSecond: number | null;
    readonly smallRoundIds: number;
  };
  readonly away: readonly Absence[];
  /** A node works at this part of the rates. */
  readonly slow: Readonly<Record<string, number>>;
  /** Path of the program of Temporal's test server. */
  readonly testServer: string;
}

export interface SimulatedPair {
  readonly index: string;
  readonly kind: 'move' | 'copy';
  readonly source: string;
  readonly target: string;
  readonly shards: number;
  readonly documents: number;
  readonly outcome: string;
  readonly fromSeconds: number;
  readonly toSeconds: number;
  /** How long writes to the shards wait; null: it never joined. */
  readonly fencedMs: number | null;
}

export interface SimulatedNode {
  readonly node: string;
  readonly documentsBefore: number;
  readonly documentsPeak: number;
  readonly documentsAfter: number;
  readonly bytesPeak: number;
}

export interface TimelineEntry {
  readonly seconds: number;
  readonly operation: string;
  readonly what: string;
}

export interface SimulationReport {
  readonly outcome: string;
  readonly error: string | null;
  readonly operation: string;
  readonly seconds: number;
  readonly documentsCopied: number;
  readonly documentsPlanned: number;
  readonly bytesCopied: number;
  readonly pairs: readonly SimulatedPair[];
  readonly nodes: readonly SimulatedNode[];
  readonly timeline: readonly TimelineEntry[];
  readonly notKept: readonly string[];
}
