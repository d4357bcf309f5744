import type { EngineChoice } from './engines';

export interface FleetOptions {
  /** Nodes to start, 3; ignored when `MIROIR_NODES` names running ones. */
  readonly nodes?: number;
  /**
   * Of the nodes that `MIROIR_NODES` names beyond `nodes`, so many at the end are not told to the fleet:
   * `addNodeProcess` takes them before it starts one. 0.
   */
  readonly spareNodes?: number;
  /** Replica groups, 1; nodes are spread over them round robin. */
  readonly groups?: number;
  /** Copies of each shard within a group, 1. */
  readonly replicationFactor?: number;
  /** Port of the api; a free one by default. */
  readonly port?: number;
  /** Shards of a new index, 8: enough to see moves, few enough for one machine. */
  readonly shards?: number;
  /** Keeps data, keys and ports between runs. By default all is removed at the end. */
  readonly dataDirectory?: string;
  readonly engine?: EngineChoice;
  /** Api processes, 1; the first one has `port`. */
  readonly apis?: number;
  /** Worker processes, 1. */
  readonly workers?: number;
  /** Settings for api and workers by variable, as `MIROIR_SYNC_GRACE_MS`; they win over the rest. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly env?: NodeJS.ProcessEnv;
  /**
   * Where a process finds a part: given the address of what was started, answers the address to use. Tests put
   * a faulty network between them with it. Nodes are asked for once, as every process reads one table.
   */
  readonly link?: Link;
  /** Told what is going on, one line at a time. */
  readonly onProgress?: (line: string) => void;
}

/** `user`: `api-0`, `worker-0`, …, or `fleet` for nodes; `part`: `redis`, `temporal`, or a node's id. */
export type Link = (user: string, part: string, address: string) => Promise<string>;

const direct: Link = (_user, _part, address) => Promise.resolve(address);

export interface FleetPlan {
  readonly nodes: number;
  readonly spareNodes: number;
  readonly groups: number;
  readonly replicationFactor: number;
  readonly port: number;
  readonly shards: number;
  readonly dataDirectory: string | null;
  readonly engine: EngineChoice;
  readonly apis: number;
  readonly workers: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly env: NodeJS.ProcessEnv;
  readonly link: Link;
  readonly onProgress: (line: string) => void;
}

/** The options with every default filled in. Throws when the numbers cannot make a fleet. */
export function planFleet(options: FleetOptions): FleetPlan {
  const plan: FleetPlan = {
    nodes: options.nodes ?? 3,
    spareNodes: options.spareNodes ?? 0,
    groups: options.groups ?? 1,
    replicationFactor: options.replicationFactor ?? 1,
    port: options.port ?? 0,
    shards: options.shards ?? 8,
    dataDirectory: options.dataDirectory ?? null,
    engine: options.engine ?? 'auto',
    apis: options.apis ?? 1,
    workers: options.workers ?? 1,
    settings: options.settings ?? {},
    env: options.env ?? process.env,
    link: options.link ?? direct,
    onProgress: options.onProgress ?? (() => undefined),
  };
  const smallest = Math.floor(plan.nodes / plan.groups);
  const given = plan.env['MIROIR_NODES'];
  if ((given === undefined || given === '') && smallest < plan.replicationFactor) {
    throw new Error(
      `${String(plan.nodes)} nodes in ${String(plan.groups)} groups leave ${String(smallest)} in the smallest group, ` +
        `but each needs as many nodes as copies (${String(plan.replicationFactor)}): two copies of a shard never share a node.`,
    );
  }
  return plan;
}
