import type { Config } from './config';
import { bytesByName, choice, flag, fraction, integer, matching, milliseconds } from './kinds';
import { nullable, text } from './kinds';
import type { Path, Setting, ValueAt } from './setting';

const hour = 3_600_000;
const webUrl = matching('url', /^https?:\/\/.+/, 'http://{host}:9100/metrics');

type Sections = 'health' | 'repair' | 'antiEntropy' | 'slo' | 'disk' | 'meta';
type FailurePath =
  Extract<Path, `${Sections & keyof Config}.${string}`> | 'redis.waitAof' | 'redis.waitAofMs';

/** The settings of `config/failure-config.ts`. */
export const failureTable: { readonly [P in FailurePath]: Setting<ValueAt<P>> } = {
  'redis.waitAof': {
    env: 'MIROIR_REDIS_WAIT_AOF',
    kind: choice('off', 'local', 'replica'),
    default: 'off',
    about:
      'Answer changes of the fleet only when they are in the append-only file: of the server, or of a replica too.',
  },
  'redis.waitAofMs': {
    env: 'MIROIR_REDIS_WAIT_AOF_MS',
    kind: milliseconds(1, 60_000),
    default: 1_000,
    about: 'How long to wait for that; a change has happened whether or not it is on disk by then.',
  },
  'health.failuresToLeave': {
    env: 'MIROIR_HEALTH_FAILURES_TO_LEAVE',
    kind: integer(1, 100),
    default: 2,
    about: 'Failures in a row, of requests and probes, after which a node is asked no more.',
  },
  'health.successesToReturn': {
    env: 'MIROIR_HEALTH_SUCCESSES_TO_RETURN',
    kind: integer(1, 100),
    default: 2,
    about: 'Probes in a row that bring a node back.',
  },
  'health.probeMs': {
    env: 'MIROIR_HEALTH_PROBE_MS',
    kind: milliseconds(20, 60_000),
    default: 1_000,
    about: 'How often each pod asks each node whether it is well and who it is.',
  },
  'health.probeDeadlineMs': {
    env: 'MIROIR_HEALTH_PROBE_DEADLINE_MS',
    kind: milliseconds(10, 30_000),
    default: 1_000,
    about: 'A probe that takes longer has failed.',
  },
  'health.slowStartMs': {
    env: 'MIROIR_HEALTH_SLOW_START_MS',
    kind: milliseconds(0, hour),
    default: 30_000,
    about: 'A node that is new or back gets its full share of the searches only after so long.',
  },
  'health.checkIdentity': {
    env: 'MIROIR_HEALTH_CHECK_IDENTITY',
    kind: flag,
    default: true,
    about: 'Let a node serve only when it is the one it was, with nothing missing of its past.',
  },
  'repair.automatic': {
    env: 'MIROIR_REPAIR_AUTOMATIC',
    kind: flag,
    default: true,
    about: 'Fill stale copies again without being asked.',
  },
  'repair.rebuildNodes': {
    env: 'MIROIR_REPAIR_REBUILD_NODES',
    kind: flag,
    default: true,
    about: 'Rebuild a node that came back empty or with an old snapshot, without being asked.',
  },
  'repair.everyMs': {
    env: 'MIROIR_REPAIR_EVERY_MS',
    kind: milliseconds(1_000, 24 * hour),
    default: 60_000,
    about: 'How often to look for copies and nodes to repair.',
  },
  'antiEntropy.enabled': {
    env: 'MIROIR_ANTI_ENTROPY',
    kind: flag,
    default: true,
    about: 'Compare all copies with each other on a schedule.',
  },
  'antiEntropy.everyMs': {
    env: 'MIROIR_ANTI_ENTROPY_EVERY_MS',
    kind: milliseconds(10_000, 30 * 24 * hour),
    default: 24 * hour,
    about: 'How often.',
  },
  'antiEntropy.documentsPerSecond': {
    env: 'MIROIR_ANTI_ENTROPY_DOCUMENTS_PER_SECOND',
    kind: nullable(integer(1, 10_000_000)),
    default: 20_000,
    about: 'Documents that it reads from each copy in a second.',
  },
  'antiEntropy.repair': {
    env: 'MIROIR_ANTI_ENTROPY_REPAIR',
    kind: flag,
    default: true,
    about: 'Repair copies that the record of the writes shows to be wrong; without it only report.',
  },
  'slo.action': {
    env: 'MIROIR_SLO_ACTION',
    kind: choice('off', 'throttle', 'pause', 'rollback'),
    default: 'pause',
    about: 'The farthest the guard goes with operations while users suffer.',
  },
  'slo.searchP95Ms': {
    env: 'MIROIR_SLO_SEARCH_P95_MS',
    kind: milliseconds(1, 120_000),
    default: 500,
    about: 'Searches are too slow when their 95th percentile is above this.',
  },
  'slo.errorRate': {
    env: 'MIROIR_SLO_ERROR_RATE',
    kind: fraction,
    default: 0.02,
    about: 'Too many errors: this share of requests answered with a 5xx.',
  },
  'slo.nodeQueueTasks': {
    env: 'MIROIR_SLO_NODE_QUEUE_TASKS',
    kind: integer(1, 1_000_000),
    default: 1_000,
    about: 'A node is behind when so many of its tasks wait.',
  },
  'slo.everyMs': {
    env: 'MIROIR_SLO_EVERY_MS',
    kind: milliseconds(100, 600_000),
    default: 5_000,
    about: 'How often pods publish their figures and the guard looks at them.',
  },
  'slo.breachMs': {
    env: 'MIROIR_SLO_BREACH_MS',
    kind: milliseconds(0, hour),
    default: 15_000,
    about: 'How long a breach lasts before the next step.',
  },
  'slo.recoverMs': {
    env: 'MIROIR_SLO_RECOVER_MS',
    kind: milliseconds(0, 24 * hour),
    default: 60_000,
    about: 'How long all is well before a step is taken back.',
  },
  'disk.capacityBytes': {
    env: 'MIROIR_DISK_CAPACITY_BYTES',
    kind: nullable(integer(1, Number.MAX_SAFE_INTEGER)),
    default: null,
    about: "Room for the engine's databases on each node. Without it room is not watched.",
  },
  'disk.capacities': {
    env: 'MIROIR_DISK_CAPACITIES',
    kind: bytesByName,
    default: {},
    about: 'The same for single nodes; wins over `disk.capacityBytes`.',
  },
  'disk.metricsUrl': {
    env: 'MIROIR_DISK_METRICS_URL',
    kind: nullable(webUrl),
    default: null,
    about: "A node exporter beside each node; `{host}` is the node's host. Wins over capacities.",
  },
  'disk.mountpoint': {
    env: 'MIROIR_DISK_MOUNTPOINT',
    kind: text,
    default: '/',
    about: 'The mount point to look for in these metrics.',
  },
  'disk.noMovesAt': {
    env: 'MIROIR_DISK_NO_MOVES_AT',
    kind: fraction,
    default: 0.85,
    about: 'From this use on no shard is moved to the node.',
  },
  'disk.noGrowthAt': {
    env: 'MIROIR_DISK_NO_GROWTH_AT',
    kind: fraction,
    default: 0.95,
    about: 'From this use on writes that make the node grow are refused; deletes are not.',
  },
  'disk.hysteresis': {
    env: 'MIROIR_DISK_HYSTERESIS',
    kind: fraction,
    default: 0.03,
    about: 'A mark is left behind when the use is so far below it.',
  },
  'disk.everyMs': {
    env: 'MIROIR_DISK_EVERY_MS',
    kind: milliseconds(50, hour),
    default: 10_000,
    about: 'How often the room of each node is looked at.',
  },
  'meta.enabled': {
    env: 'MIROIR_META',
    kind: flag,
    default: true,
    about: 'Keep the state of the fleet on every node as well, so that it outlives a lost Redis.',
  },
  'meta.everyMs': {
    env: 'MIROIR_META_EVERY_MS',
    kind: milliseconds(20, hour),
    default: 2_000,
    about: 'How long after a change it is written there at the latest.',
  },
  'meta.keep': {
    env: 'MIROIR_META_KEEP',
    kind: integer(2, 1_000),
    default: 100,
    about: 'How many of the last states are kept on each node.',
  },
  'meta.secret': {
    env: 'MIROIR_META_SECRET',
    kind: nullable(text),
    default: null,
    secret: true,
    about: 'What these copies are sealed with. Without it: the admin key.',
  },
};
