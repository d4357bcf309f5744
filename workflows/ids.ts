import type { GroupId, NodeId, PhysicalUid } from '../core/ids';
import type { SyncPair } from '../core/operations';
import type { PlacementChange, RepairScope } from '../core/placement-change';

/**
 * Workflow ids. They say what is happening and they are locks: of two runs with one id only one is
 * open. They carry the physical uid, because clients rename and swap their indexes.
 */

/** Anything but letters, digits, `_`, `-` and `.` becomes `~hex`, so that `/` always separates. */
const part = (value: string): string =>
  value.replace(/[^A-Za-z0-9_.-]/g, (char) => `~${(char.codePointAt(0) ?? 0).toString(16)}`);

export const syncId = (
  pair: Pick<SyncPair, 'physicalUid' | 'group' | 'source' | 'target'>,
): string =>
  `sync/${part(pair.physicalUid)}/${String(pair.group)}/${part(pair.source)}/${part(pair.target)}`;

/** `null`: all groups. */
export const rebalanceId = (group: GroupId | null): string =>
  group === null ? 'rebalance/all' : `rebalance/group-${String(group)}`;

export const addNodeId = (node: NodeId): string => `add-node/${part(node)}`;
export const drainNodeId = (node: NodeId): string => `drain-node/${part(node)}`;
export const removeNodeId = (node: NodeId): string => `remove-node/${part(node)}`;
export const repairId = (node: NodeId): string => `repair/${part(node)}`;

/** What an operation that is described by its change has to itself. */
export function changeId(change: PlacementChange): string {
  switch (change.kind) {
    case 'rebalance':
      return rebalanceId(change.group);
    case 'add-node':
      return addNodeId(change.node.id);
    case 'drain-node':
      return drainNodeId(change.node);
    case 'remove-node':
      return removeNodeId(change.node);
    case 'repair':
      return repairScopeId(change);
    case 'set-node':
      return `set-node/${part(change.node)}`;
    case 'replace-node':
      return `replace-node/${part(change.old)}`;
    case 'add-group':
    case 'remove-group':
      return `${change.kind}/${String(change.group)}`;
    case 'set-replication': {
      const [only] = change.factors;
      const one = change.factors.length === 1 && only !== undefined;
      return one ? `replication/${part(only.physicalUid)}` : 'replication/all';
    }
    case 'reshard':
      return `reshard/${part(change.physicalUid)}`;
  }
}

function repairScopeId({ node, physicalUid, shard }: RepairScope): string {
  if (physicalUid === null) return node === null ? 'repair-all' : repairId(node);
  const shards = shard === null ? '' : `/${String(shard)}`;
  const onNode = node === null ? '' : `/on/${part(node)}`;
  return `repair-index/${part(physicalUid)}${shards}${onNode}`;
}

/** A dry run locks nothing but itself. */
export const planId = (change: PlacementChange): string => `plan/${changeId(change)}`;
export const rebuildNodeId = (node: NodeId): string => `rebuild/${part(node)}`;
/** One run for the whole fleet at a time. */
export const antiEntropyId = 'anti-entropy';
export const settingsId = (physicalUid: PhysicalUid): string => `settings/${part(physicalUid)}`;
/** `null`: all indexes. */
export const settingsCheckId = (physicalUid: PhysicalUid | null): string =>
  `settings-check/${physicalUid === null ? 'all' : part(physicalUid)}`;
/** `null`: all indexes whose documents expire. */
export const expireId = (physicalUid: PhysicalUid | null): string =>
  `ttl/${physicalUid === null ? 'all' : part(physicalUid)}`;
export const rolloverId = (policy: string): string => `rollover/${part(policy)}`;
export const canaryId = (canary: string): string => `canary/${part(canary)}`;

/** By the old instance, because its writers are stopped once. */
export const migrationId = (url: string): string => `migration/${part(url)}`;

/** One for the fleet: two rolling upgrades at once would take two nodes away. */
export const upgradeId = 'upgrade/nodes';
/** Imports and dumps may run side by side; each has an id of its own. */
export const importId = (id: string): string => `import/${part(id)}`;
/** The fleet task of a dump or an export is the one thing that must not be done twice. */
export const dumpId = (taskUid: number): string => `dump/${String(taskUid)}`;
export const exportId = (taskUid: number): string => `export/${String(taskUid)}`;
/** One backup at a time, and one drill: both read everything. */
export const backupId = 'backup/all';
export const restoreDrillId = 'restore-drill/all';
export const backupScheduleId = 'backup-schedule/all';
export const restoreDrillScheduleId = 'restore-drill-schedule/all';

/** Schedules. A scheduled run gets its time appended to its id and so locks nothing: it starts a child. */
export const rolloverScheduleId = (policy: string): string => `rollover-schedule/${part(policy)}`;
/** One for the fleet each: what they look at is found by each run. */
export const settingsCheckScheduleId = 'settings-check-schedule';
export const expireScheduleId = 'ttl-schedule';
export const canaryScheduleId = (canary: string): string => `canary-schedule/${part(canary)}`;
export const repairScheduleId = 'repair-schedule';
export const antiEntropyScheduleId = 'anti-entropy-schedule';
