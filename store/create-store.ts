import { createAuditLog } from './audit-log';
import { createChannels } from './channels';
import { createAttemptStore, createFenceStore } from './fences';
import { createFigureStore } from './figures';
import { createFleetStore } from './fleet';
import { createGovernorStore } from './governor';
import { createJoin } from './join';
import { createJournalStore } from './journals';
import { createKeys } from './keys';
import { createNodeDiskStore } from './node-disks';
import { createNodeMarkStore } from './node-marks';
import type { StoreOptions } from './options';
import { createReshard } from './reshard';
import { createPodStore } from './pods';
import { createAdminSessionStore } from './records/admin-session';
import { createAliasView } from './records/alias';
import { createAntiEntropyReportStore } from './records/anti-entropy-report';
import { createApiKeyStore } from './records/api-key';
import { createCanaryStore } from './records/canary';
import { createCanaryRunStore } from './records/canary-run';
import { createArchiveScheduleStore } from './records/archive-schedule';
import { createCapturedQueryStore } from './records/captured-query';
import { createCdcCursorStore } from './records/cdc-cursor';
import { createExperimentalFeatureStore } from './records/experimental-feature';
import { createIdempotencyStore } from './records/idempotency';
import { createIndexUpdateStore } from './records/index-update';
import { createJobStore } from './records/job';
import { createLeaseStore } from './records/lease';
import { createNodeSettingsVersionStore } from './records/node-settings-version';
import { createRestoreDrillStore } from './records/restore-drill';
import { createRolloverPolicyStore } from './records/rollover-policy';
import { createSearchUiConfigStore } from './records/search-ui-config';
import { createSecretStore } from './records/secret';
import { createSessionStore } from './records/session';
import { createTaskStore } from './records/task';
import { createTenantStore } from './records/tenant';
import { createTtlSweepStore } from './records/ttl-sweep';
import { createWebhookStore } from './records/webhook';
import { createScriptRunner } from './script';
import type { Store } from './types';
import { createWriterStore } from './writers';

/** About 100 MB of Redis, by the measure in store/DESIGN.md. */
const tasksMaxDefault = 100_000;
const idempotencyKeysMaxDefault = 100_000;

export function createStore(options: StoreOptions): Store {
  const { redis, subscriber, requestDeadlineMs, podLeaseMs, now = Date.now } = options;
  const {
    tasksMax = tasksMaxDefault,
    idempotencyKeysMax = idempotencyKeysMaxDefault,
    waitAof = false,
  } = options;
  const channels = createChannels({
    connection: () => subscriber ?? redis.duplicate(),
    owned: subscriber === undefined,
  });
  const parts = { redis, keys: createKeys(options.prefix), scripts: createScriptRunner(redis) };
  const fleet = createFleetStore({ ...parts, channels, waitAof });
  const pods = createPodStore({ ...parts, requestDeadlineMs, podLeaseMs });
  return {
    fleet,
    pods,
    writers: createWriterStore({ ...parts, pods, tasksMax, idempotencyKeysMax, waitAof }),
    journals: createJournalStore(parts),
    fences: createFenceStore({ ...parts, pods }),
    attempts: createAttemptStore(parts),
    join: createJoin({ ...parts, waitAof }),
    reshard: createReshard({ ...parts, waitAof }),
    governor: createGovernorStore(parts),
    tasks: createTaskStore({ ...parts, tasksMax }),
    aliases: createAliasView(fleet, now),
    jobs: createJobStore(parts),
    sessions: createSessionStore(parts),
    idempotency: createIdempotencyStore(parts, idempotencyKeysMax),
    leases: createLeaseStore(parts),
    canaries: createCanaryStore(parts),
    canaryRuns: createCanaryRunStore(parts),
    cdcCursors: createCdcCursorStore(parts),
    tenants: createTenantStore(parts),
    rolloverPolicies: createRolloverPolicyStore(parts),
    searchUiConfigs: createSearchUiConfigStore(parts),
    adminSessions: createAdminSessionStore(parts, channels),
    nodeSettingsVersions: createNodeSettingsVersionStore(parts),
    apiKeys: createApiKeyStore(parts),
    webhooks: createWebhookStore(parts),
    experimentalFeatures: createExperimentalFeatureStore(parts),
    indexUpdates: createIndexUpdateStore(parts),
    secrets: createSecretStore(parts),
    audit: createAuditLog(parts),
    nodeMarks: createNodeMarkStore(parts),
    ttlSweeps: createTtlSweepStore(parts),
    nodeDisks: createNodeDiskStore(parts),
    figures: createFigureStore(parts),
    antiEntropyReports: createAntiEntropyReportStore(parts),
    restoreDrills: createRestoreDrillStore(parts),
    capturedQueries: createCapturedQueryStore(parts),
    archiveSchedules: createArchiveScheduleStore(parts),
    close: async () => channels.close(),
  };
}
