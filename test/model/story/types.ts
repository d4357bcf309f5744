import type { FleetSize } from '../fleet/fleet';
import type { Storm } from '../world/weather';

export interface ModelDocument {
  readonly id: string;
  readonly [member: string]: string | number;
}

/** What a client writes. Names are client names, of indexes or of the alias. */
export type WriteSpec =
  | {
      readonly kind: 'add';
      readonly method: 'POST' | 'PUT';
      readonly index: string;
      readonly documents: readonly ModelDocument[];
    }
  | { readonly kind: 'delete'; readonly index: string; readonly ids: readonly string[] }
  | { readonly kind: 'delete-filter'; readonly index: string; readonly tag: string }
  | { readonly kind: 'delete-all'; readonly index: string }
  | { readonly kind: 'settings'; readonly index: string; readonly variant: number }
  | { readonly kind: 'create-index' | 'delete-index'; readonly index: string }
  | { readonly kind: 'rename-index'; readonly index: string; readonly to: string }
  | { readonly kind: 'swap'; readonly indexes: readonly [string, string] }
  | { readonly kind: 'alias'; readonly target: string };

export type SearchSpec = {
  readonly kind: 'search';
  readonly index: string;
  readonly body: Readonly<Record<string, string | number | readonly string[]>>;
};

export interface ClientStep {
  /** Milliseconds between the answer before and this request. */
  readonly think: number;
  readonly pod: number;
  readonly ask: WriteSpec | SearchSpec;
  /** The next request does not wait for the answer to this one. */
  readonly hurried?: boolean;
}

/** What happens to the fleet while clients go on. */
export type Act =
  | { readonly kind: 'kill-pod'; readonly pod: number; readonly backMs: number }
  | { readonly kind: 'pause-pod'; readonly pod: number; readonly ms: number }
  | { readonly kind: 'kill-worker'; readonly worker: number; readonly backMs: number }
  | { readonly kind: 'pause-worker'; readonly worker: number; readonly ms: number }
  | { readonly kind: 'node-down'; readonly node: number; readonly ms: number }
  | {
      readonly kind: 'node-slow';
      readonly node: number;
      readonly extraMs: number;
      readonly ms: number;
    }
  | { readonly kind: 'node-task-fails'; readonly node: number }
  | { readonly kind: 'redis-away'; readonly ms: number }
  | { readonly kind: 'redis-reply-lost'; readonly pod: number }
  /** It comes back without what was on its disk, or with its disk as it was when the story began. */
  | {
      readonly kind: 'node-emptied' | 'node-rolled-back';
      readonly node: number;
      readonly ms: number;
    }
  /** Only this pod does not reach Redis; it reaches the nodes as before. */
  | { readonly kind: 'pod-cut-off'; readonly pod: number; readonly ms: number }
  | { readonly kind: 'storm'; readonly storm: Storm; readonly ms: number }
  | { readonly kind: 'lose-activity-answers'; readonly ms: number }
  | { readonly kind: 'redis-restart'; readonly ms: number }
  | OperationAct;

/** Operators' work, by workflows. Nodes are meant by their place; those after the fleet's are spares. */
export type OperationAct = { readonly steer: SteerSpec } & (
  | { readonly kind: 'add-node' | 'drain-node' | 'remove-node' | 'repair'; readonly node: number }
  | {
      readonly kind:
        'rebalance' | 'repair-all' | 'settings-check' | 'anti-entropy' | 'scheduled-repair';
    }
  | {
      readonly kind: 'set-node';
      readonly node: number;
      readonly weight: number;
      readonly zone: string | null;
    }
  | { readonly kind: 'replace-node'; readonly node: number; readonly by: number }
  | { readonly kind: 'add-group'; readonly nodes: readonly number[] }
  | { readonly kind: 'remove-group' }
  | { readonly kind: 'replication'; readonly index: string; readonly copies: number }
  | { readonly kind: 'reshard'; readonly index: string; readonly shards: number }
);

export type OperatorCommand = 'pause' | 'resume' | 'setThrottle' | 'cancel' | 'reverse';

/** What the operator says to the operation, after its start. */
export interface SteerSpec {
  readonly commands: readonly { readonly afterMs: number; readonly command: OperatorCommand }[];
  /** Null: no approval is asked for; else what is shown is approved so much later. */
  readonly approveAfterMs: number | null;
  /** Null: the product's own; a low one makes runs continue as new. */
  readonly historyEventsMax: number | null;
}

/** Everything that a seed decides before the run; the rest is chance in the same stream. */
export interface Story {
  readonly seed: number;
  readonly size: FleetSize;
  readonly clients: readonly (readonly ClientStep[])[];
  readonly acts: readonly { readonly at: number; readonly act: Act }[];
  /** When all is quiet: Redis loses everything, and an operator recovers. */
  readonly losesRedis: boolean;
}
