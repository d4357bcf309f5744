import type { Config } from '../config/config';
import type { Nodes } from '../meili/types';
import type { Store } from '../store/types';
import type { Archives } from './archives';
import type { KeyRing } from './auth/key-ring';
import type { Features } from './features';
import type { FleetCache } from './fleet-cache';
import type { Log } from './log';
import type { Hedges } from './search/hedges';
import type { SharedReads } from './search/shared-reads';
import type { Gathered } from './search/types';
import type { Metrics } from './metrics/metrics';
import type { DiskWatch } from './disk-watch';
import type { NodeHealth } from './node-health';
import type { NodeIdentities } from './node-identities';
import type { Pod } from './pod';
import type { SettingsWatch } from './settings/settings-watch';
import type { TaskRuns } from './task-runs';
import type { TemporalGateway } from './temporal-gateway';
import type { WebhookSender } from './webhooks/webhook-sender';
import type { Writes } from './writes/writes';

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
  readonly identities: NodeIdentities;
  readonly disks: DiskWatch;
  /** Which nodes answer by other settings than the catalogue's. */
  readonly settings: SettingsWatch;
  /** When a part of a read is asked of other replicas, too. */
  readonly hedges: Hedges;
  /** Equal searches under way. */
  readonly sharedReads: SharedReads<Gathered>;
  readonly features: Features;
  readonly webhooks: WebhookSender;
  readonly metrics: Metrics;
  /** Null: this pod was started without Temporal; operations are refused, all else works. */
  readonly temporal: TemporalGateway | null;
  readonly writes: Writes;
  readonly archives: Archives;
  /** Tasks that a run works on, and no node. */
  readonly taskRuns: TaskRuns;
  /** `wake`: this pod has committed a write whose node tasks are to be followed at once. */
  readonly follower: { wake(): void };
}
