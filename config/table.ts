import { bucketCount, fenceWaitMsMax, nodeDeadlineMsMax } from '../core/limits';
import { archiveSettings } from './archive-settings';
import { bootstrapNodes } from './bootstrap-nodes';
import { failureTable } from './failure-table';
import { choice, flag, integer, matching, milliseconds, nullable, text } from './kinds';
import { requestSettings } from './request-settings';
import type { Path, Setting, ValueAt } from './setting';

const hour = 3_600_000;
const redisUrl = matching('url', /^rediss?:\/\/.+/, 'redis://127.0.0.1:6379');
const hostPort = matching('host:port', /^[^\s/]+:\d{1,5}$/, '127.0.0.1:7233');
const name = matching('name', /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'miroir');
const webUrl = matching('url', /^https?:\/\/.+/, 'http://127.0.0.1:8233');

/** Every setting of Miroir; the type makes sure that none is missing and that defaults fit. */
export const table: { readonly [P in Path]: Setting<ValueAt<P>> } = {
  'api.host': {
    env: 'MIROIR_API_HOST',
    kind: text,
    default: '127.0.0.1',
    about:
      'Address the api listens on. Beyond loopback it asks for a master key and a long admin key.',
  },
  'api.port': {
    env: 'MIROIR_API_PORT',
    kind: integer(0, 65_535),
    default: 7700,
    about: 'Port of the api. 0 lets the system choose.',
  },
  'api.masterKey': {
    env: 'MIROIR_MASTER_KEY',
    kind: nullable(text),
    default: null,
    secret: true,
    about: "The clients' master key. Without one nothing asks for a key, as in Meilisearch.",
  },
  'api.adminKey': {
    env: 'MIROIR_ADMIN_KEY',
    kind: text,
    default: { required: 'make one with: openssl rand -hex 24' },
    secret: true,
    about: "The operators' key for `/_miroir/*`.",
  },
  'api.bodyLimitBytes': {
    env: 'MIROIR_BODY_LIMIT_BYTES',
    kind: integer(1_024, 1_000_000_000),
    default: 100_000_000,
    about: "Largest request body; Meilisearch's own default.",
  },
  'api.spoolBytes': {
    env: 'MIROIR_SPOOL_BYTES',
    kind: integer(1_024, 1_000_000_000),
    default: 8_000_000,
    about:
      'Document bodies beyond it wait in a temporary file (in `TMPDIR`), not in memory. The file is gone when the request ends.',
  },
  'api.requestDeadlineMs': {
    env: 'MIROIR_REQUEST_DEADLINE_MS',
    kind: milliseconds(100, 120_000),
    default: 30_000,
    about: 'The longest a request may take. Every barrier of an operation waits so long.',
  },
  'redis.url': {
    env: 'REDIS_URL',
    kind: redisUrl,
    default: 'redis://127.0.0.1:6379',
    secret: true,
    about: 'Redis or Valkey. Its password is not printed.',
  },
  'redis.prefix': {
    env: 'MIROIR_REDIS_PREFIX',
    kind: name,
    default: 'miroir',
    about: 'Every key begins with it, so that several fleets can share one Redis.',
  },
  'temporal.address': {
    env: 'TEMPORAL_ADDRESS',
    kind: hostPort,
    default: '127.0.0.1:7233',
    about: 'Temporal front end.',
  },
  'temporal.namespace': {
    env: 'MIROIR_TEMPORAL_NAMESPACE',
    kind: name,
    default: 'default',
    about: 'Temporal namespace; it must exist.',
  },
  'temporal.taskQueue': {
    env: 'MIROIR_TASK_QUEUE',
    kind: name,
    default: 'miroir',
    about: 'Task queue that workers of this fleet listen to. Two fleets need two.',
  },
  'temporal.uiUrl': {
    env: 'TEMPORAL_UI_URL',
    kind: nullable(webUrl),
    default: null,
    about: 'Where people see the runs; only used for links.',
  },
  'nodes.key': {
    env: 'MIROIR_NODE_KEY',
    kind: text,
    default: { required: 'it is the --master-key that the Meilisearch nodes were started with' },
    secret: true,
    about: "The nodes' master key. It only makes and deletes the keys that Miroir's processes use.",
  },
  'nodes.deadlineMs': {
    env: 'MIROIR_NODE_DEADLINE_MS',
    kind: milliseconds(10, nodeDeadlineMsMax),
    default: 10_000,
    about: 'The longest one call to a node may take.',
  },
  'nodes.bootstrap': {
    env: 'MIROIR_NODES_BOOTSTRAP',
    kind: bootstrapNodes,
    default: [],
    about:
      'Nodes of a new fleet. `MIROIR_NODES=url,url,…` is the short form. Later ones are added by the API.',
  },
  'nodes.restartCommand': {
    env: 'MIROIR_NODE_RESTART_COMMAND',
    kind: nullable(text),
    default: null,
    about:
      'Shell command by which the worker restarts a node in a rolling upgrade; else operators do.',
  },
  'fleet.shards': {
    env: 'MIROIR_SHARDS',
    kind: integer(1, bucketCount),
    default: 64,
    about: 'Shards of a new index, a power of two.',
  },
  'fleet.replicationFactor': {
    env: 'MIROIR_RF',
    kind: integer(1, 16),
    default: 1,
    about: 'Copies of each shard within one group.',
  },
  'fleet.groups': {
    env: 'MIROIR_GROUPS',
    kind: integer(1, 64),
    default: 1,
    about: 'Replica groups; each holds every shard.',
  },
  'pods.leaseMs': {
    env: 'MIROIR_POD_LEASE_MS',
    kind: milliseconds(500, 120_000),
    default: 10_000,
    about: 'A process that did not renew for so long serves no more.',
  },
  'pods.heartbeatMs': {
    env: 'MIROIR_POD_HEARTBEAT_MS',
    kind: milliseconds(50, 60_000),
    default: 2_000,
    about: 'How often a process renews its lease and acknowledges the epoch.',
  },
  'writes.fenceMaxMs': {
    env: 'MIROIR_FENCE_MAX_MS',
    kind: milliseconds(100, fenceWaitMsMax),
    default: 5_000,
    about: 'How long a write may wait for a shard that is being handed over.',
  },
  'writes.minInSync': {
    env: 'MIROIR_MIN_IN_SYNC',
    kind: integer(1, 16),
    default: 1,
    about: 'A write stands when so many copies of each shard in a group took it.',
  },
  'writes.writeQuorum': {
    env: 'MIROIR_WRITE_QUORUM',
    kind: choice('one', 'majority'),
    default: 'one',
    about: '`majority` refuses writes that most copies did not take.',
  },
  'writes.writerLeaseMs': {
    env: 'MIROIR_WRITER_LEASE_MS',
    kind: milliseconds(500, 120_000),
    default: 10_000,
    about: "How long a process may order an index's writes without renewing.",
  },
  'writes.writerHoldMs': {
    env: 'MIROIR_WRITER_HOLD_MS',
    kind: milliseconds(0, 10_000),
    default: 20,
    about:
      'A process keeps that right at least so long, so that two alternate batches, not writes.',
  },
  'writes.inFlightMax': {
    env: 'MIROIR_WRITES_IN_FLIGHT_MAX',
    kind: integer(1, 1_000),
    default: 8,
    about:
      'Writes of one index that a process sends before the first of them is committed; 1: each waits for the last.',
  },
  'search.onMissingShard': {
    env: 'MIROIR_ON_MISSING_SHARD',
    kind: choice('partial', 'error'),
    default: 'partial',
    about: '`partial`: answer 200 with what there is and say so; `error`: 503.',
  },
  'settings.waitMs': {
    env: 'MIROIR_SETTINGS_WAIT_MS',
    kind: milliseconds(0, 60_000),
    default: 5_000,
    about: 'How long a request with `X-Miroir-Min-Settings-Version` waits before it answers 503.',
  },
  'settings.checkIntervalMs': {
    env: 'MIROIR_SETTINGS_CHECK_INTERVAL_MS',
    kind: nullable(milliseconds(1_000, 24 * hour)),
    default: 300_000,
    about: 'How often the settings on every node are compared. Empty: never.',
  },
  'settings.repairDrift': {
    env: 'MIROIR_SETTINGS_REPAIR_DRIFT',
    kind: flag,
    default: true,
    about: 'Apply the settings again where the comparison finds others.',
  },
  'ttl.sweepIntervalMs': {
    env: 'MIROIR_TTL_SWEEP_INTERVAL_MS',
    kind: nullable(milliseconds(1_000, 24 * hour)),
    default: 300_000,
    about: 'How often expired documents are deleted. Empty: only when an operator says so.',
  },
  'ttl.batchDocuments': {
    env: 'MIROIR_TTL_BATCH_DOCUMENTS',
    kind: integer(1, 100_000),
    default: 1_000,
    about: 'Expired documents that one write deletes, about.',
  },
  'ttl.documentsMaxPerSweep': {
    env: 'MIROIR_TTL_DOCUMENTS_MAX_PER_SWEEP',
    kind: integer(1, 100_000_000),
    default: 100_000,
    about: 'A sweep of one index ends after so many; the next one goes on.',
  },
  'ttl.documentsPerSecond': {
    env: 'MIROIR_TTL_DOCUMENTS_PER_SECOND',
    kind: nullable(integer(1, 10_000_000)),
    default: 2_000,
    about: 'Throttle of a sweep; operators can change it while it runs.',
  },
  'canaries.capturePerMille': {
    env: 'MIROIR_CANARY_CAPTURE_PER_MILLE',
    kind: integer(0, 1_000),
    default: 0,
    about:
      'Of a thousand searches so many are kept, body and first ids, to make canaries of. 0: none. Never those of tenant tokens.',
  },
  'canaries.captureKeepMs': {
    env: 'MIROIR_CANARY_CAPTURE_KEEP_MS',
    kind: milliseconds(1_000, 90 * 24 * hour),
    default: 7 * 24 * hour,
    about: 'How long a kept search stays.',
  },
  'sync.graceMs': {
    env: 'MIROIR_SYNC_GRACE_MS',
    kind: milliseconds(0, 24 * hour),
    default: 300_000,
    about: 'How long a move can be reversed at once after the cut-over.',
  },
  'sync.sourceGraceMs': {
    env: 'MIROIR_SYNC_SOURCE_GRACE_MS',
    kind: milliseconds(0, 24 * hour),
    default: 60_000,
    about:
      'A source that does not answer for so long is left, and its shards are read from other in-sync copies.',
  },
  'sync.awayMaxMs': {
    env: 'MIROIR_SYNC_AWAY_MAX_MS',
    kind: milliseconds(1_000, 7 * 24 * hour),
    default: 900_000,
    about:
      'So long a sync waits for a target, or for the last copy of a shard, before it is undone; and a clean-up for the node.',
  },
  'sync.rangeDocumentsMax': {
    env: 'MIROIR_SYNC_RANGE_DOCUMENTS',
    kind: integer(1, 100_000),
    default: 2_000,
    about: 'Documents copied in one step.',
  },
  'sync.parallelSyncs': {
    env: 'MIROIR_SYNC_PARALLEL',
    kind: integer(1, 64),
    default: 4,
    about: 'Pairs of nodes that copy at the same time.',
  },
  'sync.documentsPerSecond': {
    env: 'MIROIR_SYNC_DOCUMENTS_PER_SECOND',
    kind: nullable(integer(1, 10_000_000)),
    default: null,
    about: 'Throttle of a copy; operators can change it while it runs.',
  },
  'sync.smallRoundIds': {
    env: 'MIROIR_SYNC_SMALL_ROUND_IDS',
    kind: integer(0, 100_000),
    default: 200,
    about: 'A copy joins when a round of catching up had at most so many documents.',
  },
  'sync.barrierExtraMs': {
    env: 'MIROIR_SYNC_BARRIER_EXTRA_MS',
    kind: milliseconds(0, 60_000),
    default: 500,
    about: 'Added to the longest request at each barrier, for clocks that differ.',
  },
  'worker.heartbeatMs': {
    env: 'MIROIR_WORKER_HEARTBEAT_MS',
    kind: milliseconds(100, 120_000),
    default: 10_000,
    about: 'An activity that was silent for so long is given to another worker.',
  },
  'worker.stickyMs': {
    env: 'MIROIR_WORKER_STICKY_MS',
    kind: milliseconds(100, 120_000),
    default: 10_000,
    about: 'A run waits so long for the worker that has it in memory.',
  },
  'worker.buildId': {
    env: 'MIROIR_BUILD_ID',
    kind: nullable(name),
    default: null,
    about:
      'Names the build that a worker runs, in its identity and in each step of a run that it took. Without it: none.',
  },
  'worker.apiUrl': {
    env: 'MIROIR_API_URL',
    kind: nullable(webUrl),
    default: null,
    about:
      'Where canaries send their searches. Without it: the address that an api on this machine would have.',
  },
  'worker.canaryKey': {
    env: 'MIROIR_CANARY_KEY',
    kind: nullable(text),
    default: null,
    secret: true,
    about: 'API key of the canaries; it needs the action `search`. Without it: the master key.',
  },
  'worker.apiKey': {
    env: 'MIROIR_WORKER_API_KEY',
    kind: nullable(text),
    default: null,
    secret: true,
    about:
      'API key that imports and restores write with; it needs `documents.add` and `indexes.create`. Without it: the master key.',
  },
  ...archiveSettings,
  ...requestSettings,
  'outbound.allowLoopback': {
    env: 'MIROIR_OUTBOUND_ALLOW_LOOPBACK',
    kind: flag,
    default: false,
    about: 'Let urls that people set (nodes, webhooks) point at this machine.',
  },
  'outbound.allowPrivate': {
    env: 'MIROIR_OUTBOUND_ALLOW_PRIVATE',
    kind: flag,
    default: true,
    about: 'Let such urls point into private networks, where nodes usually are.',
  },
  ...failureTable,
  'log.level': {
    env: 'MIROIR_LOG_LEVEL',
    kind: choice('silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'),
    default: 'info',
    about: 'The least important line that is written.',
  },
};

export const paths = Object.keys(table) as Path[];

/** Variables that are read, but are no setting of their own. */
export const otherVariables = {
  MIROIR_CONFIG:
    'Path of a YAML file with the same settings, as `api: {port: 7700}`. The environment wins.',
  MIROIR_NODES: 'Short form of `nodes.bootstrap`: urls with commas between; groups round robin.',
} as const;
