import type { Config } from '../config/config';
import type { NodeClient, Nodes } from '../meili/types';
import type { NodeId } from '../core/ids';
import type { Store } from '../store/types';
import type { KeyRing } from './auth/key-ring';
import type { FleetCache } from './fleet-cache';
import type { Follower } from './follower/follower';
import type { NodeHealth } from './node-health';
import type { Pod } from './pod';
import type { TemporalGateway } from './temporal-gateway';
import type { WriteService } from './writes/write-service';

/** The part of a logger that the api uses; pino's loggers fit. No key and no body is ever logged. */
export interface Log {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** What every route gets. One per pod; tests make several in one process. */
export interface ApiContext {
  readonly config: Config;
  readonly store: Store;
  readonly fleet: FleetCache;
  readonly nodes: Nodes;
  readonly pod: Pod;
  readonly log: Log;
  readonly keys: KeyRing;
  readonly health: NodeHealth;
  /** Null: this pod was started without Temporal; operations are refused, all else works. */
  readonly temporal: TemporalGateway | null;
  readonly writes: WriteService;
  readonly follower: Follower;
}

/** The client of a node by its id; null when the node has left the fleet. */
export function clientOf(ctx: Pick<ApiContext, 'fleet' | 'nodes'>, id: NodeId): NodeClient | null {
  const node = ctx.fleet.node(id);
  return node === null ? null : ctx.nodes.client(node);
}
