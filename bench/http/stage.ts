import { randomBytes } from 'node:crypto';
import type { GroupId, ShardId } from '../../core/ids';
import { shardId } from '../../core/ids';
import { foreignEnv } from '../../local/part';
import { connectRedis } from '../../store/connect';
import { createStore } from '../../store/create-store';
import type { FleetOp } from '../../store/types';
import { benchIndex, benchNodes } from '../fleet';
import { cannedAnswers } from './canned-answers';
import { startChild } from './children';
import type { Child } from './children';

/** The servers that a search can be sent to, by the name that the report gives them. */
export interface Stage {
  readonly api: Child;
  /** Asks the nodes, parses, sorts by score, writes. */
  readonly relay: Child;
  /** Asks the nodes and puts their answers one after another. */
  readonly concat: Child;
  /** The canned nodes: what the load loop can do at most. */
  readonly nodes: Child;
  readonly key: string;
}

const prefix = 'bench';

/** Starts nodes, relays and an api in four processes, and ends them when `act` is over. */
export async function withStage<T>(
  options: { readonly redisUrl: string; readonly shards: number },
  act: (stage: Stage) => Promise<T>,
): Promise<T> {
  const started: Child[] = [];
  const start = async (...given: Parameters<typeof startChild>): Promise<Child> => {
    const child = await startChild(...given);
    started.push(child);
    return child;
  };
  try {
    const env = foreignEnv(process.env);
    const nodes = await start({ kind: 'nodes', answers: cannedAnswers() }, env);
    const relay = await start({ kind: 'relay', nodes: nodes.urls, merge: true }, env);
    const concat = await start({ kind: 'relay', nodes: nodes.urls, merge: false }, env);
    await seedFleet(options, nodes.urls);
    const key = secret();
    const api = await start({ kind: 'api' }, apiSettings(options.redisUrl, key));
    return await act({ api, relay, concat, nodes, key });
  } finally {
    await Promise.all(started.map((child) => child.end()));
  }
}

const secret = (): string => randomBytes(24).toString('hex');

function apiSettings(redisUrl: string, key: string): NodeJS.ProcessEnv {
  return {
    ...foreignEnv(process.env),
    NODE_ENV: 'production',
    REDIS_URL: redisUrl,
    MIROIR_REDIS_PREFIX: prefix,
    MIROIR_API_HOST: '127.0.0.1',
    MIROIR_API_PORT: '0',
    MIROIR_MASTER_KEY: key,
    MIROIR_ADMIN_KEY: secret(),
    MIROIR_NODE_KEY: secret(),
    MIROIR_LOG_LEVEL: 'warn',
    // A canned node has no disk that could say who it is.
    MIROIR_HEALTH_CHECK_IDENTITY: 'false',
    // Searches never call Temporal, and the connection is made at the first call.
    TEMPORAL_ADDRESS: '127.0.0.1:9',
  };
}

/** Writes nodes, index and placement as they stand after the creation of an index. */
async function seedFleet(
  options: { readonly redisUrl: string; readonly shards: number },
  urls: readonly string[],
): Promise<void> {
  const redis = connectRedis(options.redisUrl);
  const store = createStore({ redis, prefix, requestDeadlineMs: 1_000, podLeaseMs: 1_000 });
  try {
    const nodes = benchNodes(urls);
    const { placement, ...entry } = benchIndex(nodes, options.shards);
    const rows = placement.flatMap(({ group, shards }) =>
      shards.map((replicas, n) => rowOf(entry.physicalUid, { group, shard: shardId(n), replicas })),
    );
    const ops: FleetOp[] = [
      ...nodes.map((node): FleetOp => ({ op: 'set-node', node })),
      { op: 'set-index', entry },
      ...rows,
    ];
    await store.fleet.update({ who: 'bench', why: 'measurement', what: 'first fleet' }, () => ops);
  } finally {
    await store.close();
    redis.disconnect();
  }
}

type SetReplicas = Extract<FleetOp, { op: 'set-replicas' }>;

function rowOf(
  physicalUid: SetReplicas['physicalUid'],
  at: { group: GroupId; shard: ShardId; replicas: SetReplicas['replicas'] },
): FleetOp {
  return { op: 'set-replicas', physicalUid, ...at };
}
